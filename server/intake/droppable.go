// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"fmt"
	"slices"

	"landed/manifests/effect"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	"landed/server/fleet"
	"landed/server/settle"
)

// worth is how many bodies are to go of an installation before a cut settles it: a settled state takes the room of two.
const worth = 3

// Cutter knows how installations stood at a cut, and which of their reports nothing needs any more.
type Cutter struct{ Rules *Rules }

// Settle is how installations stood at a cut, of those of which it may drop something. Whose reports cannot be read or judged
// by this program is left out, and keeps all.
func (k Cutter) Settle(ctx context.Context, tx fleet.Tx, c fleet.Cut, refs ...report.Reference) (all []fleet.Settled, err error) {
	p := replayer{settle.Replayer{Rules: k.Rules, Sealed: true}}
	if p.By, err = loadControl(ctx, tx); err != nil {
		return nil, err
	}
	histories, err := historiesOf(ctx, tx, refs...)
	if err != nil {
		return nil, err
	}
	states, err := tx.Installations().Of(ctx, refs...)
	if err != nil {
		return nil, err
	}
	for _, of := range histories {
		rows := settle.UpTo(of.Rows, c.UpTo)
		h, fault := p.Begin(ctx, of)
		if fault == nil {
			fault = p.Replayed(ctx, h, of.Ref, of.Since()[:len(settle.UpTo(of.Since(), c.UpTo))])
		}
		if fault != nil {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			continue
		}
		least := worth
		if of.Holds != nil {
			least = 1 // what an earlier cut settled goes in return
		}
		if s := h.Settle(rows); len(p.droppable(ctx, c, s, rows, states[of.Ref])) >= least {
			all = append(all, fleet.Settled{Cut: c.Number, UpTo: c.UpTo, Ref: of.Ref, State: s.Text()})
		}
	}
	return all, nil
}

// Droppable are the rows of an installation whose bodies a cut lets go; s is how it stood at that cut, or at a later one.
func (k Cutter) Droppable(ctx context.Context, tx fleet.Tx, c fleet.Cut, s fleet.Settled) ([]int64, error) {
	rows, err := tx.Reports().Arrived(ctx, s.Ref)
	if err != nil {
		return nil, err
	}
	states, err := tx.Installations().Of(ctx, s.Ref)
	if err != nil {
		return nil, err
	}
	was, err := settle.ReadSettled(s.State)
	if err == nil && (was.Rows != settle.RowsDigest(settle.UpTo(rows, s.UpTo)) || s.UpTo < c.UpTo) {
		err = settle.ErrSettled
	}
	if err != nil {
		return nil, fmt.Errorf("installation %s: %w (otad fsck)", s.Ref, err)
	}
	return replayer{settle.Replayer{Rules: k.Rules, Sealed: true}}.droppable(ctx, c, was, settle.UpTo(rows, c.UpTo), states[s.Ref]), nil
}

// droppable are those of rows, which are all up to the cut, that nothing needs any more.
func (p replayer) droppable(
	ctx context.Context, c fleet.Cut, was settle.Settled, rows []fleet.StoredReport, now []fleet.Installation,
) (all []int64) {
	needed, times := map[int64]bool{}, map[int64]int{}
	for _, s := range was.States {
		if needed[s.Seq] = true; s.Leaked || s.Cloned {
			return nil
		}
	}
	for _, s := range now {
		// What speaks against a release stays, with all that its installation ever said.
		if needed[s.Seq] = true; s.Leaked || s.Cloned || s.Kind == effect.Bad {
			return nil
		}
	}
	for _, r := range rows {
		times[r.Seq]++
	}
	if len(rows) == 0 {
		return nil
	}
	sold, err := p.Open(rows[0].Envelope)
	if err != nil {
		return nil
	}
	for n, r := range rows {
		if n == 0 || r.Dropped() || r.Release != c.Release || r.Schema == v1.Schema || !r.At.Before(c.Before) || needed[r.Seq] ||
			times[r.Seq] > 1 || p.speaksAgainst(ctx, sold, r) {
			continue
		}
		all = append(all, r.N)
	}
	return slices.Clip(all)
}

// speaksAgainst says if a report, by itself, shows a failure or something bad, or cannot be judged.
func (p replayer) speaksAgainst(ctx context.Context, sold report.Report, one fleet.StoredReport) bool {
	r, err := p.Open(one.Envelope)
	if err != nil || r.Failure != nil {
		return true
	}
	rule, err := p.Rules.Of(ctx, r.Release, r.Model)
	if err != nil {
		return true
	}
	return effect.Judge(one.At, effect.Subject{Newest: r, Last: one.At, Elsewhere: sold.Build != r.Build}, rule).Kind == effect.Bad
}

// Reckoned says if what was decided of who counts is applied to every installation.
func (k Cutter) Reckoned(ctx context.Context, tx fleet.Tx) (bool, error) {
	by, err := loadControl(ctx, tx)
	if err != nil {
		return false, err
	}
	mark, err := reckonedTo(ctx, tx)
	return mark == by.Mark(), err
}
