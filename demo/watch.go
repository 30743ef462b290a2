// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// watch reads the audit trail and the status page, as anybody may.
type watch struct {
	house *house
	news  *news
	seen  int64 // number of the newest line that was told
}

// look tells what the trail says about rollouts since the last look.
func (w *watch) look(ctx context.Context) error {
	entries, _, err := w.house.api.Audit(ctx, "", 0, 50)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(entries) {
		if e.N > w.seen && strings.HasPrefix(e.Action, "rollout.") {
			w.news.say("%-15s %s: %s", modelOf(e.Subject), verb(e.Action), e.Reason)
		}
		w.seen = max(w.seen, e.N)
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
		"rollout.resume": "resumed", "rollout.finish": "finished",
	}
	if w, ok := words[action]; ok {
		return w
	}
	return action
}

// progress draws the line of figures.
func (w *watch) progress(ctx context.Context) error {
	all, err := w.house.status(ctx)
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
	w.news.progress(fmt.Sprintf("known %d · active before %d · patched %d · proven %d · leaking %d", n, active, running,
		proven, leaking))
	return nil
}

// statusPage is what this demo reads of /status.json.
type statusPage struct {
	Release struct {
		Name string `json:"name"`
	} `json:"release"`
	Headline string `json:"headline"`
	Models   []struct {
		Device string `json:"model"`
		figures
		Rollouts []struct {
			State string `json:"state"`
			Stage int    `json:"stage"`
		} `json:"rollouts"`
	} `json:"models"`
}

type figures struct {
	Installations int64            `json:"installations"`
	Running       int64            `json:"running"`
	Proven        int64            `json:"proven"`
	Verdicts      map[string]int64 `json:"verdicts"`
	Before        map[string]int64 `json:"before"`
}

func (h *house) status(ctx context.Context) (s statusPage, err error) {
	req, err := http.NewRequestWithContext(ctx, "GET", h.url+"/status.json", nil)
	if err != nil {
		return s, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return s, fmt.Errorf("the status page answers %s", resp.Status)
	}
	return s, json.NewDecoder(resp.Body).Decode(&s)
}
