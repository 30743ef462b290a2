// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
)

func testPublicCells(t *testing.T, s fleet.Store) {
	day := func(n int) time.Time { return Now.AddDate(0, 0, n) }
	cell := func(model string, kind fleet.Kind, shown bool, number, base, after int64, at, asked time.Time) fleet.KeptCell {
		return fleet.KeptCell{PublicCell: fleet.PublicCell{Model: model, Kind: kind, Shown: shown, Number: number, At: at},
			Base: base, After: after, Asked: asked}
	}
	keep := func(cells ...fleet.KeptCell) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) error { return tx.PublicCells().Keep(ctx, cells...) })
	}
	hidden := cell("dior", effect.Bad, false, 0, 0, 30, time.Time{}, day(0))
	hidden.Any = true
	hidden.Release = "one"
	many := cell("armani", effect.Good, true, 400, 401, 25, day(0), day(0))
	some := cell("armani", effect.Open, true, 30, 27, 25, day(0), day(0))
	keep(hidden, many, some)
	keep()
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.PublicCells().Kept(ctx)
		same(t, "kept", got, []fleet.KeptCell{many, some, hidden})
		return err
	})
	shown := func(what string, threshold int64, want ...fleet.PublicCell) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			got, err := tx.PublicCells().Shown(ctx, threshold)
			same(t, what, got, want)
			return err
		})
	}
	not := func(c fleet.PublicCell) fleet.PublicCell {
		c.Shown, c.Number = false, 0
		return c
	}
	shown("shown", 20, many.PublicCell, some.PublicCell, hidden.PublicCell)
	shown("shown at its after", 25, many.PublicCell, some.PublicCell, hidden.PublicCell)
	shown("shown under a higher threshold", 28, not(many.PublicCell), not(some.PublicCell), hidden.PublicCell)

	past := func(threshold int64, model string, want ...fleet.PublicCell) {
		t.Helper()
		for n := range want {
			want[n].Release = ""
		}
		view(t, s, func(tx fleet.Tx) error {
			got, err := tx.PublicCells().Past(ctx, threshold, model)
			same(t, "past", got, want)
			return err
		})
	}
	many.Asked = day(1) // nothing else: no change
	less := cell("armani", effect.Open, false, 0, 2, 22, day(1), day(1))
	keep(many, less)
	past(20, "", many.PublicCell, some.PublicCell, less.PublicCell)
	past(25, "", many.PublicCell, some.PublicCell, less.PublicCell)
	past(28, "", not(many.PublicCell), not(some.PublicCell), less.PublicCell)
	past(20, "armani", many.PublicCell, some.PublicCell, less.PublicCell)
	past(20, "dior")

	for n := range fleet.PastMost { // one more than is remembered
		many = cell("armani", effect.Good, true, int64(410+10*n), int64(411+10*n), 25, day(2+n), day(2+n))
		keep(many)
	}
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.PublicCells().Past(ctx, 20, "armani")
		if err == nil && (len(got) != 2+fleet.PastMost || got[0] != some.PublicCell || got[len(got)-1] != many.PublicCell) {
			t.Errorf("of %d changes and two, %d are remembered: %+v", 1+fleet.PastMost, len(got), got)
		}
		return err
	})
}
