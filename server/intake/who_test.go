// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/store/storetest"
)

const day = 24 * time.Hour

// says has an installation report; change is of what it says.
func (w *world) says(t *testing.T, what maker, n int, seq int64, change ...func(*report.Report, ed25519.PrivateKey)) {
	t.Helper()
	r, key := what(n, seq)
	for _, c := range change {
		c(&r, key)
	}
	if r.Kind != report.KindBaseline {
		r.DrawCommit = ""
	}
	if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
		t.Fatal(err)
	}
}

// opens shows what the commitments of storetest.Report are made of.
func opens(r *report.Report, key ed25519.PrivateKey) {
	r.Draw = hex.EncodeToString(offers.DrawSecret(key.Seed(), r.Release))
}

func lies(r *report.Report, _ ed25519.PrivateKey) { r.Draw = strings.Repeat("ab", 16) }

// stillWaits is what a report says that wants no draw of it to be asked.
func stillWaits(r *report.Report, _ ed25519.PrivateKey) { r.Progress = report.ProgressKnown }

func onBeta(r *report.Report, _ ed25519.PrivateKey) { r.Channel = "beta" }

// drawOf is what installation n draws.
func drawOf(n int, salt string) int {
	_, key := waits(n, 1)
	return offers.Draw(offers.DrawSecret(key.Seed(), "one"), salt)
}

// entry puts an admission of everybody who may be admitted.
func (w *world) admitAll(t *testing.T, channel string) {
	t.Helper()
	w.update(t, func(tx fleet.Tx) error {
		return tx.Admissions().Put(ctx, fleet.Admission{Model: "armani", Channel: channel, At: w.clock.now(),
			Key: []byte("0123456789abcdef"), Cutoff: math.MaxInt64, By: "mei", Reason: "a test"})
	})
}

