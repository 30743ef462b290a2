// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"testing"

	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// TestRestoreKeepsTheEpoch has a database that knows nothing of an ask, or of an earlier one alone, take up what the feed
// says: handsets would pass over anything smaller, so the next ask must be above it.
func TestRestoreKeepsTheEpoch(t *testing.T) {
	for name, earlier := range map[string]int{"of none": 0, "of an earlier one": 1} {
		t.Run(name, func(t *testing.T) {
			h := kit.New(t)
			h.Released("armani")
			kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
			ask := func() int {
				return kit.OK(rollouts.Asker{Rollouts: h.Rollouts}.Ask(h.Ctx, rollouts.Ask{Model: "armani", By: "mei", Reason: "lost", Again: true}))(t)[0].N
			}
			for range earlier {
				ask()
			}
			restore, device := h.Backup(), h.Client()
			for range 3 {
				ask() // above what the calendar would give
			}
			want := h.Offers(device, "armani").Epoch
			afterRestore(h, restore, device)
			if got := h.Offers(device, "armani").Epoch; got != want {
				t.Errorf("after the restore handsets are asked by %d, wanted %d", got, want)
			}
			all := kit.OK(rollouts.Asker{Rollouts: h.Rollouts}.Ask(h.Ctx, rollouts.Ask{By: "mei", Reason: "restored"}))(t)
			if got := h.Offers(device, "armani").Epoch; all[0].State != rollouts.Asked || got <= want {
				t.Errorf("asked after the restore: %s by %d, wanted a new one above %d", all[0].State, got, want)
			}
		})
	}
}
