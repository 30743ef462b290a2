// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"

	"landed/server/fleet"
)

// testEpochs has epochs rise, each by itself, and refuses whatever would let one fall or stand still.
func testEpochs(t *testing.T, s fleet.Store) {
	one := fleet.Epoch{Model: "dior", Channel: "stable", N: 3, At: Now, By: "mei", Reason: "the disk was lost"}
	two := fleet.Epoch{Model: "armani", Channel: "stable", N: 9, By: "landed", Reason: "the feed says so"}
	beta := fleet.Epoch{Model: "armani", Channel: "beta", N: 1, At: later(1), By: "bo", Reason: "a trial"}
	for _, e := range []fleet.Epoch{one, two, beta} {
		update(t, s, func(tx fleet.Tx) error { return tx.Epochs().Put(ctx, e) })
	}
	for _, n := range []int{2, 3} {
		lower := one
		lower.N, lower.By = n, "eve"
		wantKind(t, s, fleet.Conflict, "epoch_falls", func(tx fleet.Tx) error { return tx.Epochs().Put(ctx, lower) })
	}
	one.N, one.At, one.By, one.Reason = 4, later(2), "bo", "once more"
	update(t, s, func(tx fleet.Tx) error { return tx.Epochs().Put(ctx, one) })
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Epochs().Of(ctx, "dior", "stable")
		same(t, "raised", got, one)
		none, err2 := tx.Epochs().Of(ctx, "dior", "beta")
		same(t, "never asked", none, fleet.Epoch{Model: "dior", Channel: "beta"})
		all, err3 := tx.Epochs().List(ctx)
		same(t, "all", all, []fleet.Epoch{beta, two, one})
		return errors.Join(err, err2, err3)
	})
}
