// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// afterRestore starts on the restored database and gives what is offered then, which must be the
// same right after the start and after the first tick.
func (h *house) afterRestore(restore func(), device *client) offers.Offer {
	h.t.Helper()
	restore()
	h.now = h.now.Add(time.Hour)
	h.reopen()
	first := h.offer(device)
	h.renew()
	h.now = h.now.Add(day)
	h.renew()
	h.reopen()
	if diff := cmp.Diff(first, h.offer(device)); diff != "" {
		h.t.Errorf("the first ticks change what is offered: %s", diff)
	}
	return first
}

func (h *house) rollout(id string) (r fleet.Rollout) {
	h.t.Helper()
	err := h.db.View(h.ctx, func(tx fleet.Tx) (err error) {
		r, err = tx.Rollouts().Get(h.ctx, id)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// told wants an audit line about the rollout that holds these words.
func (h *house) told(id, words string) {
	h.t.Helper()
	var lines []fleet.AuditEntry
	err := h.db.View(h.ctx, func(tx fleet.Tx) (err error) {
		lines, err = tx.Audit().OfSubject(h.ctx, id, 100)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, l := range lines {
		if l.Action == "rollout.adopt" && strings.Contains(l.Reason, words) {
			return
		}
	}
	h.t.Errorf("the audit trail does not say %q of %s: %v", words, id, lines)
}

func TestRestoreDoesNotUndoAHalt(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)[0]
	device := newClient(t, h.plain(), h.firstRoot())
	restore := h.backup()
	ok(h.Halt(h.ctx, r.ID, "ann", "bricks handsets"))(t)
	h.offer(device)
	if o := h.afterRestore(restore, device); o.State != offers.StateHalted {
		t.Fatalf("after the restore the rollout is %s", o.State)
	}
	h.told(r.ID, "halted before the database was restored")
	ok(h.Resume(h.ctx, r.ID, "sue", "the fault was in the lab"))(t)
	if o := h.offer(device); o.State != offers.StateRunning || o.Salt != r.Salt || o.Share != r.Share() {
		t.Errorf("resumed, the offer is %+v", o)
	}
}

// A halt that a person took back after the copy is in force again: in doubt, halted.
func TestRestoreDoesNotResume(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)[0]
	device := newClient(t, h.plain(), h.firstRoot())
	ok(h.Halt(h.ctx, r.ID, "ann", "bricks handsets"))(t)
	restore := h.backup()
	ok(h.Resume(h.ctx, r.ID, "ann", "it does not"))(t)
	if o := h.afterRestore(restore, device); o.State != offers.StateHalted {
		t.Errorf("after the restore the rollout is %s", o.State)
	}
	h.told(r.ID, "resumed after the copy")
}

func TestRestoreDoesNotShrinkAShare(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)[0]
	device := newClient(t, h.plain(), h.firstRoot())
	restore := h.backup()
	r = h.rollout(r.ID)
	r.Stage = 2
	if err := h.db.Update(h.ctx, func(tx fleet.Tx) error { return tx.Rollouts().Save(h.ctx, r) }); err != nil {
		t.Fatal(err)
	}
	if err := h.Offers(h.ctx); err != nil {
		t.Fatal(err)
	}
	if o := h.afterRestore(restore, device); o.Share != 5_000 || o.Stage != 3 || o.State != offers.StateRunning {
		t.Errorf("after the restore stage %d is offered to %d, %s; wanted stage 3, 5000, running", o.Stage, o.Share, o.State)
	}
	h.told(r.ID, "had reached 50 %")
}

// What was offered meanwhile cannot be read any more: nobody knows if it was halted.
func TestRestoreWithoutTheOffers(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)[0]
	device := newClient(t, h.plain(), h.firstRoot())
	restore := h.backup()
	ok(h.Halt(h.ctx, r.ID, "ann", "bricks handsets"))(t)
	ok(h.Resume(h.ctx, r.ID, "ann", "it does not"))(t)
	d := ok(h.load(h.ctx))(t)
	target, _ := d.target("armani-offers", tufrepo.OffersPath("armani", "stable"))
	lost := func() {
		restore()
		for _, name := range []string{filepath.Join("blobs/blobs", target.SHA256[:2], target.SHA256), filepath.Join("feed/targets", tufrepo.StoredTarget(target.Path, target.SHA256))} {
			if err := os.Remove(filepath.Join(h.dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if o := h.afterRestore(lost, device); o.State != offers.StateHalted {
		t.Errorf("after the restore the rollout is %s", o.State)
	}
	h.told(r.ID, "cannot be read")
}

// A rollout that the database does not know is taken up, halted, whether its release was waiting
// for signatures when the copy was made, or was not there at all.
func TestRestoreTakesUpUnknownRollouts(t *testing.T) {
	for _, when := range []string{"before the upload", "before the signatures", "before the start"} {
		t.Run(when, func(t *testing.T) {
			h := newHouse(t)
			h.trust("armani", "cancro")
			var restore func()
			copied := func(now string) {
				if now == when {
					restore = h.backup()
				}
			}
			copied("before the upload")
			c := h.staged("armani", "cancro")
			copied("before the signatures")
			for _, n := range []string{"1", "2"} {
				ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(t)
			}
			copied("before the start")
			r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann", Stages: []fleet.Stage{{Share: 250}, {Share: 10_000}}}))(t)[0]
			device := newClient(t, h.plain(), h.firstRoot())
			before := h.offer(device)

			want := before
			want.State = offers.StateHalted
			got := h.afterRestore(restore, device)
			want.Stage = got.Stage // the stages that were asked for are in no signed document
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("offered after the restore: %s", diff)
			}
			h.told(r.ID, "started after the copy")
			ok(h.Resume(h.ctx, r.ID, "sue", "all is well"))(t)
			if o := h.offer(device); o.State != offers.StateRunning || o.Share != 250 {
				t.Errorf("resumed, it is %s at %d", o.State, o.Share)
			}
			if err := fleet.ValidateStages(h.rollout(r.ID).Stages); err != nil {
				t.Errorf("its stages: %v", err)
			}
			h.checkTakenUp()
		})
	}
}

// checkTakenUp wants the release to be published, whole, and nothing to wait for signatures.
func (h *house) checkTakenUp() {
	h.t.Helper()
	err := h.db.View(h.ctx, func(tx fleet.Tx) error {
		release := ok(tx.Releases().Get(h.ctx, optIn))(h.t)
		if declared := ok(manifests.ParseRelease(release.Source))(h.t); release.State != fleet.ReleasePublished || len(release.Packages) != 2 || declared.EffectOn("cancro").Migration != manifests.MigrationSwitchOff {
			h.t.Errorf("the release is %s with %d packages", release.State, len(release.Packages))
		}
		for _, ref := range release.Packages {
			ok(tx.Packages().Get(h.ctx, ref))(h.t)
		}
		if open := ok(tx.Changes().Open(h.ctx))(h.t); len(open) > 0 {
			h.t.Errorf("change %s still waits for signatures", open[0].ID)
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
}