func (w *world) update(t *testing.T, fn func(fleet.Tx) error) {
	t.Helper()
	if err := w.db.Update(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func (w *world) reckon(t *testing.T) {
	t.Helper()
	if _, err := w.Reckon(ctx, nil); err != nil {
		t.Fatal(err)
	}
}

// follows wants that all figures are those of the rows, and all rows those of the reports.
func (w *world) follows(t *testing.T) {
	t.Helper()
	w.checkFigures(t)
	if _, faults := w.verify(t); len(faults) > 0 {
		t.Errorf("%q", faults)
	}
}

const salt = "000102030405060708090a0b0c0d0e0f"

// begin starts the rollout of release one with a share, and widen goes on to a larger one.
func (w *world) begin(t *testing.T, share int) {
	t.Helper()
	r := fleet.Rollout{ID: rolloutID, Release: "one", Model: "armani", Channel: "stable", Salt: salt, State: fleet.RolloutHeld,
		Started: w.clock.now(), Stages: []fleet.Stage{{Share: share}, {Share: 10_000}}}
	r = r.Reaching(fleet.Rollout{}, r.Started)
	w.update(t, func(tx fleet.Tx) error { return tx.Rollouts().Create(ctx, r) })
}

func (w *world) widen(t *testing.T) {
	t.Helper()
	w.update(t, func(tx fleet.Tx) error {
		was, err := tx.Rollouts().Get(ctx, rolloutID)
		if err != nil {
			return err
		}
		next := was
		next.Stage++
		return tx.Rollouts().Save(ctx, next.Reaching(was, w.clock.now()))
	})
}

// TestWhoCounts: who was admitted before the salt, was heard of around it, and shows that it drew its stage.
func TestWhoCounts(t *testing.T) {
	const share = 5_000
	in, out := []int{}, []int{}
	for n := 0; len(in) < 8 || len(out) < 4; n++ {
		if drawOf(n, salt) < share {
			in = append(in, n)
		} else {
			out = append(out, n)
		}
	}
	in, out = in[:8], out[:4]
	w := newWorld(t)
	for _, n := range append(append([]int{}, in...), out...) {
		w.says(t, waits, n, 1)
	}
	late, gone := 1000, 1001
	w.says(t, waits, gone, 1)
	w.clock.advance(8 * day)
	for _, n := range append(append([]int{}, in...), out...) {
		w.says(t, waits, n, 2)
	}
	w.says(t, waits, gone, 2)
	w.clock.advance(7 * day)
	w.says(t, waits, late, 1) // known for too short a time
	w.admitAll(t, "stable")
	w.says(t, waits, in[0], 3) // between the entry and its walk: looked at as it stood then
	w.reckon(t)
	w.follows(t)
	if c := w.total(t); c.Counted.Installations != 13 || c.Installations != 14 {
		t.Fatalf("%d of %d were admitted", c.Counted.Installations, c.Installations)
	}
	w.clock.advance(15 * day)
	for _, n := range append(append([]int{}, in...), out...) {
		w.says(t, waits, n, 4)
	}
	w.clock.advance(7 * day)
	w.begin(t, share) // 29 days after the one that is gone was heard of
	w.clock.advance(time.Hour)
	counts := func(what string, n int, want bool) {
		t.Helper()
		if i := w.installation(t, n); i.Counted != want {
			t.Errorf("%s: counted is %t: %+v", what, i.Counted, i)
		}
	}
	w.says(t, silent, in[1], 5, opens)
	counts("drawn and shown", in[1], true)
	w.says(t, fails, in[2], 5, opens)
	counts("a failure that shows its draw", in[2], true)
	w.says(t, silent, in[3], 5)
	counts("runs, and shows no draw", in[3], false)
	w.says(t, silent, in[4], 5, lies)
	counts("another secret", in[4], false)
	w.says(t, silent, in[4], 6, opens)
	counts("the right one after all", in[4], true)
	w.says(t, silent, in[4], 7, lies)
	counts("another secret, later", in[4], false)
	w.says(t, silent, out[0], 5, opens)
	counts("not of the stage", out[0], false)
	w.says(t, waits, out[1], 5)
	counts("waits", out[1], true)
	w.says(t, leaks, out[2], 5, stillWaits)
	counts("says that it waits, and that it leaks", out[2], false)
	w.says(t, silent, out[3], 5, stillWaits)
	counts("says that it waits, and proves", out[3], false)
	w.says(t, silent, late, 2)
	counts("late", late, false)
	w.says(t, silent, in[5], 5, opens, onBeta)
	counts("of another channel", in[5], false)
	w.says(t, silent, gone, 3, opens)
	counts("silent since long before the salt", gone, false)
	w.clock.advance(29 * day)
	w.says(t, silent, in[6], 5, opens)
	counts("silent since the salt", in[6], true)
	w.follows(t)
	c := w.counts(t, "one")
	if c.OutOfDraw != 2 || c.Counted.Proven() != 2 || c.Counted.Blamed() != 1 || c.Proven() != 8 {
		t.Errorf("out of draw %d, proven %d and counted %d, failed %d", c.OutOfDraw, c.Proven(), c.Counted.Proven(), c.Counted.Blamed())
	}
	w.widen(t)
	w.says(t, silent, out[0], 6, opens)
	counts("the whole fleet is offered it", out[0], true)
	w.says(t, silent, in[3], 6)
	counts("nothing is to be shown of the whole fleet", in[3], true)
	w.says(t, silent, late, 3, opens)
	w.clock.advance(time.Hour)
	w.admitAll(t, "stable")
	w.reckon(t)
	w.says(t, silent, late, 4, opens)
	counts("admitted after the salt", late, false)
	w.follows(t)
	if c := w.total(t); c.Counted.Installations != 13 {
		t.Errorf("the counted fleet is %d", c.Counted.Installations) // one of another channel, and one more
	}
}

// TestBegunBeforeTheSalt: what nobody was offered shows nothing of a stage, whoever says it.
func TestBegunBeforeTheSalt(t *testing.T) {
	w := newWorld(t)
	w.says(t, waits, 1, 1)
	w.clock.advance(15 * day)
	w.says(t, waits, 1, 2)
	w.clock.advance(time.Hour)
	w.admitAll(t, "stable")
	w.reckon(t)
	if i := w.installation(t, 1); !i.Counted || i.Commit == "" {
		t.Fatalf("%+v", i)
	}
	w.clock.advance(time.Hour)
	w.says(t, silent, 1, 3)
	if i := w.installation(t, 1); i.Counted || !i.Member() {
		t.Errorf("%+v", i)
	}
	w.follows(t)
}

// TestOutOfDrawIsNeverCalledEarly: a report that comes at the moment at which a larger share is on record is of that share:
// it is on record before it is offered.
func TestOutOfDrawIsNeverCalledEarly(t *testing.T) {
	n := 0
	for drawOf(n, salt) < 5_000 {
		n++
	}
	w := newWorld(t)
	w.says(t, waits, n, 1)
	w.clock.advance(day)
	w.begin(t, 5_000)
	w.clock.advance(day)
	w.says(t, downloads, n, 2, opens)
	if i := w.installation(t, n); !i.OutOfDraw || i.Drawn != drawOf(n, salt) || i.Commit != "" {
		t.Fatalf("before: %+v", i)
	}
	w.clock.advance(day)
	w.widen(t)
	w.says(t, downloads, n, 3, opens)
	if i := w.installation(t, n); i.OutOfDraw {
		t.Errorf("after: %+v", i)
	}
	w.follows(t)
}

// TestQuarantine takes installations out of the figures and back in, those too that report meanwhile.
func TestQuarantine(t *testing.T) {
	w := newWorld(t)
	from := w.clock.now()
	for n := range 5 {
		w.says(t, leaks, n, 1)
	}
	w.clock.advance(time.Hour)
	to := w.clock.now()
	for n := 5; n < 8; n++ {
		w.says(t, silent, n, 1)
	}
	q := fleet.Quarantine{ID: "00000001", From: from, To: to, At: w.clock.now(), By: "mei and bo", Reason: "a flood", Bad: 5}
	w.update(t, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) })
	w.says(t, leaks, 3, 2) // reckoned when it comes
	figures := func(what string, all, quarantined int64) {
		t.Helper()
		c := w.counts(t, "one")
		if c.Installations != all || c.Quarantined.Installations != quarantined || c.Quarantined.Leaked != quarantined {
			t.Errorf("%s: %d, and %d in quarantine", what, c.Installations, c.Quarantined.Installations)
		}
	}
	figures("one has reported", 7, 1)
	w.reckon(t)
	figures("all", 3, 5)
	w.follows(t)
	done, err := w.Reckon(ctx, nil)
	if err != nil || done != (intake.Reckoned{}) {
		t.Errorf("again: %+v, %v", done, err)
	}
	if _, err := w.Rejudge(ctx, "one", "mei", nil); err != nil {
		t.Fatal(err)
	}
	figures("judged again", 3, 5)
	q.Lifted = w.clock.now().Add(time.Minute)
	w.update(t, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) })
	w.reckon(t)
	figures("lifted", 8, 0)
	w.follows(t)
}

