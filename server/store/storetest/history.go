// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"maps"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// figuresOf are those of so many installations, of which some run the update and are fine.
func figuresOf(waiting, fine int64) fleet.Figures {
	f := fleet.NewFigures()
	f.Installations, f.Silent = waiting+fine, min(waiting, 1)
	f.Verdicts[Unpatched], f.Verdicts[ConfirmedOff] = waiting, fine
	f.Kinds[effect.Unjudged], f.Kinds[effect.Good] = waiting, fine
	f.Progress[report.ProgressKnown], f.Progress[report.ProgressRunning] = waiting, fine
	f.Before[BeforeQuiet] = waiting + fine
	dropZeros(f.Verdicts)
	dropZeros(f.Kinds)
	dropZeros(f.Progress)
	dropZeros(f.Before)
	return f
}

// dropZeros leaves what a copy keeps.
func dropZeros[K comparable](of map[K]int64) {
	maps.DeleteFunc(of, func(_ K, n int64) bool { return n == 0 })
}

func cellOf(model, release, channel string, waiting, fine int64) fleet.Counts {
	return fleet.Counts{Model: model, Release: release, Channel: channel, Figures: figuresOf(waiting, fine),
		Counted: figuresOf(0, fine), Quarantined: fleet.NewFigures()}
}

func testHistory(t *testing.T, s fleet.Store) {
	hour := func(n int) time.Time { return Now.Add(time.Duration(n) * time.Hour) }
	moment := func(n int) fleet.Moment { return fleet.Moment{At: hour(n), Version: 1} }
	one, all := cellOf("armani", "one", "stable", 5, 0), cellOf("", "one", "", 9, 0)
	add := func(n, stored int, cells ...fleet.Counts) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) error {
			got, err := tx.History().Add(ctx, hour(n), cells...)
			if got != stored {
				t.Errorf("hour %d: %d copies were stored, wanted %d", n, got, stored)
			}
			return errors.Join(err, tx.History().Mark(ctx, moment(n)))
		})
	}
	add(0, 2, one, all, cellOf("dior", "", "stable", 0, 0)) // where nobody ever was there is nothing to copy
	add(1, 0, one, all)
	moved := cellOf("armani", "one", "stable", 3, 2)
	moved.Heard, moved.Counted.Heard = &fleet.Heard{Of: 4, Silent: [3]int64{3, 2, 0}}, &fleet.Heard{Of: 1}
	add(2, 1, moved, all)
	gone := cellOf("armani", "one", "stable", 0, 0)
	add(3, 2, gone, cellOf("dior", "", "stable", 1, 0))
	for _, n := range []int{3, 2} {
		err := s.UpdateReports(ctx, func(tx fleet.Tx) error { _, err := tx.History().Add(ctx, hour(n), one); return err })
		if e, ok := errors.AsType[*fleet.Error](err); !ok || e.Code != "history_past" {
			t.Errorf("a copy of hour %d after one of hour 3: %v", n, err)
		}
	}
	copied := func(n int, c fleet.Counts) fleet.Copied { return fleet.Copied{At: hour(n), Counts: c} }
	none := fleet.Copied{}
	of := func(what string, hours []int, want [][]fleet.Copied, cells ...fleet.Cell) {
		t.Helper()
		var at []time.Time
		for _, n := range hours {
			at = append(at, hour(n))
		}
		view(t, s, func(tx fleet.Tx) error {
			got, err := tx.History().Stood(ctx, at, cells...)
			same(t, what, got, want)
			return err
		})
	}
	of("each hour", []int{-1, 0, 1, 2, 3, 9}, [][]fleet.Copied{{none, none, none}, {copied(0, all), copied(0, one), none},
		{copied(0, all), copied(0, one), none}, {copied(0, all), copied(2, moved), none}, {copied(0, all), copied(3, gone), none},
		{copied(0, all), copied(3, gone), none}}, all.Cell(), one.Cell(), fleet.Cell{Model: "pisces"})
	of("no cells", []int{1}, [][]fleet.Copied{{}})
	of("no times", nil, [][]fleet.Copied{}, one.Cell())
	updateReports(t, s, func(tx fleet.Tx) error {
		models, err := tx.History().Models(ctx)
		same(t, "models", models, []string{"", "armani", "dior"})
		none, err2 := tx.History().Thin(ctx, "armani", moment(1)) // its copy is of hour 0
		some, err3 := tx.History().Thin(ctx, "armani", moment(1), moment(2))
		if none != 0 || some != 1 {
			t.Errorf("%d and %d copies were taken out, wanted none and the one of hour 2", none, some)
		}
		return errors.Join(err, err2, err3, tx.History().Drop(ctx, moment(1), moment(2)), tx.History().Drop(ctx))
	})
	of("what is left", []int{0, 2, 3}, [][]fleet.Copied{{copied(0, one)}, {copied(0, one)}, {copied(3, gone)}}, one.Cell())
	view(t, s, func(tx fleet.Tx) error {
		moments, err := tx.History().Moments(ctx)
		same(t, "moments", moments, []fleet.Moment{moment(0), moment(3)})
		return err
	})
	updateReports(t, s, func(tx fleet.Tx) error { return tx.History().Forget(ctx, hour(1)) })
	of("what was before", []int{9}, [][]fleet.Copied{{copied(0, one), none}}, one.Cell(), fleet.Cell{Model: "dior", Channel: "stable"})
	add(2, 1, moved)
}
