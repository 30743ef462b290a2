// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// testWhoCounts has installations be admitted, count, be quarantined and come back: each is in the figures of everybody,
// among them in those that count, or in quarantine and nowhere else.
func testWhoCounts(t *testing.T, s fleet.Store) {
	plain := fleet.Installation{
		Ref: "R", Release: "one", Current: true, Model: "armani", Channel: "stable", Verdict: ConfirmedOff, Kind: effect.Good,
		Progress: report.ProgressRunning, Before: BeforeQuiet,
	}
	counted, late, out, left := plain, plain, plain, plain
	counted.Admitted, counted.Counted = Now, true
	late.Admitted, late.OutOfDraw = Now, true
	out = counted
	out.Quarantined = true
	left = counted
	left.Current = false
	figures := func(what, release string, all, of, quarantined int64) fleet.Counts {
		t.Helper()
		var c fleet.Counts
		view(t, s, func(tx fleet.Tx) (err error) {
			c, err = tx.Counts().Of(ctx, release, "armani", "stable")
			return err
		})
		for name, pair := range map[string][2]int64{"all": {c.Proven(), all}, "counted": {c.Counted.Proven(), of},
			"quarantined": {c.Quarantined.Proven(), quarantined}, "all, by number": {c.Installations, all},
			"counted, by number": {c.Counted.Installations, of}} {
			if pair[0] != pair[1] {
				t.Errorf("%s, %q: %s is %d, wanted %d", what, release, name, pair[0], pair[1])
			}
		}
		return c
	}
	move := func(from, to *fleet.Installation) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) error { return tx.Counts().Move(ctx, from, to) })
	}
	move(nil, &plain)
	move(nil, &counted)
	move(nil, &late)
	c := figures("three", "one", 3, 1, 0)
	figures("one came too late for this release", "", 3, 2, 0)
	if c.OutOfDraw != 1 || c.Counted.OutOfDraw != 0 {
		t.Errorf("out of draw: %d, of the counted ones %d", c.OutOfDraw, c.Counted.OutOfDraw)
	}
	move(&counted, &out)
	figures("quarantined", "one", 2, 0, 1)
	figures("quarantined", "", 2, 1, 1)
	move(&out, &counted)
	figures("lifted", "one", 3, 1, 0)
	move(&counted, &left)
	figures("moved on", "one", 3, 1, 0)
	figures("moved on", "", 2, 1, 0)
}

func testAdmissions(t *testing.T, s fleet.Store) {
	one := fleet.Admission{Model: "armani", Channel: "stable", At: Now, Key: []byte("0123456789abcdef"), Cutoff: 1 << 62,
		Counted: 3, Candidates: 2, Admitted: 1, By: "mei", Reason: "we sold them"}
	two := one
	two.Model, two.At = "dior", later(1)
	update(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Admissions().Put(ctx, one), tx.Admissions().Put(ctx, two))
	})
	one.N, two.N = 1, 2
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Admissions().List(ctx)
		same(t, "in their order", all, []fleet.Admission{one, two})
		return err
	})
}

func testQuarantines(t *testing.T, s fleet.Store) {
	q := fleet.Quarantine{ID: "0a0b0c0d", From: Now, To: later(5), Model: "armani", At: later(9), By: "mei", Reason: "a flood",
		Installations: 7, Bad: 2}
	update(t, s, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) })
	lifted := q
	lifted.Lifted, lifted.LiftedBy, lifted.LiftedReason = later(10), "bo", "they are ours"
	changed := lifted
	changed.From, changed.By = later(1), "eve" // what it covers is as it was put
	update(t, s, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, changed) })
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Quarantines().Get(ctx, q.ID)
		same(t, "lifted", got, lifted)
		all, err2 := tx.Quarantines().List(ctx)
		same(t, "all", all, []fleet.Quarantine{lifted})
		return errors.Join(err, err2)
	})
	other := q
	other.ID, other.At = "0000000a", Now
	update(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Quarantines().Put(ctx, other), tx.Quarantines().Put(ctx, other)) // the second changes nothing
	})
	view(t, s, func(tx fleet.Tx) error {
		written, err := tx.Quarantines().Written(ctx)
		same(t, "as they were written", written, []string{q.ID, q.ID, other.ID})
		return err
	})
	wantKind(t, s, fleet.NotFound, "quarantine_unknown", func(tx fleet.Tx) error {
		_, err := tx.Quarantines().Get(ctx, "ffffffff")
		return err
	})
}

