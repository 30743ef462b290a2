// SPDX-License-Identifier: Apache-2.0

package retain

import (
	"context"
	"fmt"
	"slices"

	"landed/server/fleet"
)

// situation is what a step goes by.
type situation struct {
	unnamed bool // the database was restored, and nobody has said what was lost: what is here may be all there is
	rules   []fleet.Retention
	cut     fleet.Cut  // the first that is not done, and does not rest; Number 0: none
	line    *fleet.Cut // as the trail has it; nil: not yet
	sealed  bool       // the line is
	keeps   bool       // the rule of its release, and its rollouts, let it go on
	last    map[string]fleet.Cut
	upTo    int64 // the last row of all cuts
	number  int64 // of the next cut
	ready   bool  // everybody is reckoned
	mixed   bool  // servers of other programs are known, and may come back
}

func (r *Room) situation(ctx context.Context, tx fleet.Tx) (s situation, err error) {
	if _, s.unnamed, err = fleet.Unnamed(ctx, tx); err != nil || s.unnamed {
		return s, err
	}
	if s.rules, err = tx.Retentions().List(ctx); err != nil || len(s.rules) == 0 {
		return s, err
	}
	all, err := tx.Cuts().List(ctx)
	if err != nil {
		return s, err
	}
	s.last, s.number = map[string]fleet.Cut{}, 1
	for _, c := range all {
		s.last[c.Release], s.number, s.upTo = c, c.Number+1, max(s.upTo, c.UpTo)
		if c.Done.IsZero() && s.cut.Number == 0 {
			if err := r.lookUp(ctx, tx, &s, c); err != nil {
				return s, err
			}
		}
	}
	if s.cut.Number == 0 {
		if s.number, err = unused(ctx, tx, s.number); err != nil {
			return s, err
		}
	}
	members, err := tx.Members().List(ctx)
	if err != nil {
		return s, err
	}
	lately := r.Now().Add(-fleet.MayReturn)
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

// lookUp finds out how far a cut is on the trail, and if it may go on. One that is on the trail and may not rests: it goes
// on once the rule is back, and holds up no other.
func (r *Room) lookUp(ctx context.Context, tx fleet.Tx, s *situation, c fleet.Cut) error {
	lines, err := tx.Audit().OfSubject(ctx, fleet.CutSubject(c.Number), 1)
	if err != nil {
		return err
	}
	var line *fleet.Cut
	var sealed bool
	if len(lines) == 1 {
		of, ok := fleet.CutOf(lines[0])
		if !ok {
			return fmt.Errorf("the line %d of the trail is none of a cut: %s", lines[0].N, lines[0].Reason)
		}
		head, _, err := tx.Seals().Latest(ctx, fleet.TreeAudit)
		if err != nil {
			return err
		}
		line, sealed = &of, head.N >= lines[0].N
	}
	keeps, err := r.keeps(ctx, tx, c)
	if err != nil {
		return err
	}
	if noted := line != nil && c.Same(*line); noted && !keeps || !noted && !c.Closed.IsZero() { // the latter is told by fsck
		return nil
	}
	s.cut, s.line, s.sealed, s.keeps = c, line, sealed, keeps
	return nil
}

// keeps says if a cut may go on: its release has a rule by which it could begin now, and no rollout.
func (r *Room) keeps(ctx context.Context, tx fleet.ControlTx, c fleet.Cut) (bool, error) {
	why, err := goes(ctx, tx, c.Release)
	if err != nil || why != "" {
		return false, err
	}
	rule, err := ruled(ctx, tx, c.Release)
	return rule.Keep > 0 && !r.Now().Add(-rule.Keep).Before(c.Before), err
}
