// SPDX-License-Identifier: Apache-2.0

//go:build unix

package intake_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/server/store/storetest"
)

// BenchmarkCompact has 64 senders report, by turns alone and while older reports become compact as in the server's loop,
// which rests three times as long as a step took: how many times the rate (x_rate) and the slowest hundredth (x_p99) of
// the one the other has.
func BenchmarkCompact(b *testing.B) {
	const step = 128
	w, first, installations := newWorld(b), 0, fewer(2048)
	var quiet, busy []time.Duration
	var quietRate, busyRate float64
	moved := 0
	for range b.N {
		sendAll(b, w, benchReports(b, first, 2*installations, 2), 64)
		first += 2 * installations
		if _, err := storetest.Seal(ctx, w.db); err != nil {
			b.Fatal(err)
		}
		rate, each := timeAll(b, w, benchReports(b, first, installations, 4), 64)
		first, quiet, quietRate = first+installations, append(quiet, each...), quietRate+rate
		var stop atomic.Bool
		var group sync.WaitGroup
		group.Go(func() {
			for !stop.Load() {
				began := time.Now()
				n, err := w.db.Compact(ctx, w.clock.now().Add(time.Hour), step)
				if moved += n; err != nil {
					b.Error(err)
				}
				if n < step {
					return
				}
				time.Sleep(3 * time.Since(began))
			}
		})
		rate, each = timeAll(b, w, benchReports(b, first, installations, 4), 64)
		first, busy, busyRate = first+installations, append(busy, each...), busyRate+rate
		stop.Store(true)
		group.Wait()
	}
	w.checkFigures(b)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(busyRate/quietRate, "x_rate")
	b.ReportMetric(float64(p99(busy))/float64(p99(quiet)), "x_p99")
	b.ReportMetric(float64(p99(quiet).Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(moved)/float64(b.N), "compact/op")
}

func p99(each []time.Duration) time.Duration {
	slices.Sort(each)
	return each[len(each)*99/100]
}

// timeAll is sendAll with the time that each report took.
func timeAll(b *testing.B, w *world, envelopes [][]byte, senders int) (rate float64, each []time.Duration) {
	each = make([]time.Duration, len(envelopes))
	var next atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for range senders {
		group.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(envelopes)); n = next.Add(1) - 1 {
				began := time.Now()
				if _, err := w.Receive(ctx, envelopes[n]); err != nil {
					b.Error(err)
				}
				each[n] = time.Since(began)
			}
		})
	}
	group.Wait()
	return float64(len(envelopes)) / time.Since(start).Seconds(), each
}
