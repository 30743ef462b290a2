// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// trail tells what the audit trail and the status page say.
type trail struct {
	site  *site
	seen  int64          // number of the newest line that was told
	count map[string]int // lines about rollouts so far, by action
}

// look tells what the trail says about rollouts since the last look.
func (t *trail) look(ctx context.Context) error {
	entries, _, err := t.site.api.Audit().List(ctx, "", 0, 50)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(entries) {
		if e.N > t.seen && strings.HasPrefix(e.Action, "rollout.") {
			t.count[e.Action]++
			t.site.news.say("%-15s %s: %s", modelOf(e.Subject), verb(e.Action), e.Reason)
		}
		t.seen = max(t.seen, e.N)
	}
	return nil
}

// modelOf takes the model out of a rollout's id.
func modelOf(id string) string {
	if parts := strings.Split(id, "."); len(parts) == 3 {
		return parts[1]
	}
	return id
}

func verb(action string) string {
	words := map[string]string{
		"rollout.start": "started", "rollout.widen": "wider", "rollout.hold": "HELD", "rollout.halt": "HALTED",
		"rollout.resume": "resumed", "rollout.finish": "finished", "rollout.look": "looked at",
	}
	if w, ok := words[action]; ok {
		return w
	}
	return action
}

// progress draws the line of figures.
func (t *trail) progress(ctx context.Context) error {
	all, err := t.site.status(ctx, "/status.json")
	if err != nil {
		return err
	}
	var n, active, running, proven, leaking int64
	for _, m := range all.Models {
		n += m.Installations
		active += m.Before["activates_itself"]
		running += m.Running
		proven += m.Proven
		leaking += m.Verdicts["leak"]
	}
	t.site.news.progress(fmt.Sprintf("known %d · active before %d · patched %d · proven %d · leaking %d",
		n, active, running, proven, leaking))
	return nil
}
