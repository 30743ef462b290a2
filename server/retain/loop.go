// SPDX-License-Identifier: Apache-2.0

package retain

import (
	"context"
	"fmt"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Reference names an installation.
type Reference = report.Reference

const (
	// again is how far apart two cuts of a release are at least.
	again = 28 * 24 * time.Hour
	// ripe is how long a cut stands on the trail before bodies go: a backup that was begun before it has ended by then.
	ripe = time.Hour

	settleStep = 100 // installations in the first transaction
	dropStep   = 8
	abandoned  = 500
)

// loop is the name under which the program itself cuts.
const loop = "landed"

// Tick does a bounded part of what is due. Of several servers on one database one may call it.
func (r *Room) Tick(ctx context.Context) error {
	r.paces.ticking.Lock()
	defer r.paces.ticking.Unlock()
	for tick := time.Now(); ctx.Err() == nil; {
		if r.Distrusted != nil && r.Distrusted() || r.HasRoom != nil && r.HasRoom() != nil {
			return nil
		}
		began := time.Now()
		more, err := r.step(ctx)
		if err != nil {
			return fmt.Errorf("drop old reports: %w", err)
		}
		if !more || !r.rest(ctx, tick, began) {
			return nil
		}
	}
	return nil
}

// step does the next thing, and says if there is another one now.
func (r *Room) step(ctx context.Context) (more bool, err error) {
	var s situation
	if err := r.Store.View(ctx, func(tx fleet.Tx) (err error) {
		s, err = r.situation(ctx, tx)
		return err
	}); err != nil || s.unnamed || len(s.rules) == 0 {
		return false, err
	}
	c := s.cut
	switch {
	case c.Number == 0:
		return r.begin(ctx, s)
	case !c.Closed.IsZero() && s.mixed:
		return false, nil
	case !c.Closed.IsZero():
		return r.drop(ctx, c)
	case s.line == nil && (!s.keeps || c.Root != nil): // or what the trail had of it was lost
		return true, r.abandon(ctx, c)
	case s.line == nil && s.ready:
		return r.settle(ctx, c)
	case s.line == nil:
		return false, nil
	case !c.Same(*s.line):
		return true, r.take(ctx, c, *s.line)
	case s.sealed && !r.Now().Before(c.At.Add(ripe)):
		return true, r.close(ctx, c)
	}
	return false, nil
}

func (r *Room) put(ctx context.Context, c fleet.Cut) error {
	return r.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Cuts().Put(ctx, c) })
}

// close lets bodies go, if the rule stands to that very moment.
func (r *Room) close(ctx context.Context, c fleet.Cut) error {
	c.Closed = r.Now().UTC()
	return r.Store.UpdateReports(ctx, func(tx fleet.Tx) error {
		if keeps, err := r.keeps(ctx, tx, c); err != nil || !keeps {
			return err
		}
		return tx.Cuts().Put(ctx, c)
	})
}

// begin begins the first cut that is due.
func (r *Room) begin(ctx context.Context, s situation) (more bool, err error) {
	for _, rule := range s.rules {
		before := r.Now().UTC().Truncate(time.Hour).Add(-rule.Keep)
		last, cut := s.last[rule.Release]
		if rule.Keep == 0 || cut && before.Sub(last.Before) < again {
			continue
		}
		c := fleet.Cut{Number: s.number, Release: rule.Release, Before: before}
		why, had := "", int64(0)
		if err := r.Store.View(ctx, func(tx fleet.Tx) (err error) {
			if why, err = goes(ctx, tx, rule.Release); err != nil {
				return err
			}
			if had, err = tx.Cuts().Last(ctx, last.Before); err != nil {
				return err
			}
			c.UpTo, err = tx.Cuts().Last(ctx, before)
			return err
		}); err != nil {
			return false, err
		}
		if why == "" && s.ready && c.UpTo > had {
			c.UpTo = max(c.UpTo, s.upTo) // no cut settles less than one before it: what that dropped could not be replayed
			return true, r.put(ctx, c)
		}
	}
	return false, nil
}

func (r *Room) abandon(ctx context.Context, c fleet.Cut) error {
	return r.Store.UpdateReports(ctx, func(tx fleet.Tx) error {
		if gone, err := tx.Cuts().Abandon(ctx, c.Number, abandoned); err != nil || !gone {
			return err
		}
		return tx.Walks().End(ctx, settling(c))
	})
}
