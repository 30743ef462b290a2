// SPDX-License-Identifier: Apache-2.0

package retain

import (
	"bytes"
	"context"
	"fmt"

	"landed/server/fleet"
	"landed/server/seal"
)

// The names of walks over the installations of a cut.
func settling(c fleet.Cut) string { return "settle " + fleet.CutSubject(c.Number) }
func dropping(c fleet.Cut) string { return "drop " + fleet.CutSubject(c.Number) }

// settle writes down how the next installations stood at the cut; with the last it puts the cut on the trail. What is read
// and computed holds up nobody.
func (r *Room) settle(ctx context.Context, c fleet.Cut) (more bool, err error) {
	var after, last Reference
	var all []fleet.Settled
	read := func(n int) error {
		return r.Store.View(ctx, func(tx fleet.Tx) (err error) {
			if after, err = tx.Walks().At(ctx, settling(c)); err != nil {
				return err
			}
			states, err := tx.Installations().Walk(ctx, c.Release, after, n)
			if err != nil || len(states) == 0 {
				return err
			}
			var refs []Reference
			for _, one := range states {
				refs, last = append(refs, one.Ref), one.Ref
			}
			all, err = r.Settler.Settle(ctx, tx, c, refs...)
			return err
		})
	}
	if err := r.paces.settle.measured(read); err != nil {
		return false, err
	}
	if last == "" {
		return true, r.decide(ctx, c)
	}
	return true, r.Store.UpdateReports(ctx, func(tx fleet.Tx) error {
		if now, err := tx.Walks().At(ctx, settling(c)); err != nil || now != after {
			return err // somebody else was here meanwhile
		}
		if err := tx.Cuts().Settle(ctx, all...); err != nil {
			return err
		}
		return tx.Walks().Put(ctx, settling(c), last)
	})
}

// decide puts the cut on the trail. Whoever is cut off behind that finds the line, and takes it (take).
func (r *Room) decide(ctx context.Context, c fleet.Cut) error {
	if err := r.root(ctx, &c); err != nil {
		return err
	}
	c.At = r.Now().UTC()
	words := fmt.Sprintf("reports about %s that came before %s are dropped, but the first of each installation, "+
		"its newest about each release, and what speaks against the release; %d installations stood as their root says",
		c.Release, c.Before.Format("2006-01-02 15:04"), c.States)
	told := false
	if err := r.Store.Update(ctx, func(tx fleet.Tx) error {
		lines, err := tx.Audit().OfSubject(ctx, fleet.CutSubject(c.Number), 1)
		if err != nil || len(lines) > 0 {
			return err
		}
		if keeps, err := r.keeps(ctx, tx, c); err != nil || !keeps {
			return err
		}
		told = true
		return tx.Audit().Append(ctx, fleet.AuditEntry{At: c.At, Actor: loop, Action: fleet.ActionCut, Subject: fleet.CutSubject(c.Number),
			Reason: words + " " + c.Line()})
	}); err != nil {
		return err
	}
	if !told { // another server did, or the rule was taken back meanwhile
		return nil
	}
	r.Log.InfoContext(ctx, "reports were cut; what is closed is dropped once the line is sealed", "cut", c.Number, "release", c.Release,
		"installations", c.States)
	return nil
}

func (r *Room) root(ctx context.Context, c *fleet.Cut) error {
	return r.Store.View(ctx, func(tx fleet.Tx) (err error) {
		c.Root, c.States, err = seal.CutRoot(ctx, tx, c.Number)
		return err
	})
}

// take notes with the cut what the trail says of it. Where that is of another one these reports are an older copy, in which it
// was not settled to its end: nothing follows from it, and the next one has another number.
func (r *Room) take(ctx context.Context, c, line fleet.Cut) error {
	now := c
	if err := r.root(ctx, &now); err != nil {
		return err
	}
	if c.Root != nil || c.Release != line.Release || c.UpTo != line.UpTo || now.States != line.States || !bytes.Equal(now.Root, line.Root) {
		r.Log.WarnContext(ctx, "a cut stands on the trail otherwise than in the reports, as they were restored from before it; it is let "+
			"go of, and another one begins", "cut", c.Number, "release", c.Release, "trail", line.Line())
		return r.abandon(ctx, c)
	}
	return r.Store.UpdateReports(ctx, func(tx fleet.Tx) error {
		if err := tx.Cuts().Put(ctx, line); err != nil {
			return err
		}
		return tx.Walks().End(ctx, settling(c))
	})
}

// drop drops what the cut has closed of the next installations, a bounded number, while reports wait.
func (r *Room) drop(ctx context.Context, c fleet.Cut) (more bool, err error) {
	err = r.paces.drop.measured(func(n int) (err error) {
		more, err = r.dropSome(ctx, c, n)
		return err
	})
	if err == nil && !more {
		r.Log.InfoContext(ctx, "what a cut had closed is dropped", "cut", c.Number, "release", c.Release)
	}
	return more, err
}

func (r *Room) dropSome(ctx context.Context, c fleet.Cut, n int) (more bool, err error) {
	err = r.Store.UpdateReports(ctx, func(tx fleet.Tx) error {
		if more, err = r.keeps(ctx, tx, c); err != nil || !more {
			more = true // there may be another cut to go on with
			return err
		}
		after, err := tx.Walks().At(ctx, dropping(c))
		if err != nil {
			return err
		}
		states, err := tx.Cuts().States(ctx, c.Number, after, n)
		if err != nil {
			return err
		}
		if more = len(states) > 0; !more {
			c.Done = r.Now().UTC()
			if err := tx.Cuts().Put(ctx, c); err != nil {
				return err
			}
			return tx.Walks().End(ctx, dropping(c))
		}
		if err := r.dropOf(ctx, tx, c, states); err != nil {
			return err
		}
		return tx.Walks().Put(ctx, dropping(c), states[len(states)-1].Ref)
	})
	return more, err
}

// dropOf drops what a cut closed of some installations. How they stood is what the last closed cut says of each: by that they
// are replayed, and it settles no less than this one.
func (r *Room) dropOf(ctx context.Context, tx fleet.Tx, c fleet.Cut, states []fleet.Settled) error {
	refs := make([]Reference, len(states))
	for n, s := range states {
		refs[n] = s.Ref
	}
	holding, err := tx.Cuts().Holding(ctx, refs...)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		rows, err := r.Settler.Droppable(ctx, tx, c, holding[ref])
		if err != nil {
			return err
		}
		if _, err := tx.Cuts().Drop(ctx, c.Number, ref, seal.LeafOf, rows...); err != nil {
			return err
		}
	}
	return nil
}
