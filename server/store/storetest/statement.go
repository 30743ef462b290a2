// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"

	"landed/server/fleet"
)

func testStatements(t *testing.T, s fleet.Store) {
	one := fleet.Statement{ID: "aa", Kind: fleet.StatementObservation, Model: "armani", Subject: "build", Signer: "k1",
		Envelope: []byte("signed"), By: "lei", At: Now}
	two := fleet.Statement{ID: "bb", Kind: fleet.StatementVoucher, Model: "dior", Subject: "ref", Signer: "k2",
		Envelope: []byte("too"), By: "lei", At: later(1)}
	three := fleet.Statement{ID: "cc", Kind: fleet.StatementWithdrawal, Model: "armani", Subject: "aa", Signer: "k1",
		Envelope: []byte("back"), By: "mei", At: later(2)}
	for _, one := range []fleet.Statement{one, two, three} {
		update(t, s, func(tx fleet.Tx) error { return tx.Statements().Put(ctx, one) })
	}
	again := one
	again.By, again.Envelope, again.At = "mei", []byte("signed once more"), later(9)
	update(t, s, func(tx fleet.Tx) error { return tx.Statements().Put(ctx, again) })
	wantKind(t, s, fleet.NotFound, "statement_unknown", func(tx fleet.Tx) error {
		_, err := tx.Statements().Get(ctx, "dd")
		return err
	})
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Statements().Get(ctx, "aa")
		same(t, "the first stays", got, one)
		return err
	})
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Statements().List(ctx)
		same(t, "as they came", all, []fleet.Statement{one, two, three})
		return err
	})
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Statements().OfModel(ctx, "armani")
		same(t, "of a model", all, []fleet.Statement{one, three})
		return err
	})
	view(t, s, func(tx fleet.Tx) error {
		sizes, err := tx.Statements().Sizes(ctx)
		same(t, "sizes", sizes, map[string]int{"armani": 2, "dior": 1})
		return err
	})
}

func testSuspensions(t *testing.T, s fleet.Store) {
	a, b := "0123456789ABCDEFGHJKMNPQ", "1123456789ABCDEFGHJKMNPQ"
	update(t, s, func(tx fleet.Tx) error { return tx.Statements().Suspend(ctx, "one", "ann", Now, b, a) })
	update(t, s, func(tx fleet.Tx) error { return tx.Statements().Suspend(ctx, "one", "bo", later(1), a) })
	update(t, s, func(tx fleet.Tx) error { return tx.Statements().Suspend(ctx, "two", "bo", later(1)) })
	for rollout, want := range map[string][]string{"one": {a, b}, "two": nil} {
		view(t, s, func(tx fleet.Tx) error {
			refs, err := tx.Statements().Suspended(ctx, rollout)
			same(t, rollout, refs, want)
			return err
		})
	}
}
