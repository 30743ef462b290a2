// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/proposals"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// TestGoesOnWithoutReports: while the reports are lost, a rollout is resumed and widened by as many people as after a leak,
// and nothing is forgiven.
func TestGoesOnWithoutReports(t *testing.T) {
	for _, two := range []bool{true, false} {
		h := kit.New(t, func(c *rooms.Config) { c.Policy = proposals.Policy{Leaks: two} })
		h.Released("armani")
		id := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0].ID
		kit.OK(h.Rollouts.Pause(h.Ctx, id, "ann", "a look first"))(t)
		h.Update(func(tx fleet.Tx) error {
			for _, name := range []string{"ann", "bo"} {
				if err := tx.Tokens().Put(h.Ctx, fleet.Token{Name: name, Hash: []byte(name), At: h.Now.Add(-48 * time.Hour)}); err != nil {
					return err
				}
			}
			r, err := tx.Rollouts().Get(h.Ctx, id)
			if err != nil {
				return err
			}
			r.Forgiven, r.Excused = 3, 2
			return tx.Rollouts().Save(h.Ctx, r)
		})
		h.Shut()
		if err := os.Remove(filepath.Join(h.Dir, "landed-reports.db")); err != nil {
			t.Fatal(err)
		}
		h.Reopen()
		goesOn(t, "resume", two, func(by string) (fleet.Rollout, error) { return h.Rollouts.Resume(h.Ctx, id, by, "the fix is needed") })
		r := h.Rollout(id)
		if r.State != fleet.RolloutRunning || r.Forgiven != 3 || r.Excused != 2 {
			t.Errorf("resumed: %+v", r)
		}
		goesOn(t, "widen", two, func(by string) (fleet.Rollout, error) { return h.Rollouts.Widen(h.Ctx, id, by, "the fix is needed") })
		if r := h.Rollout(id); r.Stage != 1 {
			t.Errorf("widened: stage %d", r.Stage)
		}
		words := ""
		h.View(func(tx fleet.Tx) error {
			lines, err := tx.Audit().List(h.Ctx, 0, 20)
			for _, l := range lines {
				words += l.Action + " " + l.Reason + "\n"
			}
			return err
		})
		if strings.Count(words, "the reports could not be read") != 2 {
			t.Errorf("the trail:\n%s", words)
		}
		h.Shut()
	}
}

// goesOn has ann do something, and bo if that takes two.
func goesOn(t *testing.T, what string, two bool, do func(by string) (fleet.Rollout, error)) {
	t.Helper()
	_, err := do("ann")
	if two && !proposals.Proposes(err) {
		t.Fatalf("%s by one person: %v", what, err)
	}
	if two {
		_, err = do("bo")
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
