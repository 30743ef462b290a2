// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store/storetest"
)

// BenchmarkFleet measures a table of LANDED_BENCH_INSTALLATIONS (50,000 if unset; filling a
// million takes a minute): an update of a random installation with its report and figures,
// 500 per transaction; the figures of the status page; and a look at the ages when nothing is due.
func BenchmarkFleet(b *testing.B) {
	size := 50_000
	if testing.Short() { // to see that it works
		size = 3_000
	}
	if n, err := strconv.Atoi(os.Getenv("LANDED_BENCH_INSTALLATIONS")); err == nil {
		size = n
	}
	db := storetest.OpenDB(b)
	envelope := make([]byte, 1300)
	ref := func(n int) report.Reference {
		return report.Reference(fmt.Sprintf("%08X%016d", uint32(n)*2654435761, n))
	}
	one := func(n int, seq int64, at time.Time, class fleet.Class) fleet.Installation {
		return fleet.Installation{
			Ref: ref(n), Current: true, Kind: storetest.KindOf(class), Model: fmt.Sprintf("model%d", n%200), Channel: "stable", Release: "one",
			Seq: seq, Newest: report.Report{ID: fmt.Sprintf("%032x", seq*1e9+int64(n))},
			Progress: report.ProgressKnown, Verdict: class, Because: []fleet.Reason{{Code: "not_of_release"}}, Before: storetest.BeforeActive,
			Reports: seq, First: storetest.Now, Last: at,
		}
	}
	save := func(tx fleet.Tx, old *fleet.Installation, i fleet.Installation) error {
		if _, err := tx.Reports().Append(ctx, fleet.StoredReport{ID: i.Newest.ID, Ref: i.Ref, Seq: i.Seq, Envelope: envelope,
			At: i.Last}); err != nil {
			return err
		}
		if err := tx.Installations().Put(ctx, i); err != nil {
			return err
		}
		return tx.Counts().Move(ctx, old, &i)
	}
	update := func(fn func(fleet.Tx) error) {
		if err := db.UpdateReports(ctx, fn); err != nil {
			b.Fatal(err)
		}
	}
	for n := 0; n < size; n += 5000 {
		update(func(tx fleet.Tx) error {
			for m := n; m < min(n+5000, size); m++ {
				if err := save(tx, nil, one(m, 1, storetest.Now, storetest.Unpatched)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.Run("update", func(b *testing.B) {
		seq := int64(1)
		for b.Loop() {
			seq++
			update(func(tx fleet.Tx) error {
				for range 500 {
					n := rand.IntN(size)
					known, err := tx.Installations().Of(ctx, ref(n))
					if err != nil {
						return err
					}
					old := known[ref(n)][0]
					next := one(n, seq, storetest.Now.Add(time.Hour), []fleet.Class{storetest.Unpatched, storetest.NotExercised, storetest.ConfirmedOff}[seq%3])
					if err := save(tx, &old, next); err != nil {
						return err
					}
				}
				return nil
			})
		}
		b.ReportMetric(float64(b.N)*500/b.Elapsed().Seconds(), "reports/s")
	})
	b.Run("figures of every model", func(b *testing.B) {
		for b.Loop() {
			if err := db.View(ctx, func(tx fleet.Tx) error {
				_, err := tx.Counts().List(ctx)
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ages, nothing due", func(b *testing.B) {
		for b.Loop() {
			update(func(tx fleet.Tx) error { return tx.Counts().Merge(ctx, storetest.Now) })
		}
	})
	b.Run("alarming", func(b *testing.B) {
		for b.Loop() {
			if err := db.View(ctx, func(tx fleet.Tx) error {
				_, err := tx.Installations().Alarming(ctx, "one", "model7", 100)
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