// TestBadInAQuarantine: one person takes out what is not bad. Who turns out to be comes back, stays when it is judged again
// or says otherwise, and whoever is heard of later was never out.
func TestBadInAQuarantine(t *testing.T) {
	w := newWorld(t)
	from := w.clock.now()
	for n := range 6 {
		w.says(t, silent, n, 1)
	}
	w.clock.advance(time.Hour)
	q := fleet.Quarantine{ID: "00000001", From: from, To: from.Add(900 * day), At: w.clock.now(), By: "mei", Reason: "tidy"}
	w.update(t, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) })
	w.reckon(t)
	figures := func(what string, all, leaked, quarantined int64) {
		t.Helper()
		c := w.counts(t, "one")
		if c.Installations != all || c.Leaked != leaked || c.Quarantined.Installations != quarantined || c.Quarantined.Leaked != 0 {
			t.Errorf("%s: %d, %d of them leaked, and %d in quarantine, %d of them leaked", what, c.Installations, c.Leaked,
				c.Quarantined.Installations, c.Quarantined.Leaked)
		}
		w.follows(t)
	}
	figures("none is bad", 0, 0, 6)
	w.says(t, leaks, 3, 2)
	w.says(t, leaks, 4, 2)
	w.says(t, leaks, 7, 1)
	figures("two of them leak, and one more", 3, 3, 4)
	w.says(t, silent, 4, 3)
	if _, err := w.Rejudge(ctx, "one", "mei", nil); err != nil {
		t.Fatal(err)
	}
	figures("one says otherwise", 3, 3, 4)
	q.ID, q.Bad = "00000002", 2 // two persons looked at the same time
	w.update(t, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) })
	w.reckon(t)
	c := w.counts(t, "one")
	if c.Installations != 1 || c.Leaked != 1 || c.Quarantined.Leaked != 2 {
		t.Errorf("two persons: %d, %d of them leaked, and %d in quarantine", c.Installations, c.Leaked, c.Quarantined.Leaked)
	}
	w.follows(t)
}

// TestReckonGoesOn: it is interrupted and goes on; and what a later decision changes is applied to all.
func TestReckonGoesOn(t *testing.T) {
	w := newWorld(t)
	for n := range 1200 {
		w.says(t, waits, n, 1)
	}
	q := fleet.Quarantine{ID: "00000001", From: w.clock.now(), To: w.clock.now().Add(day), At: w.clock.now().Add(time.Second), By: "mei"}
	w.update(t, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) })
	stop, cancel := context.WithCancel(ctx)
	if _, err := w.Reckon(stop, func(intake.Reckoned) { cancel() }); err == nil {
		t.Fatal("it was not interrupted")
	}
	if c := w.counts(t, "one"); c.Quarantined.Installations != 500 {
		t.Fatalf("%d", c.Quarantined.Installations)
	}
	w.follows(t)
	done, err := w.Reckon(ctx, nil)
	if err != nil || done.Installations != 700 || w.counts(t, "one").Quarantined.Installations != 1200 {
		t.Errorf("%+v, %v", done, err)
	}
	w.follows(t)
}

