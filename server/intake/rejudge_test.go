// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	"errors"
	"testing"

	"landed/manifests/effect"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/store/storetest"
)

// distort gives every installation of release one another verdict, as a program with another rule would have.
func (w *world) distort(t *testing.T) {
	t.Helper()
	if err := w.db.Update(ctx, func(tx fleet.Tx) error {
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
