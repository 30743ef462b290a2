// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

func testCounts(t *testing.T, s fleet.Store) {
	at := func(release string, class fleet.Class, p report.Progress) *fleet.Installation {
		return &fleet.Installation{
			Release: release, Model: "armani", Channel: "stable", Current: true, Verdict: class, Kind: KindOf(class),
			Progress: p, Before: BeforeQuiet,
		}
	}
	waits, runs := at("one", Unpatched, report.ProgressKnown), at("one", ConfirmedOff, report.ProgressRunning)
	moved := at("two", ConfirmedOff, report.ProgressRunning)
	of := func(tx fleet.Tx, release string, installations, unpatched, confirmed int64) {
		t.Helper()
		c, err := tx.Counts().Of(ctx, release, "armani", "stable")
		if err != nil {
			t.Error(err)
		}
		if c.Installations != installations || c.Verdicts[Unpatched] != unpatched ||
			c.Verdicts[ConfirmedOff] != confirmed || c.Running() != confirmed ||
			c.Proven() != confirmed || c.Kinds[effect.Unjudged] != unpatched || c.Before[BeforeQuiet] != installations {
			t.Errorf("%s: got %+v", release, c)
		}
	}
	updateReports(t, s, func(tx fleet.Tx) error {
		of(tx, "one", 0, 0, 0)
		for range 3 {
			if err := tx.Counts().Move(ctx, nil, waits); err != nil {
				return err
			}
		}
		of(tx, "one", 3, 3, 0) // its own changes are seen
		return tx.Counts().Move(ctx, waits, runs)
	})
	updateReports(t, s, func(tx fleet.Tx) error { return tx.Counts().Move(ctx, runs, moved) })
	s.UpdateReports(ctx, func(tx fleet.Tx) error {
		tx.Counts().Move(ctx, nil, waits)
		return errStop
	})
	view(t, s, func(tx fleet.Tx) error {
		of(tx, "one", 2, 2, 0)
		of(tx, "two", 1, 0, 1)
		all, err := tx.Counts().List(ctx)
		if len(all) != 2 {
			t.Errorf("got %d rows, wanted one per release", len(all))
		}
		of(tx, "", 3, 2, 1)
		return err
	})
	if err := s.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Counts().Move(ctx, runs, nil) }); err == nil {
		t.Error("a figure went below zero")
	}
}

// testTotals has one installation go from release to release: each keeps what it had shown, and the total counts it
// once.
func testTotals(t *testing.T, s fleet.Store) {
	one := fleet.Installation{
		Ref: "R", Release: "one", Current: true, Model: "armani", Channel: "stable", Verdict: Leak,
		Kind: effect.Bad, Leaked: true, Progress: report.ProgressRunning, Before: BeforeActive,
	}
	left := one
	left.Current = false
	two := one
	two.Release, two.Verdict, two.Kind, two.Leaked = "two", ConfirmedOff, effect.Good, false
	beta, other := two, one
	beta.Channel, other.Model = "beta", "dior"
	updateReports(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Counts().Move(ctx, nil, &one), tx.Counts().Move(ctx, nil, &other))
	})
	updateReports(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Counts().Move(ctx, &one, &left), tx.Counts().Move(ctx, nil, &two))
	})
	view(t, s, func(tx fleet.Tx) error {
		released, err1 := tx.Counts().Of(ctx, "one", "armani", "stable")
		if released.Installations != 1 || released.Kinds[effect.Bad] != 1 || released.Leaked != 1 {
			t.Errorf("the release that it left: %+v", released)
		}
		total, err2 := tx.Counts().Total(ctx, "armani", "stable")
		if total.Installations != 1 || total.Proven() != 1 || total.Judged() != 1 || total.Leaked != 0 ||
			total.Release != "" {
			t.Errorf("in total: %+v", total)
		}
		none, err3 := tx.Counts().Total(ctx, "armani", "lab")
		if none.Installations != 0 || len(none.Verdicts) != 0 {
			t.Errorf("of nothing: %+v", none)
		}
		return errors.Join(err1, err2, err3, listed(t, tx.Counts()))
	})
	updateReports(t, s, func(tx fleet.Tx) error { return tx.Counts().Move(ctx, &two, &beta) })
	view(t, s, func(tx fleet.Tx) error {
		stable, err1 := tx.Counts().Total(ctx, "armani", "stable")
		onBeta, err2 := tx.Counts().Total(ctx, "armani", "beta")
		if stable.Installations != 0 || onBeta.Installations != 1 {
			t.Errorf("after it changed its channel: %d and %d", stable.Installations, onBeta.Installations)
		}
		return errors.Join(err1, err2)
	})
}

