// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"

	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/repo"
	"landed/server/rollout"
)

// HoldUnlisted holds the rollouts whose builds are not listed, with the reason: nothing of them
// is offered, and nobody should believe that they run.
func (rs *Rollouts) HoldUnlisted(ctx context.Context) error {
	s, err := rs.cfg.Repo.State(ctx)
	if err != nil {
		return err
	}
	held, err := rs.reasonsToHold(ctx, s)
	if err != nil || len(held) == 0 {
		return err
	}
	return rs.cfg.Ledger.Update(ctx, func(tx *Tx) error {
		for id, why := range held {
			r, err := tx.Rollouts().Get(ctx, id)
			if err != nil {
				return err
			}
			if !follows(r.State, fleet.RolloutHeld) {
				continue // meanwhile somebody stopped it
			}
			r.State, r.Held, r.Changed = fleet.RolloutHeld, why, rs.cfg.Repo.Now()
			if err := tx.Change(ctx, r, Cause{ActionHold, rollout.Author, reasons.Words(why), true}); err != nil {
				return err
			}
		}
		return nil
	})
}

// reasonsToHold says, by rollout, why nothing of it is offered.
func (rs *Rollouts) reasonsToHold(ctx context.Context, s repo.State) (map[string]fleet.Reason, error) {
	held := map[string]fleet.Reason{}
	err := rs.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := rs.live(ctx, tx)
		for _, l := range all {
			if l.rollout.State == fleet.RolloutHeld {
				continue // somebody has to look already, and Resume says this too
			}
			if l.rollout.State == fleet.RolloutFinished && s.Retired(l.model.Role()) {
				continue // it went to everybody, and nobody is kept waiting for it
			}
			if names := unlisted(s, l.model, l.rollout, l.packages); len(names) > 0 {
				held[l.rollout.ID] = fleet.Reason{Code: reasons.NotListed,
					Values: map[string]string{fleet.TextValue: notListed(s, l.model, names)}}
			}
		}
		return err
	})
	return held, err
}