// testMuster holds what the database finds against what an installation says of itself.
func testMuster(t *testing.T, s fleet.Store) {
	day := 24 * time.Hour
	at := Now.Add(100 * day)
	one := func(ref string, first, last time.Duration, change func(*fleet.Installation)) fleet.Installation {
		i := fleet.Installation{Ref: report.Reference(ref), Release: "one", Current: true, Model: "armani", Channel: "stable",
			Verdict: Unpatched, Kind: effect.Unjudged, First: at.Add(-first), Last: at.Add(-last), Drawn: -1}
		if change != nil {
			change(&i)
		}
		return i
	}
	admitted := func(i *fleet.Installation) {
		i.Admitted, i.Away, i.Back, i.Absent = Now, Now.Add(day), Now.Add(2*day), true
	}
	all := []fleet.Installation{
		one("A", 14*day, 7*day, nil),
		one("B", 14*day-time.Millisecond, 7*day, nil),
		one("C", 14*day, 7*day+time.Millisecond, nil),
		one("D", 40*day, 28*day, nil),
		one("E", 40*day, 28*day+time.Millisecond, nil),
		one("F", 40*day, day, admitted),
		one("G", 40*day, 29*day, admitted),
		one("H", 40*day, day, func(i *fleet.Installation) { admitted(i); i.Quarantined, i.Leaked = true, true }),
		one("I", 40*day, day, func(i *fleet.Installation) {
			i.Quarantined, i.Commit, i.Drawn = true, "00112233445566778899aabbccddeeff", 9
		}),
		one("J", 40*day, day, func(i *fleet.Installation) { i.Current = false }),
		one("K", 40*day, day, func(i *fleet.Installation) { i.Channel, i.Counted, i.OutOfDraw = "beta", true, true }),
	}
	want := map[string]fleet.Muster{}
	for _, i := range all {
		if !i.Current {
			continue
		}
		m := want[i.Channel]
		m.Model, m.Channel = i.Model, i.Channel
		switch {
		case i.Quarantined:
			m.Quarantined++
			m.Installations--
		case i.Member() && at.Sub(i.Last) <= fleet.HeardWithin:
			m.Counted++
		case i.Member():
			m.Quiet++
		case i.Candidate(at):
			m.Candidates++
		}
		m.Installations++
		want[i.Channel] = m
	}
	updateReports(t, s, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, all...) })
	view(t, s, func(tx fleet.Tx) error {
		got, err1 := tx.Installations().Muster(ctx, "", "", at)
		same(t, "all", got, []fleet.Muster{want["beta"], want["stable"]})
		got, err2 := tx.Installations().Muster(ctx, "armani", "stable", at)
		same(t, "of a channel", got, []fleet.Muster{want["stable"]})
		n, bad, err3 := tx.Installations().Covered(ctx, "armani", at.Add(-40*day), at.Add(-14*day))
		if n != 8 || bad != 1 {
			t.Errorf("%d are covered, %d of them bad", n, bad)
		}
		refs := []report.Reference{}
		for _, i := range all {
			refs = append(refs, i.Ref)
		}
		back, err4 := tx.Installations().Of(ctx, refs...)
		for _, i := range all {
			same(t, string(i.Ref), back[i.Ref], []fleet.Installation{i})
		}
		return errors.Join(err1, err2, err3, err4)
	})
	if m := want["stable"]; m.Candidates != 2 || m.Counted != 1 || m.Quiet != 1 || m.Quarantined != 2 {
		t.Errorf("the test shows too little: %+v", m)
	}
}