// testSilentCounts has installations fall silent, speak again and move on: a figure counts those that are silent now.
func testSilentCounts(t *testing.T, s fleet.Store) {
	waits := fleet.Installation{
		Ref: "R", Release: "one", Current: true, Model: "armani", Channel: "stable", Verdict: Unpatched, Kind: effect.Unjudged,
		Progress: report.ProgressKnown, Before: BeforeQuiet, Because: []fleet.Reason{{Code: effect.CodeNotOfRelease}},
	}
	silent, plain := waits, waits
	silent.Verdict, silent.Because = Unknown, []fleet.Reason{{Code: effect.CodeSilent}}
	plain.Verdict, plain.Because = Unknown, []fleet.Reason{{Code: effect.CodeNoEffect}}
	left, two := silent, waits
	left.Current, two.Release = false, "two"
	step := func(what string, one, total int64, moves ...[2]*fleet.Installation) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) (err error) {
			for _, m := range moves {
				err = errors.Join(err, tx.Counts().Move(ctx, m[0], m[1]))
			}
			return err
		})
		view(t, s, func(tx fleet.Tx) error {
			released, err1 := tx.Counts().Of(ctx, "one", "armani", "stable")
			all, err2 := tx.Counts().Total(ctx, "armani", "stable")
			if released.Silent != one || all.Silent != total {
				t.Errorf("%s: %d of one and %d in total are silent, wanted %d and %d", what, released.Silent, all.Silent, one, total)
			}
			return errors.Join(err1, err2)
		})
	}
	type move = [2]*fleet.Installation
	step("two wait", 0, 0, move{nil, &waits}, move{nil, &waits})
	step("both fall silent", 2, 2, move{&waits, &silent}, move{&waits, &silent})
	step("one speaks again", 1, 1, move{&silent, &waits})
	step("unknown is not silent", 1, 1, move{&waits, &plain})
	step("the other meets another release", 0, 0, move{&silent, &left}, move{nil, &two})
}

// testCauseCounts has installations fail for several causes: each cause has its figure, and two speak against the update.
func testCauseCounts(t *testing.T, s fleet.Store) {
	fails := func(cause report.Cause) *fleet.Installation {
		return &fleet.Installation{
			Ref: "R", Release: "one", Current: true, Model: "armani", Channel: "stable", Verdict: Unpatched, Kind: effect.Unjudged,
			Progress: report.ProgressFailed, Cause: cause, Before: BeforeQuiet,
		}
	}
	runs := *fails("")
	runs.Progress, runs.Verdict, runs.Kind = report.ProgressRunning, ConfirmedOff, effect.Good
	updateReports(t, s, func(tx fleet.Tx) (err error) {
		for n, cause := range report.Causes {
			for range n + 1 {
				err = errors.Join(err, tx.Counts().Move(ctx, nil, fails(cause)))
			}
		}
		return errors.Join(err, tx.Counts().Move(ctx, fails(report.CauseBuild), &runs),
			tx.Counts().Move(ctx, fails(report.CauseStorage), fails(report.CausePackage)))
	})
	view(t, s, func(tx fleet.Tx) error {
		c, err1 := tx.Counts().Of(ctx, "one", "armani", "stable")
		total, err2 := tx.Counts().Total(ctx, "armani", "stable")
		want := map[report.Cause]int64{report.CauseNetwork: 1, report.CauseServer: 2, report.CauseStorage: 2,
			report.CausePackage: 5, report.CauseBuild: 4}
		same(t, "of the release", c.Causes, want)
		same(t, "in total", total.Causes, want)
		if c.Failed() != 14 || c.Blamed() != 9 || c.Ended() != 10 {
			t.Errorf("%d failed, %d to be blamed on it, %d ended; wanted 14, 9 and 10", c.Failed(), c.Blamed(), c.Ended())
		}
		return errors.Join(err1, err2)
	})
}

func listed(t *testing.T, c fleet.CountsTable) error {
	t.Helper()
	var faults []error
	for _, list := range []struct {
		what string
		all  func() ([]fleet.Counts, error)
		want []string
	}{
		{"all", func() ([]fleet.Counts, error) { return c.List(ctx) }, []string{"one armani", "one dior", "two armani"}},
		{"of a release", func() ([]fleet.Counts, error) { return c.OfRelease(ctx, "one") },
			[]string{"one armani", "one dior"}},
		{"of a model", func() ([]fleet.Counts, error) { return c.OfModel(ctx, "armani") },
			[]string{"one armani", "two armani"}},
		{"totals", func() ([]fleet.Counts, error) { return c.Totals(ctx) }, []string{" armani", " dior"}},
	} {
		all, err := list.all()
		var got []string
		for _, one := range all {
			got = append(got, one.Release+" "+one.Model)
		}
		same(t, list.what, got, list.want)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
