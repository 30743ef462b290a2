// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"

	"landed/manifests/report"
	"landed/server/fleet"
)

func testWalks(t *testing.T, s fleet.Store) {
	at := func(name string, want report.Reference) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			got, err := tx.Walks().At(ctx, name)
			if got != want {
				t.Errorf("%s is at %q, wanted %q", name, got, want)
			}
			return err
		})
	}
	at("one", "")
	updateReports(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Walks().Put(ctx, "one", "A"), tx.Walks().Put(ctx, "two", "B"), tx.Walks().Put(ctx, "one", "C"))
	})
	at("one", "C")
	at("two", "B")
	updateReports(t, s, func(tx fleet.Tx) error { return errors.Join(tx.Walks().End(ctx, "one"), tx.Walks().End(ctx, "never")) })
	at("one", "")
	at("two", "B")
}
