// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/store/storetest"
)

// distort gives every installation of release one another verdict, as a program with another rule would have.
func (w *world) distort(t *testing.T) {
	t.Helper()
	if err := w.db.UpdateReports(ctx, func(tx fleet.Tx) error {
		all, err := tx.Installations().Walk(ctx, "one", "", 10_000)
		for _, old := range all {
			next := old
			next.Verdict, next.Kind, next.Because = storetest.CarriedOver, effect.Open, []fleet.Reason{{Code: "another_rule"}}
			next.Before, next.Leaked = storetest.BeforeUnknown, !old.Leaked
			err = errors.Join(err, tx.Counts().Move(ctx, &old, &next), tx.Installations().Put(ctx, next))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestRejudge fills a store with both versions of reports, distorts what was judged, is interrupted, and goes on.
func TestRejudge(t *testing.T) {
	w := newWorld(t)
	b, key := bodyV1(9_000, 1)
	old, err := envelope.SealV1(b, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Receive(ctx, old); err != nil {
		t.Fatal(err)
	}
	const many = 450 // three transactions
	for n := range many {
		first, key := waits(n, 1)
		second, _ := []maker{silent, leaks, downloads}[n%3](n, 2)
		third, _ := silent(n, 3) // a leak is not taken back
		for i, r := range []([]byte){seal(t, first, key), seal(t, second, key), seal(t, third, key)} {
			if i == 2 && n%3 != 1 {
				continue
			}
			if _, err := w.Receive(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := w.counts(t, "one")
	w.distort(t)
	if c := w.counts(t, "one"); c.Verdicts[storetest.CarriedOver] != many+1 {
		t.Fatalf("not distorted: %v", c.Verdicts)
	}
	interrupted, cancel := context.WithCancel(ctx)
	_, err = w.Rejudge(interrupted, "one", "ann", func(intake.Rejudged) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	w.checkFigures(t)
	done, err := w.Rejudge(ctx, "one", "ann", nil)
	if err != nil || !done.Resumed || done.Changed == 0 || done.Changed >= many+1 {
		t.Errorf("resumed: %+v, %v", done, err)
	}
	w.checkFigures(t)
	after := w.counts(t, "one")
	for _, class := range []fleet.Class{storetest.ConfirmedOff, storetest.Unpatched, storetest.Leak, storetest.CarriedOver} {
		if after.Verdicts[class] != before.Verdicts[class] {
			t.Errorf("%s: %d, before %d", class, after.Verdicts[class], before.Verdicts[class])
		}
	}
	if after.Leaked != before.Leaked || after.Before[storetest.BeforeActive] != before.Before[storetest.BeforeActive] {
		t.Errorf("leaked %d and %v before, wanted %d and %v", after.Leaked, after.Before, before.Leaked, before.Before)
	}
	again, err := w.Rejudge(ctx, "one", "ann", nil)
	if err != nil || again.Changed != 0 || again.Judged != many+1 || again.Resumed {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	if err := w.db.View(ctx, func(tx fleet.Tx) error {
		trail, err := tx.Audit().OfSubject(ctx, "one", 10)
		if len(trail) != 2 || trail[0].Action != "release.rejudge" || trail[0].Actor != "ann" {
			t.Errorf("the trail says %+v", trail)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestRejudgeAsItCame: clones, late reports and changes of release are judged again as they were when they came.
func TestRejudgeAsItCame(t *testing.T) {
	w := newWorld(t)
	onTwoUnpatched := func(r *report.Report) { r.Release = "two" }
	same := func(*report.Report) {}
	type said struct {
		what   maker
		seq    int64
		change func(*report.Report)
	}
	handsets := [][]said{
		{{silent, 1, same}, {leaks, 1, same}},                     // a twin of the newest leaks
		{{silent, 2, same}, {leaks, 1, same}, {quiet, 1, same}},   // late ones, and their twin
		{{waits, 1, same}, {quiet, 1, same}, {leaks, 2, same}},    // a clone's own leak
		{{leaks, 1, same}, {silent, 1, same}, {silent, 2, onTwo}}, // a leak, then a twin, then on
		{{waits, 1, same}, {quiet, 2, onTwoUnpatched}, {quiet, 3, same}},
		{{quiet, 1, same}, {silent, 2, onTwo}, {waits, 3, same}},                  // back, with more to tell
		{{quiet, 2, same}, {silent, 3, onTwo}, {waits, 1, same}},                  // late for what was left
		{{silent, 2, onTwo}, {waits, 1, same}, {quiet, 3, same}},                  // late for what was not met yet
		{{quiet, 1, same}, {leaks, 3, onTwo}, {waits, 3, same}, {waits, 4, same}}, // a twin of another release
	}
	for n, reports := range handsets {
		for _, s := range reports {
			r, key := s.what(n, s.seq)
			s.change(&r)
			if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
				t.Fatalf("handset %d, %d: %v", n, s.seq, err)
			}
		}
	}
	for _, release := range []string{"one", "two"} {
		before := w.counts(t, release)
		done, err := w.Rejudge(ctx, release, "ann", nil)
		if err != nil || done.Judged == 0 || done.Changed != 0 {
			t.Errorf("%s: %+v, %v", release, done, err)
		}
		if after := w.counts(t, release); !reflect.DeepEqual(after, before) {
			t.Errorf("%s: %+v, before %+v", release, after, before)
		}
	}
	w.checkFigures(t)
	before := w.counts(t, "one")
	if before.Leaked != 1 {
		t.Errorf("%d leaked, wanted the one that was no clone then", before.Leaked)
	}
	w.distort(t)
	if done, err := w.Rejudge(ctx, "one", "ann", nil); err != nil || done.Changed != done.Judged {
		t.Errorf("distorted: %+v, %v", done, err)
	}
	if after := w.counts(t, "one"); after.Leaked != 1 || !reflect.DeepEqual(after.Before, before.Before) {
		t.Errorf("put right again: %+v, before %+v", after, before)
	}
}

// endsAfterTrail is a store whose program ends once it has written to the trail.
type endsAfterTrail struct {
	fleet.Store
	ended bool
}

func (s *endsAfterTrail) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	s.ended = true
	return s.Store.Update(ctx, fn)
}

func (s *endsAfterTrail) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	if s.ended {
		return errors.New("the program has ended")
	}
	return s.Store.UpdateReports(ctx, fn)
}

// TestRejudgeEndsBetweenTheHalves: whoever is cut off after it is on the trail, and before it is forgotten how far it came,
// ends it the next time; everything is judged, and the one after that begins anew.
func TestRejudgeEndsBetweenTheHalves(t *testing.T) {
	db := storetest.OpenDB(t)
	w := newWorldOn(t, db)
	for n := range 3 {
		r, key := waits(n, 1)
		if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
			t.Fatal(err)
		}
	}
	before := w.counts(t, "one")
	w.distort(t)
	cut := intake.New(intake.Config{Store: &endsAfterTrail{Store: db}, Now: w.clock.now, Catalogue: w.Catalogue})
	defer cut.Close()
	if _, err := cut.Rejudge(ctx, "one", "ann", nil); err == nil {
		t.Fatal("it was not cut off")
	}
	if after := w.counts(t, "one"); after.Verdicts[storetest.Unpatched] != before.Verdicts[storetest.Unpatched] {
		t.Errorf("judged: %v, before %v", after.Verdicts, before.Verdicts)
	}
	if done, err := w.Rejudge(ctx, "one", "bo", nil); err != nil || !done.Resumed || done.Judged != 0 {
		t.Errorf("the next time: %+v, %v", done, err)
	}
	if done, err := w.Rejudge(ctx, "one", "bo", nil); err != nil || done.Resumed || done.Judged != 3 || done.Changed != 0 {
		t.Errorf("the one after that: %+v, %v", done, err)
	}
	var trail []string
	if err := db.View(ctx, func(tx fleet.Tx) error {
		lines, err := tx.Audit().OfSubject(ctx, "one", 10)
		for _, l := range lines {
			trail = append(trail, l.Actor+" "+l.Reason)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"bo 3 installations were judged again, 0 stand otherwise now",
		"bo 0 installations were judged again, 0 stand otherwise now; others were before, by one that was interrupted",
		"ann 3 installations were judged again, 3 stand otherwise now"}
	if !reflect.DeepEqual(trail, want) {
		t.Errorf("the trail says %q", trail)
	}
	w.checkFigures(t)
}
