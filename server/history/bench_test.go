// SPDX-License-Identifier: Apache-2.0

package history_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/history"
	"landed/server/store"
	"landed/server/store/storetest"
)

// BenchmarkHistory keeps what is kept of 400 days of 200 models, of which every figure changes with every copy: what that
// takes on the disk, and how long a copy, the series of the fleet and those of a model take to be stored and read.
func BenchmarkHistory(b *testing.B) {
	path := filepath.Join(b.TempDir(), "landed.db")
	db, err := store.Make(ctx, path, storetest.Clock)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	moments := kept()
	if testing.Short() { // to see that it works
		moments = moments[len(moments)-24:]
	}
	was := sizeOf(b, path)
	rows, began := 0, time.Now()
	for n, m := range moments {
		err := db.UpdateReports(ctx, func(tx fleet.Tx) error {
			stored, err := tx.History().Add(ctx, m.At, changing(n)...)
			rows += stored
			return errors.Join(err, tx.History().Mark(ctx, m))
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(time.Since(began).Milliseconds())/float64(len(moments)), "ms/copy")
	b.ReportMetric(float64(sizeOf(b, path)-was)/1e6, "MB")
	b.ReportMetric(float64(sizeOf(b, path)-was)/float64(rows), "B/row")
	b.ReportMetric(float64(len(moments)), "moments")
	for what, cells := range map[string][]fleet.Cell{"fleet": {{}},
		"model": {{Model: "model007", Release: "one", Channel: "stable"}, {Model: "model007", Channel: "stable"}}} {
		began := time.Now()
		for range 10 {
			if err := db.View(ctx, func(tx fleet.Tx) error {
				var at []time.Time
				for _, m := range history.Pick(moments, 120) {
					at = append(at, m.At)
				}
				_, err := tx.History().Stood(ctx, at, cells...)
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/10_000, "ms/"+what)
	}
}

// kept are the moments of 400 days as they are after them.
func kept() (all []fleet.Moment) {
	end := storetest.Now.Truncate(24 * time.Hour)
	for t := end.Add(-history.Daily); t.Before(end.Add(-history.Hourly)); t = t.Add(24 * time.Hour) {
		all = append(all, fleet.Moment{At: t, Version: 1})
	}
	for t := end.Add(-history.Hourly); !t.After(end); t = t.Add(time.Hour) {
		all = append(all, fleet.Moment{At: t, Version: 1})
	}
	return all
}

// changing are the figures of 200 models, of a release on them and of the fleet, after n copies: none are as before.
func changing(n int) (all []fleet.Counts) {
	of := func(c fleet.Cell, size int64) fleet.Counts {
		f := func(part int64) fleet.Figures {
			f := fleet.NewFigures()
			good, bad := int64(n)%(size/part), int64(n%7)
			rest := size/part - good
			f.Installations, f.Leaked, f.Silent = size/part+bad, bad, rest/9
			f.Verdicts = map[fleet.Class]int64{"confirmed_off": good, "consented": bad, "unpatched": rest - rest/9, "unknown": rest / 9}
			f.Kinds = map[fleet.Kind]int64{effect.Good: good, effect.Bad: bad, effect.Unjudged: rest}
			f.Progress = map[report.Progress]int64{report.ProgressRunning: good, report.ProgressKnown: rest, report.ProgressFailed: bad}
			f.Before = map[fleet.Before]int64{"activates_itself": size / part, "not_seen": bad}
			f.Causes = map[report.Cause]int64{report.CauseBuild: bad}
			return f
		}
		return fleet.Counts{
			Model:       c.Model,
			Release:     c.Release,
			Channel:     c.Channel,
			Figures:     f(1),
			Counted:     f(3),
			Quarantined: fleet.NewFigures(),
		}
	}
	for m := range 200 {
		name := fmt.Sprintf("model%03d", m)
		all = append(
			all,
			of(fleet.Cell{Model: name, Release: "one", Channel: "stable"}, 6000),
			of(fleet.Cell{Model: name, Channel: "stable"}, 6000),
		)
	}
	return append(all, of(fleet.Cell{Release: "one"}, 1_200_000), of(fleet.Cell{}, 1_200_000))
}

func sizeOf(b *testing.B, path string) (n int64) {
	for _, name := range []string{store.ReportsFile(path), store.ReportsFile(path) + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			n += info.Size()
		}
	}
	return n
}
