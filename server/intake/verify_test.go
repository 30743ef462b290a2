// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/intake"
)

func (w *world) verify(t testing.TB) (done intake.Verified, faults []string) {
	t.Helper()
	if err := w.db.View(ctx, func(tx fleet.Tx) (err error) {
		done, err = w.Verify(ctx, tx, nil, func(f string) { faults = append(faults, f) })
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return done, faults
}

// TestVerifyFollowsIntake: whatever came in, in whatever order, follows from its reports, before and after silence.
func TestVerifyFollowsIntake(t *testing.T) {
	w := newWorld(t)
	receive := func(text []byte) {
		t.Helper()
		if _, err := w.Receive(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 4 {
		r, key := waits(n, 2)
		receive(seal(t, r, key))
		w.clock.advance(time.Hour)
	}
	late, key := quiet(0, 1)
	receive(seal(t, late, key))
	twin, key := downloads(1, 2) // another report with a number that is taken
	receive(seal(t, twin, key))
	done, key := silent(2, 3)
	receive(seal(t, done, key))
	leak, key := leaks(3, 3)
	receive(seal(t, leak, key))
	moved, key := waits(3, 4)
	moved.Release = "two"
	receive(seal(t, moved, key))
	for _, days := range []int{0, 1, 40, 1} {
		w.clock.advance(time.Duration(days) * 24 * time.Hour)
		got, faults := w.verify(t)
		if len(faults) > 0 || got.Installations != 4 || got.Reports != 9 {
			t.Errorf("after %d more days: %+v, %q", days, got, faults)
		}
		if err := w.Tick(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// fewer is how many a benchmark takes of n: under -short only so many as show that it works.
func fewer(n int) int {
	if testing.Short() {
		return n / 16
	}
	return n
}

// BenchmarkVerify prints reports a second; LANDED_INSTALLATIONS says of how many installations, one report each.
func BenchmarkVerify(b *testing.B) {
	installations := fewer(2000)
	if n, err := strconv.Atoi(os.Getenv("LANDED_INSTALLATIONS")); err == nil {
		installations = n
	}
	w := newWorld(b)
	const at = 100 // more new ones at once are asked to wait on a busy machine
	for n := 0; n < installations; n += at {
		done := make(chan error, at)
		for k := range min(at, installations-n) {
			r, key := silent(n+k, 1)
			text := seal(b, r, key)
			go func() {
				_, err := w.Receive(ctx, text)
				done <- err
			}()
		}
		for range min(at, installations-n) {
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		if done, faults := w.verify(b); done.Reports != int64(installations) || len(faults) > 0 {
			b.Fatalf("%+v, %q", done, faults)
		}
	}
	b.ReportMetric(float64(installations*b.N)/b.Elapsed().Seconds(), "reports/s")
}
