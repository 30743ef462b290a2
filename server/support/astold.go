// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"

	"landed/server/fleet"
)

// asTold views the store with the rollouts as they may be shown: none is halted before its handsets are told so.
type asTold struct {
	fleet.Viewer
	halting func(context.Context, fleet.Rollout) bool
}

// View implements fleet.Viewer.
func (s asTold) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return s.Viewer.View(ctx, func(tx fleet.Tx) error { return fn(toldTx{tx, s.halting}) })
}

type toldTx struct {
	fleet.Tx
	halting func(context.Context, fleet.Rollout) bool
}

func (t toldTx) Rollouts() fleet.Rollouts { return toldRollouts{t.Tx.Rollouts(), t.halting} }

type toldRollouts struct {
	fleet.Rollouts
	halting func(context.Context, fleet.Rollout) bool
}

// Get implements fleet.Rollouts.
func (r toldRollouts) Get(ctx context.Context, id string) (fleet.Rollout, error) {
	one, err := r.Rollouts.Get(ctx, id)
	return r.show(ctx, one), err
}

// List implements fleet.Rollouts.
func (r toldRollouts) List(ctx context.Context) ([]fleet.Rollout, error) {
	all, err := r.Rollouts.List(ctx)
	return r.each(ctx, all), err
}

// OfModel implements fleet.Rollouts.
func (r toldRollouts) OfModel(ctx context.Context, model, channel string) ([]fleet.Rollout, error) {
	all, err := r.Rollouts.OfModel(ctx, model, channel)
	return r.each(ctx, all), err
}

func (r toldRollouts) each(ctx context.Context, all []fleet.Rollout) []fleet.Rollout {
	for i := range all {
		all[i] = r.show(ctx, all[i])
	}
	return all
}

func (r toldRollouts) show(ctx context.Context, one fleet.Rollout) fleet.Rollout {
	if one.State == fleet.RolloutHalted && r.halting(ctx, one) {
		one.State = fleet.RolloutHalting
	}
	return one
}
