// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// testHeard holds what the database finds of silence against what installations say of themselves, to the millisecond.
func testHeard(t *testing.T, s fleet.Store) {
	at := Now.Add(100 * 24 * time.Hour)
	var all []fleet.Installation
	for _, last := range []time.Duration{0, fleet.SilentFor[0], fleet.SilentFor[0] + time.Millisecond, fleet.SilentFor[1],
		fleet.SilentFor[1] + time.Millisecond, fleet.SilentFor[2], fleet.SilentFor[2] + time.Millisecond} {
		for who := range 1 << 5 {
			is := func(bit int) bool { return who&(1<<bit) != 0 }
			i := fleet.Installation{Ref: report.Reference(fmt.Sprintf("R%023d", len(all))), Release: "one", Model: "armani",
				Channel: "stable", Current: !is(0), Counted: is(1), Quarantined: is(2), OutOfDraw: is(3), Absent: is(4),
				Verdict: ConfirmedOff, Kind: effect.Good, First: Now, Last: at.Add(-last), Drawn: -1}
			if len(all)%3 == 0 {
				i.Admitted = Now
			}
			if len(all)%5 == 0 {
				i.Channel = "beta"
			}
			if len(all)%7 == 0 {
				i.Model, i.Release = "dior", "two"
			}
			all = append(all, i)
		}
	}
	of := map[fleet.Cell]fleet.HeardOf{}
	for _, i := range all {
		if !i.Current {
			continue
		}
		h := fleet.Heard{Of: 1}
		for n, age := range fleet.SilentFor {
			if at.Sub(i.Last) > age {
				h.Silent[n] = 1
			}
		}
		cell := fleet.Cell{Model: i.Model, Release: i.Release, Channel: i.Channel}
		c := of[cell]
		c.Cell = cell
		c.Count(i.Quarantined, i.Counted, i.Member(), h)
		of[cell] = c
	}
	var want []fleet.HeardOf
	for _, c := range of {
		want = append(want, c)
	}
	slices.SortFunc(want, func(a, b fleet.HeardOf) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Release, b.Release), cmp.Compare(a.Channel, b.Channel))
	})
	heard := func(what string, limit, pages int, want []fleet.HeardOf) {
		t.Helper()
		var got []fleet.HeardOf
		for after := report.Reference(""); ; pages-- {
			view(t, s, func(tx fleet.Tx) error {
				some, last, err := tx.Installations().Heard(ctx, at, after, limit)
				got, after = joined(got, some...), last
				return err
			})
			if after == "" {
				break
			}
		}
		same(t, what, got, want)
		if pages != 1 {
			t.Errorf("%s: it took %d pages too few", what, pages-1)
		}
	}
	heard("nobody", 9, 1, nil)
	updateReports(t, s, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, all...) })
	n := len(all) / 2 // are current
	heard("all", len(all), 1, want)
	heard("one page and nobody more", n, 2, want)
	heard("some at a time", 9, n/9+1, want)
	if len(want) != 4 || want[1].Members.Silent[2] == 0 || want[1].Counted == want[1].Members {
		t.Errorf("the test shows too little: %+v", want)
	}
}

// joined adds up what was found by their cells, in the order of these.
func joined(all []fleet.HeardOf, more ...fleet.HeardOf) []fleet.HeardOf {
	for _, m := range more {
		i, found := slices.BinarySearchFunc(all, m, func(a, b fleet.HeardOf) int {
			return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Release, b.Release), cmp.Compare(a.Channel, b.Channel))
		})
		if !found {
			all = slices.Insert(all, i, fleet.HeardOf{Cell: m.Cell})
		}
		is := &all[i]
		is.Everybody, is.Counted = is.Everybody.Add(m.Everybody), is.Counted.Add(m.Counted)
		is.Quarantined, is.Members = is.Quarantined.Add(m.Quarantined), is.Members.Add(m.Members)
	}
	return all
}
