// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store/sqlite"
	"landed/server/store/storetest"
)

// BenchmarkGrowth prints what reports cost on disk, as they came and compact: the table, its indexes, and the share of
// each installation apart. Then it prints what the pages and a gate read, of a fleet and of one of a hundredth, and how
// many times as long that takes (x_small). LANDED_INSTALLATIONS says how many there are, with 3 to 8 reports each.
func BenchmarkGrowth(b *testing.B) {
	size := 400
	if testing.Short() { // to see that it works
		size = 50
	}
	if n, err := strconv.Atoi(os.Getenv("LANDED_INSTALLATIONS")); err == nil {
		size = n
	}
	took := map[string]time.Duration{}
	for _, n := range []int{max(size/100, 10), size} {
		dir := b.TempDir()
		path := filepath.Join(dir, "x.db")
		db, err := sqlite.Make(ctx, path, now)
		if err != nil {
			b.Fatal(err)
		}
		g := grown{db, rand.New(rand.NewPCG(3, 5))}
		reports := g.fill(b, n)
		b.Run(fmt.Sprintf("as they came, %d installations", n), func(b *testing.B) { g.weigh(b, path, n, reports) })
		worst := g.compact(b)
		b.Run(fmt.Sprintf("compact, %d installations", n), func(b *testing.B) {
			g.weigh(b, path, n, reports)
			b.ReportMetric(float64(worst.Microseconds())/1000, "slowest-step-ms")
		})
		if os.Getenv("LANDED_DROP") != "" {
			worst = g.drop(b, n)
			b.Run(fmt.Sprintf("dropped, %d installations", n), func(b *testing.B) {
				g.weigh(b, path, n, reports)
				b.ReportMetric(float64(worst.Microseconds())/1000, "slowest-step-ms")
			})
		}
		for _, r := range g.reads(n) {
			b.Run(fmt.Sprintf("%s, %d installations", r.name, n), func(b *testing.B) {
				var each []time.Duration
				for b.Loop() {
					begin := time.Now()
					if err := db.View(ctx, r.read); err != nil {
						b.Fatal(err)
					}
					each = append(each, time.Since(begin))
				}
				slices.Sort(each)
				half := each[len(each)/2]
				if small, ok := took[r.name]; ok {
					b.ReportMetric(float64(half)/float64(small), "x_small")
				}
				took[r.name] = half
			})
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// grown is a fleet that has reported.
type grown struct {
	db     *sqlite.DB
	random *rand.Rand
}

// story is what an installation reports, one after the other.
func (g grown) story(n int, seq int64) report.Report {
	r, _ := storetest.Report(n, seq)
	r.Model = fmt.Sprintf("model%d", n%200)
	r.Variant = r.Model
	word := func(name string, values ...string) { r.Answers[name] = probe.Word(values[g.random.IntN(len(values))]) }
	number := func(name string, below int) { r.Answers[name] = probe.Int(int64(g.random.IntN(below))) }
	word("origin", "auto", "factory_default", "user")
	word("slot_1", "auto", "free", "absent")
	number("attempts_setup", 4)
	number("attempts_build", 3)
	if seq == 1 {
		return r
	}
	r.Kind, r.Draw = report.KindProgress, fmt.Sprintf("%016x%016x", n, 7)
	switch r.Progress = report.ProgressDownloading; {
	case seq == 3:
		r.Progress = report.ProgressInstalled
	case seq > 3:
		r.Progress, r.Kind = report.ProgressRunning, report.KindEffect
		r.Answers = storetest.Quiet()
		word("slot_2", "auto", "free", "absent")
		word("state", "on", "off")
		r.Answers["observed_hours"] = probe.Int([]int64{0, 1, 24, 168}[g.random.IntN(4)])
	}
	return r
}

func (g grown) fill(b *testing.B, installations int) (reports int) {
	b.Helper()
	for from := 0; from < installations; from += 1000 {
		if err := g.db.UpdateReports(ctx, func(tx fleet.Tx) error {
			for n := from; n < min(from+1000, installations); n++ {
				all := int64(3 + n%6)
				var last fleet.StoredReport
				for seq := int64(1); seq <= all; seq++ {
					_, key := storetest.Report(n, seq)
					last = storetest.Stored(b, g.story(n, seq), key, storetest.Now.Add(time.Duration(reports)*time.Second))
					if _, err := tx.Reports().Append(ctx, last); err != nil {
						return err
					}
					reports++
				}
				is := fleet.Installation{Ref: last.Ref, Current: true, Kind: storetest.KindOf(storetest.ConfirmedOff),
					Model: fmt.Sprintf("model%d", n%200), Channel: "stable", Release: "one", Seq: all,
					Newest: report.Report{ID: last.ID}, Progress: report.ProgressRunning, Verdict: storetest.ConfirmedOff,
					Because: []fleet.Reason{{Code: "off_and_quiet"}}, Before: storetest.BeforeActive, Reports: all, Drawn: -1,
					First: storetest.Now, Last: last.At}
				if err := tx.Counts().Move(ctx, nil, &is); err != nil {
					return err
				}
				if err := tx.Installations().Put(ctx, is); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return reports
}

// compact does as the loop does, and says how long the slowest step was.
func (g grown) compact(b *testing.B) (worst time.Duration) {
	b.Helper()
	if _, err := storetest.Seal(ctx, g.db); err != nil {
		b.Fatal(err)
	}
	for n := 128; n == 128; {
		began, err := time.Now(), error(nil)
		if n, err = g.db.Compact(ctx, storetest.Now.AddDate(10, 0, 0), 128); err != nil {
			b.Fatal(err)
		}
		worst = max(worst, time.Since(began))
	}
	return worst
}

// drop says how long the slowest step was.
func (g grown) drop(b *testing.B, installations int) time.Duration {
	b.Helper()
	refs := make([]report.Reference, installations)
	for n := range refs {
		r, _ := storetest.Report(n, 1)
		refs[n] = report.ReferenceOf(r.PublicKey())
	}
	dropped, slowest, err := storetest.DropAll(ctx, g.db, refs)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d bodies were dropped", dropped)
	return slowest
}

// weigh prints what a copy of the database takes, which has no free pages.
func (g grown) weigh(b *testing.B, path string, installations, reports int) {
	for b.Loop() {
		copied := filepath.Join(b.TempDir(), "copy.db")
		if err := g.db.Copy(ctx, copied); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(perEach(b, copied, reports, "reports", "compact_reports"), "B/report")
		b.ReportMetric(perEach(b, copied, reports, "reports_key", "compact_reports_key"), "B-index/report")
		b.ReportMetric(perEach(b, copied, installations, "report_keys", "sqlite_autoindex_report_keys_1"), "B-keys/installation")
		b.ReportMetric(perEach(b, copied, installations, "installations", "installations_alarm"), "B-state/installation")
		b.ReportMetric(perEach(b, copied, reports, "reports", "compact_reports", "reports_key", "compact_reports_key", "report_keys",
			"sqlite_autoindex_report_keys_1", "settled"), "B-in-all/report")
		b.ReportMetric(perEach(b, copied, installations, "settled"), "B-settled/installation")
	}
}

// perEach is how many bytes of pages these tables and indexes have for each of n.
func perEach(b *testing.B, path string, n int, names ...string) float64 {
	b.Helper()
	db := raw(b, sqlite.ReportsFile(path))
	defer db.Close()
	var bytes int64
	if err := db.QueryRow(`SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN ('` + strings.Join(names, `', '`) + `')`).
		Scan(&bytes); err != nil {
		b.Fatal(err)
	}
	return float64(bytes) / float64(n)
}

// reads are what the pages and a gate ask of the reports' half.
func (g grown) reads(installations int) []struct {
	name string
	read func(fleet.Tx) error
} {
	all := func(first error, faults ...error) error {
		for _, err := range append(faults, first) {
			if err != nil {
				return err
			}
		}
		return nil
	}
	return []struct {
		name string
		read func(fleet.Tx) error
	}{
		{"status page", func(tx fleet.Tx) error {
			_, err1 := tx.Counts().Totals(ctx)
			_, err2 := tx.Counts().List(ctx)
			return all(err1, err2)
		}},
		{"model page", func(tx fleet.Tx) error {
			_, err1 := tx.Counts().OfModel(ctx, "model7")
			_, err2 := tx.Installations().Alarming(ctx, "one", "model7", 100)
			return all(err1, err2)
		}},
		{"installation page", func(tx fleet.Tx) error {
			n := g.random.IntN(installations)
			r, _ := storetest.Report(n, 1)
			ref := report.ReferenceOf(r.PublicKey())
			_, err1 := tx.Installations().Get(ctx, ref)
			_, _, err2 := tx.Reports().Page(ctx, ref, 0, 50)
			_, err3 := tx.Reports().First(ctx, ref)
			return all(err1, err2, err3)
		}},
		{"gate", func(tx fleet.Tx) error {
			_, err := tx.Counts().Of(ctx, "one", "model7", "stable")
			return err
		}},
	}
}
