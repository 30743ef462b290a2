// SPDX-License-Identifier: Apache-2.0

//go:build unix

package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

// BenchmarkHeard reads who was silent for how long, as the loop does once an hour, of LANDED_INSTALLATIONS (20,000 if unset) on 200
// models, a tenth of them with a state under an older release. cpu-us are of this process: of SQLite all, of PostgreSQL the client.
func BenchmarkHeard(b *testing.B) {
	size := 20_000
	if testing.Short() { // to see that it works
		size = 2_000
	}
	if n, err := strconv.Atoi(os.Getenv("LANDED_INSTALLATIONS")); err == nil {
		size = n
	}
	ctx, at := context.Background(), storetest.Now.AddDate(0, 0, 60)
	for engine, address := range map[string]string{
		"sqlite": filepath.Join(b.TempDir(), "landed.db"), "postgres": pgtest.New(b, "shared_buffers = 256MB").Database(b, "landed"),
	} {
		db := hotStore(b, address)
		for from := 0; from < size; from += 10_000 {
			var all []fleet.Installation
			for n := from; n < min(from+10_000, size); n++ {
				i := fleet.Installation{Ref: report.Reference(fmt.Sprintf("R%023d", n*7919%size)), Release: "two", Current: true,
					Model: fmt.Sprintf("model%03d", n%200), Channel: "stable", Seq: 4, Newest: report.Report{ID: fmt.Sprintf("%064x", n)},
					Progress: report.ProgressRunning, Verdict: storetest.ConfirmedOff, Kind: effect.Good,
					Because: []fleet.Reason{{Code: "off_and_quiet"}}, Before: storetest.BeforeActive, Reports: 4, First: storetest.Now,
					Last: at.Add(-time.Duration(n%70) * 24 * time.Hour), Counted: n%3 == 0, Drawn: n % 10_000}
				if i.Counted {
					i.Admitted = storetest.Now
				}
				all = append(all, i)
				if n%10 == 0 {
					i.Release, i.Current = "one", false
					all = append(all, i)
				}
			}
			if err := db.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, all...) }); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(engine, func(b *testing.B) {
			used, read, longest := cpuTime(b), 0, time.Duration(0)
			for b.Loop() {
				for after := report.Reference(""); ; {
					began := time.Now()
					if err := db.View(ctx, func(tx fleet.Tx) (err error) {
						_, after, err = tx.Installations().Heard(ctx, at, after, 20_000)
						return err
					}); err != nil {
						b.Fatal(err)
					}
					if longest = max(longest, time.Since(began)); after == "" {
						break
					}
				}
				read += size
			}
			b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/float64(read), "cpu-us/installation")
			b.ReportMetric(float64(longest.Milliseconds()), "longest-ms")
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
