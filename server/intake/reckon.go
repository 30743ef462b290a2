// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/settle"
)

// reckonBatch bounds how many installations one transaction goes through, because reports wait meanwhile.
const reckonBatch = 500

// The names of walks: how far the one has come that applies what was decided up to a mark, and which mark was reached.
const (
	reckonWalk = "reckon "
	reckonedAt = "reckoned"
)

// reckonedTo is the mark of what was applied to every installation.
func reckonedTo(ctx context.Context, tx fleet.ReportsTx) (string, error) {
	mark, err := tx.Walks().At(ctx, reckonedAt)
	if mark == "" {
		mark = report.Reference(Control{}.Mark())
	}
	return string(mark), err
}

// Reckoned says what a Reckon went through.
type Reckoned struct {
	Installations int64
	Changed       int64 // states that count otherwise than before
}

// Reckon applies what people decided of who counts, admissions and quarantines, to every installation. It does nothing,
// cheaply, if that is done. It works in short transactions, so that reports come in meanwhile, and what it leaves undone
// the next call does; reports that come are reckoned by what is decided then. progress is told after each batch, and may
// be nil.
func (i *Intake) Reckon(ctx context.Context, progress func(Reckoned)) (done Reckoned, err error) {
	i.reckoning.Lock()
	defer i.reckoning.Unlock()
	r := reckoner{i.Store, i.Rules}
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		if more, err = r.next(ctx, &done); err != nil {
			return done, fmt.Errorf("apply admissions and quarantines: %w", err)
		}
		if progress != nil && more {
			progress(done)
		}
	}
	return done, nil
}

// reckoner goes through the installations, a batch at a time.
type reckoner struct {
	store fleet.Store
	rules *Rules
}

func (r reckoner) next(ctx context.Context, done *Reckoned) (more bool, err error) {
	var by Control
	reckoned := ""
	if err := r.store.View(ctx, func(tx fleet.Tx) (err error) {
		if by, err = loadControl(ctx, tx); err == nil {
			reckoned, err = reckonedTo(ctx, tx)
		}
		return err
	}); err != nil || reckoned == by.Mark() {
		return false, err
	}
	applied, _, _ := strings.Cut(reckoned, ".")
	last, _ := strconv.ParseInt(applied, 10, 64)
	if last > by.Entries() { // nothing that was decided left that mark
		last = 0
	}
	fresh := slices.DeleteFunc(slices.Clone(by.Admissions), func(a fleet.Admission) bool { return a.N <= last })
	batch := *done
	err = r.store.UpdateReports(ctx, func(tx fleet.Tx) error {
		batch = *done
		name := reckonWalk + by.Mark()
		after, err := tx.Walks().At(ctx, name)
		if err != nil {
			return err
		}
		refs, err := tx.Installations().Refs(ctx, after, reckonBatch)
		if err != nil {
			return err
		}
		if len(refs) == 0 {
			if err := tx.Walks().End(ctx, name); err != nil {
				return err
			}
			return tx.Walks().Put(ctx, reckonedAt, report.Reference(by.Mark()))
		}
		if err := r.all(ctx, tx, refs, by, fresh, &batch); err != nil {
			return err
		}
		return tx.Walks().Put(ctx, name, refs[len(refs)-1])
	})
	if err == nil {
		*done = batch
	}
	return err == nil, err
}

func (r reckoner) all(
	ctx context.Context, tx fleet.Tx, refs []report.Reference, by Control, fresh []fleet.Admission, done *Reckoned,
) error {
	states, err := tx.Installations().Of(ctx, refs...)
	if err != nil {
		return err
	}
	loaded := Loaded{States: states, Control: by}
	var changed []fleet.Installation
	for _, ref := range refs {
		h := settle.NewHandset(ref, &loaded)
		done.Installations++
		if err := r.one(ctx, tx, h, fresh); err != nil {
			return err
		}
		for _, s := range h.States {
			if !s.Changed || s.Is.Counted == s.Was.Counted && s.Is.Quarantined == s.Was.Quarantined &&
				s.Is.Admitted.Equal(s.Was.Admitted) {
				continue
			}
			done.Changed++
			if err := tx.Counts().Move(ctx, s.Was, &s.Is); err != nil {
				return err
			}
			changed = append(changed, s.Is)
		}
	}
	return tx.Installations().Put(ctx, changed...)
}

// one has h go through admissions that it has not gone through. Whoever reported since one of them is looked at as
// it stood then, by its stored reports: they are few.
func (r reckoner) one(ctx context.Context, tx fleet.Tx, h *settle.Handset, fresh []fleet.Admission) error {
	if h.Current == nil {
		return nil
	}
	is := &h.Current.Is
	mine := slices.DeleteFunc(slices.Clone(fresh), func(a fleet.Admission) bool {
		return a.Model != is.Model || a.At.Sub(is.First) < fleet.KnownFor || fleet.Lot(a.Key, is.Ref) > a.Cutoff
	})
	since := func(a fleet.Admission) bool { return !is.Last.Before(a.At) }
	if len(mine) > 0 && slices.ContainsFunc(mine, since) {
		again, _, err := replayer{settle.Replayer{Rules: r.rules, By: h.Loaded.Control}}.replay(ctx, tx, is.Ref)
		if err != nil && !isUnreadable(err) {
			return err
		}
		if err == nil && again.Current != nil && !again.Current.Is.Admitted.Equal(is.Admitted) {
			h.Current.Change()
			is.Admitted = again.Current.Is.Admitted
		}
	} else {
		for _, a := range mine {
			h.Admit(a)
		}
	}
	h.Reckon()
	return nil
}
