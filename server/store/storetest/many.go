// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"

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
