// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"

	"landed/server/fleet"
	"landed/server/settle"
)

// loadControl reads what the reports of some models and channels need; of all, if there are none.
func loadControl(ctx context.Context, tx fleet.ControlTx, of ...settle.Going) (c settle.Control, err error) {
	if c.Quarantines, err = tx.Quarantines().List(ctx); err != nil {
		return c, err
	}
	c.Rollouts = map[settle.Going]fleet.Rollout{}
	seen := map[settle.Going]bool{}
	for _, g := range of {
		if g.Release = ""; seen[g] {
			continue
		}
		seen[g] = true
		all, err := tx.Rollouts().OfModel(ctx, g.Model, g.Channel)
		if err != nil {
			return c, err
		}
		c.Add(all)
	}
	if len(of) > 0 {
		return c, nil
	}
	if c.Admissions, err = tx.Admissions().List(ctx); err != nil {
		return c, err
	}
	all, err := tx.Rollouts().List(ctx)
	c.Add(all)
	return c, err
}
