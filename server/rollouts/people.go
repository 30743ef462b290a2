// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"

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
		func(_ fleet.Tx, r fleet.Rollout) (fleet.Rollout, error) {
			return rollout.Pause(r, rs.cfg.Repo.Now(), by, reason)
		})
}

// Widen goes to the next stage now, whatever its gates wait for, and publishes that at once.
func (rs *Rollouts) Widen(ctx context.Context, id, by, reason string) (fleet.Rollout, error) {
	return rs.change(ctx, id, Cause{ActionWiden, by, reason, false},
		func(tx fleet.Tx, r fleet.Rollout) (fleet.Rollout, error) {
			counts, err := tx.Counts().Of(ctx, r.Release, r.Model, r.Channel)
			if err != nil {
				return r, err
			}
			return rollout.Widen(r, rs.cfg.Repo.Now(), by, reason, counts)
		})
}

// SetStages changes the stages that were not reached yet. The list is whole.
func (rs *Rollouts) SetStages(ctx context.Context, id, by, reason string, stages []fleet.Stage) (fleet.Rollout, error) {
	return rs.change(ctx, id, Cause{ActionStages, by, reason, false},
		func(_ fleet.Tx, r fleet.Rollout) (fleet.Rollout, error) {
			return rollout.SetStages(r, rs.cfg.Repo.Now(), by, reason, stages)
		})
}

// Retry asks handsets that gave up to try again, by a larger number in the signed offers.
func (rs *Rollouts) Retry(ctx context.Context, id, by, reason string) (fleet.Rollout, error) {
	return rs.change(ctx, id, Cause{ActionRetry, by, reason, false},
		func(_ fleet.Tx, r fleet.Rollout) (fleet.Rollout, error) {
			return rollout.Retry(r, rs.cfg.Repo.Now(), reason)
		})
}
