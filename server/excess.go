// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"sync/atomic"

	"landed/server/fleet"
	"landed/server/rollout"
)

// excessWatch looks at whether more installations report to run a build than the share of its rollout explains. It alarms,
// and holds nothing up.
type excessWatch struct {
	cfg   *Config
	store fleet.Viewer
	told  map[string]int // by rollout, the share of which the log knows that it is passed; of Tick alone
	n     atomic.Int64   // rollouts that it is so of
}

// tell writes a line when it becomes so of a rollout, and once more at each wider share.
func (e *excessWatch) tell(ctx context.Context) error {
	now := map[string]int{}
	err := e.store.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Rollouts().List(ctx)
		for _, r := range all {
			if err != nil {
				return err
			}
			var c fleet.Counts
			if c, err = tx.Counts().Of(ctx, r.Release, r.Model, r.Channel); err != nil {
				continue
			}
			running, most, over := rollout.Excess(r, c)
			if !over {
				continue
			}
			now[r.ID] = r.Share()
			if e.told[r.ID] != r.Share() {
				e.cfg.Log.ErrorContext(
					ctx,
					"more installations report to run a build than the share of its rollout explains: they have it "+
						"from elsewhere, or somebody invents reports; nothing waits for that",
					"rollout",
					r.ID,
					"share",
					r.Share(),
					"running",
					running,
					"explained",
					most,
				)
			}
		}
		return err
	})
	if fleet.Is(err, fleet.Damaged) { // which is told elsewhere
		return nil
	}
	if err == nil {
		e.told = now
		e.n.Store(int64(len(now)))
	}
	return err
}
