// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"testing"
	"time"

	"landed/server/intake"
	"landed/server/store/storetest"
)

// TestCompactReports: what came in is verified and judged again from compact reports as from others, and what comes in
// upon them is taken as if they were not.
func TestCompactReports(t *testing.T) {
	w := newWorld(t)
	compact := func(want int) {
		t.Helper()
		if n, err := storetest.CompactAll(ctx, w.db); err != nil || n != want {
			t.Fatalf("%d became compact, %v; wanted %d", n, err, want)
		}
		w.checkFigures(t)
		if done, faults := w.verify(t); len(faults) > 0 {
			t.Errorf("%+v, %q", done, faults)
		}
	}
	const many = 60
	send := func(make maker, n int, seq int64, want intake.Stored) {
		t.Helper()
		r, key := make(n, seq)
		receipt, err := w.Receive(ctx, seal(t, r, key))
		if err != nil || receipt.Stored != want {
			t.Errorf("installation %d, report %d: %v, %v; wanted %s", n, seq, receipt, err, want)
		}
	}
	for n := range many {
		send(waits, n, 1, intake.StoredNew)
		send([]maker{silent, leaks, downloads}[n%3], n, 3, intake.StoredNew)
	}
	compact(2*many - 1)
	w.clock.advance(time.Hour)
	for n := range many {
		send(waits, n, 1, intake.StoredReplayed)
		send(silent, n, 4, intake.StoredNew)
	}
	send(quiet, 0, 2, intake.StoredLate)
	send(downloads, 1, 4, intake.StoredNew) // of a twin: the number is taken
	compact(many + 2)
	before := w.counts(t, "one")
	w.distort(t)
	if done, err := w.Rejudge(ctx, "one", "ann", nil); err != nil || done.Judged != many || done.Changed == 0 {
		t.Errorf("%+v, %v", done, err)
	}
	w.checkFigures(t)
	after := w.counts(t, "one")
	for class, n := range before.Verdicts {
		if after.Verdicts[class] != n {
			t.Errorf("%s: %d after judging again, %d before", class, after.Verdicts[class], n)
		}
	}
	if again, err := w.Rejudge(ctx, "one", "ann", nil); err != nil || again.Changed != 0 {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}