// TestVerifyNamesWhoCounts: a row that was made to count, or not to, is named.
func TestVerifyNamesWhoCounts(t *testing.T) {
	for what, change := range map[string]func(*fleet.Installation){
		"admitted": func(i *fleet.Installation) { i.Admitted = i.First }, "quarantined": func(i *fleet.Installation) { i.Quarantined = true },
		"counted": func(i *fleet.Installation) { i.Counted = true }, "the draw": func(i *fleet.Installation) { i.Drawn = 7 },
		"out of draw": func(i *fleet.Installation) { i.OutOfDraw = true }, "the commitment": func(i *fleet.Installation) { i.Commit = "" },
		"back": func(i *fleet.Installation) { i.Back = i.Last }, "absent": func(i *fleet.Installation) { i.Absent = true },
	} {
		w := newWorld(t)
		w.says(t, waits, 1, 1)
		was := w.installation(t, 1)
		next := was
		change(&next)
		if err := w.db.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, next) }); err != nil {
			t.Fatal(err)
		}
		if _, faults := w.verify(t); !strings.Contains(fmt.Sprint(faults), ": "+what+" is stored as") {
			t.Errorf("%s: %q", what, faults)
		}
	}
}

func (w *world) total(t *testing.T) (c fleet.Counts) {
	t.Helper()
	if err := w.db.View(ctx, func(tx fleet.Tx) (err error) {
		c, err = tx.Counts().Total(ctx, "armani", "stable")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestQuarantineAfterTheClockWasAhead: what was decided counts, not when: the clock may have gone back since.
func TestQuarantineAfterTheClockWasAhead(t *testing.T) {
	w := newWorld(t)
	for n := range 5 {
		w.says(t, leaks, n, 1)
	}
	now := w.clock.now()
	for _, q := range []fleet.Quarantine{
		{ID: "00000001", From: now.Add(-900 * day), To: now.Add(-800 * day), At: now.Add(3 * day), By: "mei"},
		{ID: "00000002", From: now.Add(-day), To: now.Add(day), At: now.Add(time.Second), By: "mei", Bad: 5},
	} {
		w.update(t, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) })
		w.reckon(t)
	}
	if c := w.counts(t, "one"); c.Installations != 0 || c.Quarantined.Installations != 5 {
		t.Errorf("%d are in the figures and %d quarantined, wanted 0 and 5", c.Installations, c.Quarantined.Installations)
	}
	w.follows(t)
}

// TestSoldWithIt: who spoke of another build before was not sold with this one, and cannot have watched it for longer than
// it is published, whatever it says of an update.
func TestSoldWithIt(t *testing.T) {
	w := newWorld(t)
	sold := func(r *report.Report, _ ed25519.PrivateKey) { r.PreviousBuild = "" }
	w.clock.advance(12 * time.Hour)
	w.update(t, func(tx fleet.Tx) error { // "one" was published just now
		one, err := tx.Releases().Get(ctx, "one")
		one.Change = "c"
		return errors.Join(err, tx.Releases().Save(ctx, one, fleet.ReleasePublished),
			tx.Changes().Create(ctx, fleet.Change{ID: "c", Release: "one", State: fleet.ChangePublished, At: w.clock.now(),
				Roles: []fleet.StagedRole{{Role: "armani", Version: 1}}}),
			tx.Metadata().Put(ctx, fleet.Metadata{Role: "armani", Version: 1, Bytes: []byte("{}"), At: w.clock.now()}))
	})
	w.Rules.Invalidate()
	w.says(t, waits, 1, 1)
	w.clock.advance(10 * time.Minute)
	w.says(t, silent, 1, 2, sold)
	w.says(t, silent, 2, 1, sold)
	w.clock.advance(time.Minute)
	w.says(t, silent, 2, 2, sold)
	for n, want := range map[int]fleet.Class{1: effect.Implausible, 2: storetest.ConfirmedOff} {
		if i := w.installation(t, n); i.Verdict != want {
			t.Errorf("installation %d is %s, wanted %s: %+v", n, i.Verdict, want, i.Because)
		}
	}
	w.follows(t)
}
