// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// waiting is a state whose newest report came at a time, from a build without its release.
func waiting(n int, release string, last time.Time) fleet.Installation {
	return fleet.Installation{
		Ref: report.Reference(fmt.Sprintf("R%023d", n)), Release: release, Current: true, Model: "armani", Channel: "stable",
		Verdict: Unpatched, Kind: effect.Unjudged, Progress: report.ProgressKnown, Before: BeforeQuiet, First: last, Last: last,
	}
}

// aged wants how many are unpatched, silent and lost of a release, and silent in total.
func aged(t *testing.T, s fleet.Store, what string, now time.Time, unpatched, silent, lost, total int64) {
	t.Helper()
	view(t, s, func(tx fleet.Tx) error {
		of, err1 := tx.Counts().Of(ctx, "one", "armani", "stable")
		all, err2 := tx.Counts().Total(ctx, "armani", "stable")
		c := of.At(now)
		got := []int64{c.Verdicts[Unpatched], c.Silent, c.Verdicts[Unknown], c.Lost, all.At(now).Silent}
		same(t, what, got, []int64{unpatched, silent, silent, lost, total})
		for _, n := range c.Waiting {
			if n == 0 {
				t.Errorf("%s: an empty cell stands in %v", what, c.Waiting)
			}
		}
		return errors.Join(err1, err2)
	})
}

// testAges has installations fall silent, speak again and move on, and be lost after they installed.
func testAges(t *testing.T, s fleet.Store) {
	day := func(n int) time.Time { return Now.AddDate(0, 0, n) }
	step := func(moves ...[2]*fleet.Installation) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) (err error) {
			for _, m := range moves {
				err = errors.Join(err, tx.Counts().Move(ctx, m[0], m[1]))
			}
			return err
		})
	}
	type move = [2]*fleet.Installation
	first, second := waiting(1, "one", day(0)), waiting(2, "one", day(3))
	step(move{nil, &first}, move{nil, &second})
	aged(t, s, "two wait", day(15), 2, 0, 0, 0)
	aged(t, s, "one is silent", day(16), 1, 1, 0, 1)
	aged(t, s, "both", day(40), 0, 2, 0, 2)
	aged(t, s, "and the clock goes back", day(4), 2, 0, 0, 0)
	again := waiting(1, "one", day(20))
	step(move{&first, &again})
	aged(t, s, "one speaks again", day(20), 1, 1, 0, 1)
	left, two := second, waiting(2, "two", day(20))
	left.Current = false
	step(move{&second, &left}, move{nil, &two})
	aged(t, s, "the other meets another release", day(20), 2, 0, 0, 0)
	aged(t, s, "what it left behind is not aged", day(40), 1, 1, 0, 2)

	installs := again
	installs.Progress, installs.Last = report.ProgressInstalled, day(21)
	step(move{&again, &installs})
	aged(t, s, "it installs", day(24), 2, 0, 0, 0)
	aged(t, s, "and is lost", day(24).Add(time.Hour), 2, 0, 1, 0)
	runs := installs
	runs.Progress, runs.Verdict, runs.Kind, runs.Last = report.ProgressRunning, ConfirmedOff, effect.Good, day(30)
	step(move{&installs, &runs})
	aged(t, s, "and runs after all", day(60), 1, 0, 0, 1)
}

// testMerge has reports of half a year: the figures by age stay few and say the same, also after a clock was a year ahead.
func testMerge(t *testing.T, s fleet.Store) {
	const days = 180
	now := Now.AddDate(0, 0, days)
	var all []fleet.Installation
	for n := range days {
		i := waiting(n, "one", Now.AddDate(0, 0, n))
		if n%3 == 0 {
			i.Progress = report.ProgressInstalled
		}
		all = append(all, i)
	}
	updateReports(t, s, func(tx fleet.Tx) error {
		for n := range all {
			if err := tx.Counts().Move(ctx, nil, &all[n]); err != nil {
				return err
			}
		}
		return tx.Installations().Put(ctx, all...)
	})
	merge := func(at time.Time) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) error { return tx.Counts().Merge(ctx, at) })
	}
	check := func(what string) {
		t.Helper()
		aged(t, s, what, now, 15, days-15, 59, days-15)
	}
	check("unmerged")
	merge(now)
	check("merged")
	view(t, s, func(tx fleet.Tx) error {
		c, err := tx.Counts().Of(ctx, "one", "armani", "stable")
		if len(c.Waiting) > 60 || len(c.Installed) > 5 {
			t.Errorf("%d days and %d hours stand apart", len(c.Waiting), len(c.Installed))
		}
		return errors.Join(err, s.View(ctx, func(tx fleet.Tx) error {
			if tx.Counts().Merge(ctx, now) == nil {
				t.Error("figures changed in a View")
			}
			return nil
		}))
	})
	merge(now.AddDate(1, 0, 0))
	merge(now)
	check("after a clock was a year ahead")
	merge(now.AddDate(0, 0, 30))
	merge(now)
	check("after a clock was a month ahead")

	old := all[0] // merged, and speaks again
	next := old
	next.Last = now
	updateReports(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Counts().Move(ctx, &old, &next), tx.Installations().Put(ctx, next))
	})
	aged(t, s, "the oldest speaks again", now, 16, days-16, 58, days-16)
}
