// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"

	"landed/server/fleet"
)

func testModels(t *testing.T, s fleet.Store) {
	armani := fleet.Model{Device: "armani", Profile: []byte("product: Redmi 1S"), By: "lei", At: Now}
	dior := fleet.Model{Device: "dior", Profile: []byte("product: Redmi Note"), By: "lei", At: later(1)}
	update(t, s, func(tx fleet.Tx) error { return errors.Join(tx.Models().Put(ctx, dior), tx.Models().Put(ctx, armani)) })
	wantKind(t, s, fleet.NotFound, "model_unknown", func(tx fleet.Tx) error {
		_, err := tx.Models().Get(ctx, "none")
		return err
	})
	wantKind(t, s, fleet.NotFound, "model_unknown", func(tx fleet.Tx) error {
		return tx.Models().Retire(ctx, "none", Now)
	})
	listed := func(when string, want ...fleet.Model) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			all, err := tx.Models().List(ctx)
			same(t, when, all, want)
			one, fault := tx.Models().Get(ctx, "armani")
			same(t, when, one, want[0])
			return errors.Join(err, fault)
		})
	}
	listed("by device", armani, dior)
	update(t, s, func(tx fleet.Tx) error { return tx.Models().Retire(ctx, "armani", later(2)) })
	update(t, s, func(tx fleet.Tx) error { return tx.Models().Retire(ctx, "armani", later(3)) })
	retired := armani
	retired.Retired = later(2)
	listed("retired once", retired, dior)
	armani.Profile, armani.At = []byte("product: Redmi 1S, again"), later(4)
	update(t, s, func(tx fleet.Tx) error { return tx.Models().Put(ctx, armani) })
	listed("put again", armani, dior)
}

func testChannels(t *testing.T, s fleet.Store) {
	beta, stable := fleet.Channel{Name: "beta", By: "lei", At: Now}, fleet.Channel{Name: "stable", By: "lei", At: later(1)}
	update(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Channels().Put(ctx, stable), tx.Channels().Put(ctx, beta))
	})
	wantKind(t, s, fleet.NotFound, "channel_unknown", func(tx fleet.Tx) error {
		_, err := tx.Channels().Get(ctx, "none")
		return err
	})
	wantKind(t, s, fleet.NotFound, "channel_unknown", func(tx fleet.Tx) error {
		return tx.Channels().Retire(ctx, "none", Now)
	})
	listed := func(when string, want ...fleet.Channel) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			all, err := tx.Channels().List(ctx)
			same(t, when, all, want)
			one, fault := tx.Channels().Get(ctx, "beta")
			same(t, when, one, want[0])
			return errors.Join(err, fault)
		})
	}
	listed("by name", beta, stable)
	for n := range 2 {
		update(t, s, func(tx fleet.Tx) error { return tx.Channels().Retire(ctx, "beta", later(2+n)) })
	}
	retired := beta
	retired.Retired = later(2)
	listed("retired once", retired, stable)
	update(t, s, func(tx fleet.Tx) error { return tx.Channels().Put(ctx, beta) })
	listed("put again", beta, stable)
}

func testHolders(t *testing.T, s fleet.Store) {
	view(t, s, func(tx fleet.Tx) error {
		none, err := tx.Holders().All(ctx)
		same(t, "nobody", none, map[string]string{})
		return err
	})
	update(t, s, func(tx fleet.Tx) error { return tx.Holders().Put(ctx, map[string]string{"aa": "ann", "bb": "bo"}) })
	update(t, s, func(tx fleet.Tx) error { return tx.Holders().Put(ctx, map[string]string{"bb": "bea", "cc": "cy"}) })
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Holders().All(ctx)
		same(t, "the later name counts", all, map[string]string{"aa": "ann", "bb": "bea", "cc": "cy"})
		return err
	})
}
