// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// testProvisional: slots stay without a gap, whatever is put and taken out; they come in the order in which they came.
func testProvisional(t *testing.T, s fleet.Store) {
	kept := func(slot, ref, seq int64, after time.Duration) fleet.ProvisionalReport {
		return fleet.ProvisionalReport{Slot: slot, Ref: report.Reference(fmt.Sprint("R", ref)), Seq: seq, ID: "I", At: Now.Add(after),
			Envelope: []byte{byte(slot), byte(seq)}}
	}
	put := func(all ...fleet.ProvisionalReport) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) (err error) {
			for _, p := range all {
				err = errors.Join(err, tx.Provisional().Put(ctx, p))
			}
			return err
		})
	}
	take := func(want int64, all ...fleet.ProvisionalReport) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) error {
			var keys []fleet.ReportID
			for _, p := range all {
				keys = append(keys, p.Key())
			}
			taken, err := tx.Provisional().Take(ctx, keys...)
			if taken != want {
				t.Errorf("%d were taken out, wanted %d", taken, want)
			}
			return err
		})
	}
	// are wants those that are kept, by slot, each as it was put.
	are := func(want ...fleet.ProvisionalReport) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			size, err := tx.Provisional().Size(ctx)
			all, err2 := tx.Provisional().Oldest(ctx, fleet.ProvisionalReport{}, 100)
			slices.SortFunc(all, func(a, b fleet.ProvisionalReport) int { return int(a.Slot - b.Slot) })
			if size != int64(len(want)) {
				t.Errorf("%d are kept, wanted %d", size, len(want))
			}
			same(t, "kept", all, want)
			return errors.Join(err, err2)
		})
	}
	are()
	a, b, c, d := kept(1, 7, 2, 0), kept(2, 7, 1, 0), kept(3, 5, 9, -time.Hour), kept(4, 8, 1, time.Hour)
	put(a, b, c, d)
	are(a, b, c, d)
	view(t, s, func(tx fleet.Tx) error {
		first, err := tx.Provisional().Oldest(ctx, fleet.ProvisionalReport{}, 2)
		rest, err2 := tx.Provisional().Oldest(ctx, first[1], 9)
		mine, err3 := tx.Provisional().Of(ctx, "R7", "R8", "R6")
		none, err4 := tx.Provisional().Of(ctx)
		same(t, "from the oldest on, of one moment by number", slices.Concat(first, rest), []fleet.ProvisionalReport{c, b, a, d})
		bare := []fleet.ProvisionalReport{a, b, d}
		for n := range bare {
			bare[n].Envelope = nil
		}
		same(t, "of some", mine, bare)
		if len(none) != 0 {
			t.Errorf("of nobody: %v", none)
		}
		return errors.Join(err, err2, err3, err4)
	})
	if err := s.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Provisional().Put(ctx, kept(5, 7, 2, 0)) }); !fleet.Is(
		err, fleet.Conflict) {
		t.Errorf("kept in two slots: %v", err)
	}
	e := kept(2, 9, 1, 0)
	put(e) // in the place of b
	are(a, e, c, d)
	take(1, a, b)
	d.Slot = 1
	are(d, e, c)
	take(1, c) // the last one leaves no gap
	take(0)
	are(d, e)
	take(2, d, e, a)
	are()
	put(a)
	are(a)
}
