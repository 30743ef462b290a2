// SPDX-License-Identifier: Apache-2.0

// Package keeper keeps the numbers that everybody may see, by the rule of package cells.
//
// Parties: the loop of one server calls Tick; it is told the exact numbers, and keeps in the store what follows from them. It
// promises that a number changes at most once a UTC day, all of them in one transaction, and that whoever lost the table shows
// nothing rather than too much. It refuses to run by a clock that is not believed, and to show anything itself.
package keeper

import (
	"context"
	"fmt"
	"time"

	"landed/manifests/effect"
	"landed/server/cells"
	"landed/server/fleet"
)

// Config is what a Keeper needs.
type Config struct {
	Store      fleet.Store
	Threshold  int64 // how few are never shown; 0: nothing is kept, since every number is shown
	Now        func() time.Time
	Draw       func(n int64) int64 // from 0 to below n, which nobody can guess
	Exact      func(context.Context, fleet.Tx) ([]cells.Exact, error)
	HasRoom    func() error // of the disk
	Distrusted func() bool  // if the clock is not believed
}

// Keeper keeps public cells. Tick is called by one goroutine at a time.
type Keeper struct {
	Config
	done int64 // UTC day of which they are
}

// New makes a Keeper.
func New(c Config) *Keeper { return &Keeper{Config: c, done: -1} }

// Tick does what is due. Of several servers on one database one may call it.
func (k *Keeper) Tick(ctx context.Context) error {
	if k.Threshold <= 0 || k.Distrusted() || k.HasRoom() != nil {
		return nil
	}
	now := k.Now().UTC().Truncate(time.Millisecond)
	if effect.Day(now) == k.done {
		return nil
	}
	some, err := k.ask(ctx, now)
	if fleet.Is(err, fleet.Damaged) { // which is told elsewhere
		return nil
	}
	if err != nil {
		return fmt.Errorf("numbers for the public: %w", err)
	}
	if some { // else the first release may still come today
		k.done = effect.Day(now)
	}
	return nil
}

// ask keeps what is another cell than before. some says that there is a model at all.
func (k *Keeper) ask(ctx context.Context, now time.Time) (some bool, err error) {
	var exact []cells.Exact
	had := map[[2]string]cells.Cell{}
	if err := k.Store.View(ctx, func(tx fleet.Tx) (err error) {
		if exact, err = k.Exact(ctx, tx); err != nil {
			return err
		}
		kept, err := tx.PublicCells().Kept(ctx)
		for _, c := range kept {
			had[[2]string{c.Model, string(c.Kind)}] = cells.Cell(c)
		}
		return err
	}); err != nil {
		return false, err
	}
	var next []fleet.KeptCell
	for _, e := range exact {
		for _, kind := range effect.Kinds {
			was := had[[2]string{e.Model, string(kind)}]
			c := was.Next(e.Kinds[kind], k.Threshold, now, k.Draw)
			if c == was {
				continue // it was asked today
			}
			c.Model, c.Kind, c.Release, c.Any = e.Model, kind, e.Release, kind == effect.Bad && e.Opposite
			next = append(next, fleet.KeptCell(c))
		}
	}
	if len(next) == 0 {
		return len(exact) > 0, nil
	}
	return true, k.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.PublicCells().Keep(ctx, next...) })
}
