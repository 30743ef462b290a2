// SPDX-License-Identifier: Apache-2.0

// Package history gives the figures a memory: it copies them once an hour, thins the copies with age, and holds what is
// against what was.
//
// Parties: the loop of the server calls Tick, off the way of reports; the pages read the copies from the store; people are
// told of a regression by the log and by a metric. It promises that a copy says when it was made and what figures meant
// then; that one of figures that did not change takes no room; that there are at most so many moments ([Thin]); that no copy
// is of a time that is not believed; and that whatever ends the program, the next Tick goes on. It refuses to decide: no rollout
// goes by what was.
package history

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
)

// Config is what a Keeper needs. All fields are needed, unless they say otherwise.
type Config struct {
	Store fleet.Store
	Now   func() time.Time
	Log   *slog.Logger
	// Fleet are the figures of the whole fleet, as the first page has them now.
	Fleet      func(context.Context, fleet.Tx) (fleet.Counts, error)
	HasRoom    func() error // of the disk; nil: it always has
	Distrusted func() bool  // if the clock is not believed; nil: it always is
	Page       int          // how many installations are looked at in one transaction; 0: Page
}

// Keeper keeps the copies. Tick is called by one goroutine at a time.
type Keeper struct {
	Config
	thinned int64 // UTC day on which the copies were thinned last
	walk    *walk // over the installations, for the copy that is due; nil between copies
	looked  time.Time
	told    map[regressed]bool // what the log knows of
	now     atomic.Int64
}

// New makes a Keeper.
func New(c Config) *Keeper { return &Keeper{Config: c, told: map[regressed]bool{}} }

// Regressions is how many shares are worse than they were, as Regressions told of the copies when it was looked last.
func (k *Keeper) Regressions() int64 { return k.now.Load() }

// Tick does what is due. Of several servers on one database one may call it.
func (k *Keeper) Tick(ctx context.Context) error {
	if k.Distrusted != nil && k.Distrusted() || k.HasRoom != nil && k.HasRoom() != nil {
		return nil
	}
	now := k.Now().UTC().Truncate(time.Millisecond)
	moments, err := k.moments(ctx)
	if err == nil {
		moments, err = k.copy(ctx, now, moments)
	}
	if err == nil {
		err = k.thin(ctx, now, moments)
	}
	if err == nil {
		err = k.watch(ctx, now, moments)
	}
	if err == nil || fleet.Is(err, fleet.Damaged) { // which is told elsewhere
		return nil
	}
	return fmt.Errorf("copies of the figures: %w", err)
}

func (k *Keeper) moments(ctx context.Context) (all []fleet.Moment, err error) {
	err = k.Store.View(ctx, func(tx fleet.Tx) error {
		all, err = tx.History().Moments(ctx)
		return err
	})
	return all, err
}

// copy copies the figures if none of this hour are copied.
func (k *Keeper) copy(ctx context.Context, now time.Time, moments []fleet.Moment) ([]fleet.Moment, error) {
	if n := len(moments); n > 0 && moments[n-1].At.After(now) {
		k.Log.WarnContext(
			ctx,
			"copies of the figures are of a time that is still to come, when the clock was wrong; they are let go of",
			"newest",
			moments[n-1].At,
		)
		if err := k.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.History().Forget(ctx, now) }); err != nil {
			return moments, err
		}
		for len(moments) > 0 && moments[len(moments)-1].At.After(now) {
			moments = moments[:len(moments)-1]
		}
	}
	if n := len(moments); n > 0 && fleet.Hour(moments[n-1].At) == fleet.Hour(now) {
		return moments, nil
	}
	if over, err := k.hear(ctx, now); err != nil || !over {
		return moments, err
	}
	var cells []fleet.Counts
	if err := k.Store.View(ctx, func(tx fleet.Tx) (err error) {
		cells, err = k.all(ctx, tx, now)
		return err
	}); err != nil {
		return moments, err
	}
	m := fleet.Moment{At: now, Version: fleet.FiguresVersion}
	for some := range slices.Chunk(cells, step) {
		if err := k.Store.UpdateReports(ctx, func(tx fleet.Tx) error {
			_, err := tx.History().Add(ctx, m.At, some...)
			return err
		}); err != nil {
			return moments, err
		}
	}
	if err := k.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.History().Mark(ctx, m) }); err != nil {
		return moments, err
	}
	k.walk = nil
	return append(moments, m), nil
}

// step is how many cells are copied in one transaction: reports that come in wait for it.
const step = 40

// all are the figures of now: those that are maintained, those of each release together, and those of the fleet.
func (k *Keeper) all(ctx context.Context, tx fleet.Tx, now time.Time) ([]fleet.Counts, error) {
	cells, err := tx.Counts().List(ctx)
	if err != nil {
		return nil, err
	}
	totals, err := tx.Counts().Totals(ctx)
	if err != nil {
		return nil, err
	}
	whole, err := k.Fleet(ctx, tx)
	if err != nil {
		return nil, err
	}
	whole.Model, whole.Release, whole.Channel = "", "", ""
	of := k.walk.found
	for i := range cells {
		cells[i] = of.in(cells[i].At(now))
	}
	sums := map[string]*fleet.Counts{}
	var releases []*fleet.Counts
	for _, c := range cells {
		sum := sums[c.Release]
		if sum == nil {
			sum = &fleet.Counts{
				Release:     c.Release,
				Figures:     fleet.NewFigures(),
				Counted:     fleet.NewFigures(),
				Quarantined: fleet.NewFigures(),
			}
			sums[c.Release], releases = sum, append(releases, sum)
		}
		sum.Add(c)
	}
	for _, c := range totals {
		cells = append(cells, of.in(c.At(now)))
	}
	for _, sum := range releases {
		cells = append(cells, *sum)
	}
	return append(cells, of.in(whole)), nil
}

// thin lets go of copies that are old, once a day, each model in a transaction of its own.
func (k *Keeper) thin(ctx context.Context, now time.Time, moments []fleet.Moment) error {
	gone := Thin(now, moments)
	if effect.Day(now) == k.thinned || len(gone) == 0 {
		return nil
	}
	var models []string
	if err := k.Store.View(ctx, func(tx fleet.Tx) (err error) {
		models, err = tx.History().Models(ctx)
		return err
	}); err != nil {
		return err
	}
	for _, model := range models {
		if err := k.Store.UpdateReports(ctx, func(tx fleet.Tx) error {
			_, err := tx.History().Thin(ctx, model, gone...)
			return err
		}); err != nil {
			return err
		}
	}
	err := k.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.History().Drop(ctx, gone...) })
	if err == nil {
		k.thinned = effect.Day(now)
	}
	return err
}
