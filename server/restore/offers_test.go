// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	declaration "landed/manifests/release"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// afterRestore starts on the restored database and gives what is offered then, which must be the
// same right after the start and after the first tick.
func afterRestore(h *kit.Rooms, restore func(), device *kit.Client) offers.Offer {
	h.T.Helper()
	restore()
	h.Now = h.Now.Add(time.Hour)
	h.Reopen()
	first := h.Offer(device)
	h.MustRenew()
	h.Now = h.Now.Add(kit.Day)
	h.MustRenew()
	h.Reopen()
	if diff := cmp.Diff(first, h.Offer(device)); diff != "" {
		h.T.Errorf("the first ticks change what is offered: %s", diff)
	}
	return first
}

// wantTold wants an audit line about the rollout that holds these words.
func wantTold(h *kit.Rooms, id, words string) {
	h.T.Helper()
	var lines []fleet.AuditEntry
	err := h.DB.View(h.Ctx, func(tx fleet.Tx) (err error) {
		lines, err = tx.Audit().OfSubject(h.Ctx, id, 100)
		return err
	})
	if err != nil {
		h.T.Fatal(err)
	}
	for _, l := range lines {
		if l.Action == "rollout.adopt" && strings.Contains(l.Reason, words) {
			return
		}
	}
	h.T.Errorf("the audit trail does not say %q of %s: %v", words, id, lines)
}

func TestRestoreDoesNotUndoAHalt(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	device := h.Client()
	restore := h.Backup()
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "bricks handsets"))(t)
	h.Offer(device)
	if o := afterRestore(h, restore, device); o.State != offers.StateHalted {
		t.Fatalf("after the restore the rollout is %s", o.State)
	}
	wantTold(h, r.ID, "halted before the database was restored")
	kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "sue", "the fault was in the lab"))(t)
	if o := h.Offer(device); o.State != offers.StateRunning || o.Salt != r.Salt || o.Share != r.Share() {
		t.Errorf("resumed, the offer is %+v", o)
	}
}

// A halt that a person took back after the copy is in force again: in doubt, halted.
func TestRestoreDoesNotResume(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	device := h.Client()
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "bricks handsets"))(t)
	restore := h.Backup()
	kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "ann", "it does not"))(t)
	if o := afterRestore(h, restore, device); o.State != offers.StateHalted {
		t.Errorf("after the restore the rollout is %s", o.State)
	}
	wantTold(h, r.ID, "resumed after the copy")
}

func TestRestoreDoesNotShrinkAShare(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	device := h.Client()
	restore := h.Backup()
	r = h.Rollout(r.ID)
	r.Stage = 2
	if err := h.DB.Update(h.Ctx, func(tx fleet.Tx) error { return tx.Rollouts().Save(h.Ctx, r) }); err != nil {
		t.Fatal(err)
	}
	if err := h.Rollouts.PublishOffers(h.Ctx); err != nil {
		t.Fatal(err)
	}
	if o := afterRestore(h, restore, device); o.Share != 5_000 || o.Stage != 3 || o.State != offers.StateRunning {
		t.Errorf("after the restore stage %d is offered to %d, %s; wanted stage 3, 5000, running", o.Stage, o.Share, o.State)
	}
	wantTold(h, r.ID, "had reached 50 %")
}

// What was offered meanwhile cannot be read any more: nobody knows if it was halted.
func TestRestoreWithoutTheOffers(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	device := h.Client()
	restore := h.Backup()
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "bricks handsets"))(t)
	kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "ann", "it does not"))(t)
	d := h.State()
	target, _ := d.Target("armani-offers", tufrepo.OffersPath("armani", "stable"))
	lost := func() {
		restore()
		for _, name := range []string{filepath.Join("blobs/blobs", target.SHA256[:2], target.SHA256), filepath.Join("feed/targets",
			tufrepo.StoredTarget(target.Path, target.SHA256))} {
			if err := os.Remove(filepath.Join(h.Dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if o := afterRestore(h, lost, device); o.State != offers.StateHalted {
		t.Errorf("after the restore the rollout is %s", o.State)
	}
	wantTold(h, r.ID, "cannot be read")
}

// A rollout that the database does not know is taken up, halted, whether its release was waiting
// for signatures when the copy was made, or was not there at all.
func TestRestoreTakesUpUnknownRollouts(t *testing.T) {
	for _, when := range []string{"before the upload", "before the signatures", "before the start"} {
		t.Run(when, func(t *testing.T) {
			h := kit.New(t)
			h.Begin("armani", "cancro")
			var restore func()
			copied := func(now string) {
				if now == when {
					restore = h.Backup()
				}
			}
			copied("before the upload")
			c := h.Staged("armani", "cancro")
			copied("before the signatures")
			h.SignAndPublish(c)
			copied("before the start")
			r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann", Stages: []fleet.Stage{{Share: 250},
				{Share: 10_000}}}))(t)[0]
			device := h.Client()
			before := h.Offer(device)

			want := before
			want.State = offers.StateHalted
			got := afterRestore(h, restore, device)
			want.Stage = got.Stage // the stages that were asked for are in no signed document
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("offered after the restore: %s", diff)
			}
			wantTold(h, r.ID, "started after the copy")
			kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "sue", "all is well"))(t)
			if o := h.Offer(device); o.State != offers.StateRunning || o.Share != 250 {
				t.Errorf("resumed, it is %s at %d", o.State, o.Share)
			}
			if err := fleet.ValidateStages(h.Rollout(r.ID).Stages); err != nil {
				t.Errorf("its stages: %v", err)
			}
			checkTakenUp(h)
		})
	}
}

// checkTakenUp wants the release to be published, whole, and nothing to wait for signatures.
func checkTakenUp(h *kit.Rooms) {
	h.T.Helper()
	err := h.DB.View(h.Ctx, func(tx fleet.Tx) error {
		release := kit.OK(tx.Releases().Get(h.Ctx, kit.OptIn))(h.T)
		if declared := kit.OK(declaration.Parse(release.Source))(h.T); release.State != fleet.ReleasePublished || len(release.Packages) != 2 ||
			declared.AskOn("cancro").Migration != probe.MigrationSwitchOff {
			h.T.Errorf("the release is %s with %d packages", release.State, len(release.Packages))
		}
		for _, ref := range release.Packages {
			kit.OK(tx.Packages().Get(h.Ctx, ref))(h.T)
		}
		if open := kit.OK(tx.Changes().Open(h.Ctx))(h.T); len(open) > 0 {
			h.T.Errorf("change %s still waits for signatures", open[0].ID)
		}
		return nil
	})
	if err != nil {
		h.T.Fatal(err)
	}
}
