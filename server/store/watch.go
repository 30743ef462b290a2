// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"

	"landed/server/fleet"
)

// Watch is db that tells damaged of each error of the kind [fleet.Damaged], whoever met it. It is called by many
// goroutines, and while they wait.
func Watch(db Database, damaged func(error)) Database { return watched{db, damaged} }

type watched struct {
	Database
	damaged func(error)
}

// View implements fleet.Viewer.
func (w watched) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return w.heard(w.Database.View(ctx, fn))
}

// Update implements fleet.Store.
func (w watched) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	return w.heard(w.Database.Update(ctx, fn))
}

// UpdateReports implements fleet.Store.
func (w watched) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	return w.heard(w.Database.UpdateReports(ctx, fn))
}

// Intake implements fleet.Store.
func (w watched) Intake(ctx context.Context, fn func(fleet.Tx) error) error {
	return w.heard(w.Database.Intake(ctx, fn))
}

// ReportsReady implements Database.
func (w watched) ReportsReady(ctx context.Context) error {
	return w.heard(w.Database.ReportsReady(ctx))
}

// Ready implements Database.
func (w watched) Ready(ctx context.Context) error { return w.heard(w.Database.Ready(ctx)) }

func (w watched) heard(err error) error {
	if fleet.Is(err, fleet.Damaged) {
		w.damaged(err)
	}
	return err
}
