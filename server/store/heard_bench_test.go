// SPDX-License-Identifier: Apache-2.0

//go:build unix

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

// BenchmarkHeard reads who was silent for how long, as the loop does once an hour, of LANDED_INSTALLATIONS (20,000 if unset) on 200
// models, a tenth of them with a state under an older release.
func BenchmarkHeard(b *testing.B) {
	size := 20_000
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
			for b.Loop() {
				if err := db.View(ctx, func(tx fleet.Tx) error {
					all, err := tx.Installations().Heard(ctx, at)
					if len(all) != 200 {
						err = errors.Join(err, fmt.Errorf("%d cells", len(all)))
					}
					return err
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
