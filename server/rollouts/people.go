// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"slices"

	"landed/server/fleet"
	"landed/server/rollout"
)

// What people do to a rollout besides halting and resuming it.
const (
	ActionPause  = "rollout.pause"
	ActionWiden  = "rollout.widen"
	ActionStages = "rollout.stages"
	ActionRetry  = "rollout.retry"
)

// Pause has a rollout stay at its share until it is resumed.
func (rs *Rollouts) Pause(ctx context.Context, id, by, reason string) (fleet.Rollout, error) {
	return rs.change(ctx, id, Cause{ActionPause, by, reason, false},
		func(_ fleet.Tx, r fleet.Rollout, _ *Cause) (fleet.Rollout, error) {
			return rollout.Pause(r, rs.cfg.Repo.Now(), by, reason)
		})
}

// Widen goes to the next stage now, whatever its gates wait for, and publishes that at once.
func (rs *Rollouts) Widen(ctx context.Context, id, by, reason string, only ...If) (fleet.Rollout, error) {
	return rs.change(ctx, id, Cause{ActionWiden, by, reason, false},
		func(tx fleet.Tx, r fleet.Rollout, why *Cause) (fleet.Rollout, error) {
			if err := holds(r, only); err != nil {
				return r, err
			}
			known, unread, err := known(ctx, tx, r, rs.cfg.Repo.Now())
			if err != nil {
				return r, err
			}
			next, err := rollout.Widen(r, rs.cfg.Ledger.soon(), by, reason, known.Counts)
			if err != nil {
				return r, err
			}
			needed := unread && rs.cfg.Policy.Leaks || next.Stage != r.Stage && rs.cfg.above(next.Share())
			_, err = rs.cfg.second(ctx, tx, needed, r, &next, why, sharing{next.Share()})
			if unread {
				why.Reason += unreadWords
			}
			return next, err
		})
}

// SetStages changes the stages that were not reached yet. The list is whole.
func (rs *Rollouts) SetStages(ctx context.Context, id, by, reason string, stages []fleet.Stage) (fleet.Rollout, error) {
	return rs.change(ctx, id, Cause{ActionStages, by, reason, false},
		func(tx fleet.Tx, r fleet.Rollout, why *Cause) (fleet.Rollout, error) {
			next, err := rollout.SetStages(r, rs.cfg.Repo.Now(), by, reason, stages)
			if err != nil {
				return r, err
			}
			// The last stage is everybody: who writes the gates on the way decides how far it goes.
			_, err = rs.cfg.second(ctx, tx, rs.cfg.above(10_000) && !slices.Equal(stages, r.Stages), r, &next, why, staging{stages})
			return next, err
		})
}

// Retry asks handsets that gave up to try again, by a larger number in the signed offers.
func (rs *Rollouts) Retry(ctx context.Context, id, by, reason string) (fleet.Rollout, error) {
	return rs.change(ctx, id, Cause{ActionRetry, by, reason, false},
		func(_ fleet.Tx, r fleet.Rollout, _ *Cause) (fleet.Rollout, error) {
			return rollout.Retry(r, rs.cfg.Repo.Now(), reason)
		})
}
