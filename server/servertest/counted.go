// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"context"

	"landed/server/fleet"
)

// AllCount is a store in which everybody counts: the figures of the counted fleet are those of everybody. It is for tests
// of what follows from them; who counts is told elsewhere.
func AllCount(s fleet.Store) fleet.Store { return allCount{s} }

type allCount struct{ fleet.Store }

// View implements fleet.Store.
func (s allCount) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return s.Store.View(ctx, func(tx fleet.Tx) error { return fn(countTx{tx}) })
}

// Update implements fleet.Store.
func (s allCount) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	return s.Store.Update(ctx, func(tx fleet.Tx) error { return fn(countTx{tx}) })
}

// Intake implements fleet.Store.
func (s allCount) Intake(ctx context.Context, fn func(fleet.Tx) error) error {
	return s.Store.Intake(ctx, func(tx fleet.Tx) error { return fn(countTx{tx}) })
}

// UpdateReports implements fleet.Store.
func (s allCount) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	return s.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return fn(countTx{tx}) })
}

type countTx struct{ fleet.Tx }

func (t countTx) Counts() fleet.CountsTable { return countsOfAll{t.Tx.Counts()} }

type countsOfAll struct{ fleet.CountsTable }

// Of implements fleet.CountsTable.
func (c countsOfAll) Of(ctx context.Context, release, model, channel string) (fleet.Counts, error) {
	got, err := c.CountsTable.Of(ctx, release, model, channel)
	got.Counted = got.Figures
	return got, err
}

// Total implements fleet.CountsTable.
func (c countsOfAll) Total(ctx context.Context, model, channel string) (fleet.Counts, error) {
	return c.Of(ctx, "", model, channel)
}
