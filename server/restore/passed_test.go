// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/rollouts"
	kit "landed/server/servertest"
	"landed/server/store"
)

// keepFeed copies the metadata of the feed folder, as a backup does, and gives what puts it in the place of what lies there.
func keepFeed(h *kit.Rooms) (put func()) {
	h.T.Helper()
	metadata, kept := filepath.Join(h.Dir, "feed", "metadata"), filepath.Join(h.T.TempDir(), "metadata")
	if err := os.CopyFS(kept, os.DirFS(metadata)); err != nil {
		h.T.Fatal(err)
	}
	return func() {
		h.T.Helper()
		if err := errors.Join(os.RemoveAll(metadata), os.CopyFS(metadata, os.DirFS(kept))); err != nil {
			h.T.Fatal(err)
		}
	}
}

// tellRestored is what a start after otad restore does before anything else.
func tellRestored(h *kit.Rooms) {
	h.T.Helper()
	db := kit.OK(store.Make(h.Ctx, filepath.Join(h.Dir, "landed.db"), func() time.Time { return h.Now }))(h.T)
	if err := errors.Join(db.Update(h.Ctx, func(tx fleet.Tx) error {
		return tx.Audit().Append(h.Ctx, fleet.AuditEntry{At: h.Now, Actor: "landed", Action: fleet.ActionRestored,
			Subject: fleet.RestoreSubject, Reason: "restored from a.tar"})
	}), db.Close()); err != nil {
		h.T.Fatal(err)
	}
}

// TestRestoredWithoutTheNewestFeed: a backup is restored beside a feed that lacks what handsets have seen, and another time
// once more. No number of what the server signs is used twice, and a halt reaches the handset that saw the newest.
func TestRestoredWithoutTheNewestFeed(t *testing.T) {
	for name, tt := range map[string]struct{ between int }{
		"the feed of the backup":                   {0},
		"a feed of between, newer than the backup": {2},
	} {
		t.Run(name, func(t *testing.T) {
			h := kit.New(t)
			h.Released("armani")
			r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
			restore, feed := h.Backup(), keepFeed(h)
			for n := range 6 {
				if n == tt.between {
					feed = keepFeed(h)
				}
				h.Now = h.Now.Add(time.Minute)
				if n%2 == 0 {
					kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "wait"))(t)
				} else {
					kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "ann", "on"))(t)
				}
			}
			device := h.Client()
			kit.OK(device.Refresh(h.Now))(t)
			seen := h.State()
			for n := range 2 { // the same backup
				restore()
				h.Now = h.Now.Add(time.Hour)
				feed()
				tellRestored(h)
				h.Reopen()
				first := h.State()
				for _, role := range []string{tufrepo.Timestamp, tufrepo.Snapshot, tufrepo.OffersRole("armani")} {
					if first.Version(role) <= seen.Version(role) {
						t.Errorf("restore %d: %s is at %d; handsets saw %d", n, role, first.Version(role), seen.Version(role))
					}
				}
				h.MustRenew()
				h.Reopen()
				if again := h.State(); again.Version(tufrepo.Timestamp) > first.Version(tufrepo.Timestamp)+2 {
					t.Errorf(
						"restore %d: the numbers leapt from %d to %d once more",
						n,
						first.Version(tufrepo.Timestamp),
						again.Version(tufrepo.Timestamp),
					)
				}
				if h.Rollout(r.ID).State != fleet.RolloutHalted {
					kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "it burns"))(t)
				}
				kit.OK(device.Refresh(h.Now))(t)
				if got := h.Offer(device); got.State != offers.StateHalted {
					t.Errorf("restore %d: the handset that saw the newest has %+v", n, got)
				}
				seen = h.State()
			}
		})
	}
}
