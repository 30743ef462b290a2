// SPDX-License-Identifier: Apache-2.0

package retain

import (
	"context"
	"fmt"
	"slices"
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

	// heard is for how long a server that is gone may come back without starting anew.
	heard = 24 * time.Hour

	settleStep = 100 // installations in one transaction
	dropStep   = 8
	abandoned  = 500
	tickFor    = 2 * time.Second
	tickRest   = 3 // times as long as the step took
)

// loop is the name under which the program itself cuts.
const loop = "landed"

// Tick does a bounded part of what is due. Of several servers on one database one may call it.
func (r *Room) Tick(ctx context.Context) error {
	for end := time.Now().Add(tickFor); ctx.Err() == nil && time.Now().Before(end); {
		if r.Distrusted != nil && r.Distrusted() || r.HasRoom != nil && r.HasRoom() != nil {
			return nil
		}
		began := time.Now()
		more, err := r.step(ctx)
		if err != nil {
			return fmt.Errorf("drop old reports: %w", err)
		}
		if !more {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(tickRest * time.Since(began)):
		}
	}
	return nil
}

// situation is what a step goes by.
type situation struct {
	rules  []fleet.Retention
	cut    fleet.Cut  // the one that is not done; Number 0: none
	line   *fleet.Cut // as the trail has it; nil: not yet
	sealed bool       // the line is
	keeps  bool       // the rule of its release, and its rollouts, let it go on
	last   map[string]fleet.Cut
	number int64 // of the next cut
	ready  bool  // everybody is reckoned
	mixed  bool  // servers of other programs are known, and may come back
}

func (r *Room) situation(ctx context.Context, tx fleet.Tx) (s situation, err error) {
	if s.rules, err = tx.Retentions().List(ctx); err != nil || len(s.rules) == 0 {
		return s, err
	}
	all, err := tx.Cuts().List(ctx)
	if err != nil {
		return s, err
	}
	s.last, s.number = map[string]fleet.Cut{}, 1
	for _, c := range all {
		s.last[c.Release], s.number = c, c.Number+1
		if c.Done.IsZero() && s.cut.Number == 0 {
			s.cut = c
		}
	}
	if s.cut.Number == 0 {
		if s.number, err = unused(ctx, tx, s.number); err != nil {
			return s, err
		}
	} else if err := s.lookUp(ctx, tx); err != nil {
		return s, err
	}
	members, err := tx.Members().List(ctx)
	if err != nil {
		return s, err
	}
	lately := r.Now().Add(-heard)
	s.mixed = slices.ContainsFunc(members, func(m fleet.Member) bool { return m.Program != r.Program && m.Until.After(lately) })
	s.ready, err = r.Settler.Reckoned(ctx, tx)
	return s, err
}

// unused is the first number from n on of which the trail has no line: an older copy of the reports may lie here.
func unused(ctx context.Context, tx fleet.ControlTx, n int64) (int64, error) {
	for ; ; n++ {
		lines, err := tx.Audit().OfSubject(ctx, fleet.CutSubject(n), 1)
		if err != nil || len(lines) == 0 {
			return n, err
		}
	}
}

// lookUp finds out how far the cut is on the trail, and if it may go on.
func (s *situation) lookUp(ctx context.Context, tx fleet.Tx) error {
	lines, err := tx.Audit().OfSubject(ctx, fleet.CutSubject(s.cut.Number), 1)
	if err != nil {
		return err
	}
	if len(lines) == 1 {
		c, ok := fleet.CutOf(lines[0])
		if !ok {
			return fmt.Errorf("the line %d of the trail is none of a cut: %s", lines[0].N, lines[0].Reason)
		}
		head, _, err := tx.Seals().Latest(ctx, fleet.TreeAudit)
		if err != nil {
			return err
		}
		s.line, s.sealed = &c, head.N >= lines[0].N
	}
	why, err := goes(ctx, tx, s.cut.Release)
	if err != nil {
		return err
	}
	rule, err := ruled(ctx, tx, s.cut.Release)
	s.keeps = why == "" && rule.Keep > 0
	return err
}

// step does the next thing, and says if there is another one now.
func (r *Room) step(ctx context.Context) (more bool, err error) {
	var s situation
	if err := r.Store.View(ctx, func(tx fleet.Tx) (err error) {
		s, err = r.situation(ctx, tx)
		return err
	}); err != nil || len(s.rules) == 0 {
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
	case s.line == nil && !s.keeps:
		return true, r.abandon(ctx, c)
	case s.line == nil && s.ready:
		return r.settle(ctx, c)
	case s.line == nil:
		return false, nil
	case !c.Same(*s.line):
		return true, r.take(ctx, c, *s.line)
	case s.sealed && !r.Now().Before(c.At.Add(ripe)):
		c.Closed = r.Now().UTC()
		return true, r.put(ctx, c)
	}
	return false, nil
}

func (r *Room) put(ctx context.Context, c fleet.Cut) error {
	return r.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Cuts().Put(ctx, c) })
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
		why := ""
		if err := r.Store.View(ctx, func(tx fleet.Tx) (err error) {
			if why, err = goes(ctx, tx, rule.Release); err != nil {
				return err
			}
			c.UpTo, err = tx.Cuts().Last(ctx, before)
			return err
		}); err != nil {
			return false, err
		}
		if why == "" && s.ready && c.UpTo > last.UpTo {
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
