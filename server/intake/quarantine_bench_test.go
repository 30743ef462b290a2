// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"fmt"
	"testing"
	"time"

	"landed/server/fleet"
)

// BenchmarkQuarantine takes floods out of the figures while a handset reports without a pause: how long it takes, and how
// long the slowest of these reports waited for its answer.
func BenchmarkQuarantine(b *testing.B) {
	for _, size := range []int{20_000, 100_000} {
		size = fewer(size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := newWorld(b)
			fill(b, w, size)
			q := fleet.Quarantine{ID: "00000001", To: w.clock.now().Add(time.Hour), At: w.clock.now().Add(time.Hour), By: "mei"}
			q.From = q.To.AddDate(-10, 0, 0)
			for b.Loop() {
				if err := w.db.Update(ctx, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) }); err != nil {
					b.Fatal(err)
				}
				stop, slowest := make(chan bool), make(chan time.Duration)
				go func() {
					var most time.Duration
					for n, seq := size, int64(1); ; n++ {
						select {
						case <-stop:
							slowest <- most
							return
						default:
						}
						r, key := waits(n, seq)
						begun := time.Now()
						if _, err := w.Receive(ctx, seal(b, r, key)); err != nil {
							b.Error(err)
						}
						most = max(most, time.Since(begun))
					}
				}()
				done, err := w.Reckon(ctx, nil)
				close(stop)
				if err != nil || done.Changed < int64(size) {
					b.Fatalf("%+v, %v", done, err)
				}
				b.ReportMetric(float64((<-slowest).Milliseconds()), "ms-slowest-report")
				q.Lifted = w.clock.now().Add(time.Minute)
				b.StopTimer()
				if err := w.db.Update(ctx, func(tx fleet.Tx) error { return tx.Quarantines().Put(ctx, q) }); err != nil {
					b.Fatal(err)
				}
				if _, err := w.Reckon(ctx, nil); err != nil {
					b.Fatal(err)
				}
				w.clock.advance(time.Hour)
				q.ID, q.At, q.Lifted = fmt.Sprintf("%08x", w.clock.now().Unix()), w.clock.now(), time.Time{}
				b.StartTimer()
			}
		})
	}
}
