// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// testMany writes more rows in one call than a statement may take at once, one of them twice.
func testMany(t *testing.T, s fleet.Store) {
	const many = 50
	var stored []fleet.StoredReport
	var states []fleet.Installation
	var refs []report.Reference
	for n := range many {
		r, key := Report(n, 1)
		ref := report.ReferenceOf(key.Public().(ed25519.PublicKey))
		refs, stored = append(refs, ref), append(stored, fleet.StoredReport{ID: r.ID, Ref: ref, Seq: 1,
			Envelope: []byte(r.ID), At: Now})
		states = append(states, fleet.Installation{Ref: ref, Release: "one", Current: true, Seq: 1,
			Newest: report.Report{ID: r.ID}, Because: reasons})
	}
	again := states[3]
	again.Reports = 7
	updateReports(t, s, func(tx fleet.Tx) error {
		added, err := tx.Reports().Append(ctx, append(stored, stored[5])...)
		if added != many {
			t.Errorf("added %d, wanted %d", added, many)
		}
		return errors.Join(err, tx.Installations().Put(ctx, append(states, again)...))
	})
	states[3] = again
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Installations().Of(ctx, refs...)
		for n, ref := range refs {
			same(t, fmt.Sprint("state ", n), got[ref], []fleet.Installation{short(states[n])})
			r, fault := tx.Reports().Get(ctx, ref, stored[n].ID)
			same(t, fmt.Sprint("report ", n), r, stored[n])
			err = errors.Join(err, fault)
		}
		return err
	})
}

func testSilent(t *testing.T, s fleet.Store) {
	quiet := arrive(t, s, 1, 1, later(1), Unpatched)
	arrive(t, s, 2, 1, later(2), Unpatched) // reports again below
	arrive(t, s, 3, 1, later(3), ConfirmedOff)
	also := arrive(t, s, 4, 1, later(4), Unpatched)
	arrive(t, s, 5, 1, later(20), Unpatched)
	arrive(t, s, 2, 2, later(21), Unpatched)
	left := arrive(t, s, 6, 1, later(4), Unpatched) // moves on
	left.Current = false
	updateReports(t, s, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, left) })

	silent := func(before time.Time, limit int, wantMore bool, want ...fleet.Installation) {
		t.Helper()
		updateReports(t, s, func(tx fleet.Tx) error {
			got, more, err := tx.Installations().Silent(ctx, before, limit)
			same(t, "silent", got, want)
			if more != wantMore {
				t.Errorf("more is %t", more)
			}
			return err
		})
	}
	silent(later(1), 10, false) // nothing is older than the first
	failed := s.UpdateReports(ctx, func(tx fleet.Tx) error {
		got, _, err := tx.Installations().Silent(ctx, later(10), 10)
		if len(got) != 2 || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
		return errStop
	})
	if failed == nil {
		t.Fatal("the update did not fail")
	}
	silent(later(10), 2, true, quiet) // what a failed transaction was told is told again
	silent(later(10), 2, true, also)
	silent(later(10), 2, false)
	silent(later(20), 2, false)
}
