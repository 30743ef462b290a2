// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/server/fleet"
)

// TestFoldedTrail: that a rollout waits is written each day, and stands on its page once, with how often; who reads the JSON has
// every line.
func TestFoldedTrail(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	id := releaseName + ".armani.stable"
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		for n := range 9 {
			action := "rollout.look"
			if n == 4 {
				action = "rollout.widen"
			}
			if err := tx.Audit().Append(ctx, fleet.AuditEntry{At: now.Add(time.Duration(n-60) * time.Hour), Actor: "landed", Action: action,
				Subject: id, Reason: fmt.Sprintf("as of look %d", n)}); err != nil {
				return err
			}
		}
		return nil
	})
	body := h.get("/models/armani").Body.String()
	for words, n := range map[string]int{"The same 3 times before, since 11 August 2014": 1,
		"The same 3 times before, since 12 August 2014": 1,
		"as of look 8": 1, "as of look 7": 0, "as of look 4": 1, "as of look 3": 1, "as of look 0": 0} {
		if got := strings.Count(body, words); got != n {
			t.Errorf("%q stands there %d times, wanted %d", words, got, n)
		}
	}
	if text := h.get("/models/armani.json").Body.String(); !strings.Contains(text, "as of look 7") || strings.Contains(text, "Since") {
		t.Error("the JSON has not every line")
	}
}

// TestLookedAtForLong: however often a rollout was looked at, what was done to it before stays in the trail, in the feed and on the
// charts, for staff and for everybody.
func TestLookedAtForLong(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	id := releaseName + ".armani.stable"
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		for n := range timelineLength + 10 {
			e := fleet.AuditEntry{At: now.Add(time.Duration(n-100) * time.Hour), Actor: "landed", Action: fleet.ActionLook, Subject: id}
			if err := tx.Audit().Append(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	for _, who := range []string{"staff", "everybody"} {
		for path, want := range map[string]string{"/models/armani.json": `"rollout.start"`, "/models/armani/series.json": `"what":"start"`,
			"/feed.atom": ": started, offered"} {
			body := strings.ReplaceAll(h.get(path).Body.String(), `"what": "`, `"what":"`)
			if !strings.Contains(body, want) {
				t.Errorf("%s, %s: the start is not there: %s", who, path, body)
			}
		}
		h.outlined(20)
	}
}
