// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"errors"
	"fmt"

	"landed/server/fleet"
)

// Tick does what is due: it keeps the figures by age few, has provisional reports come in for which there is room,
// advances every rollout, and has the offers published. All of it is tried; errors are joined, and the next Tick
// takes up what is left.
func (i *Intake) Tick(ctx context.Context) error {
	i.Rules.Invalidate()            // another process may have published
	err := i.Rules.Refresh(ctx)     // and what cannot be read is to be heard of before a handset asks
	_, undone := i.Reckon(ctx, nil) // what another process decided, or a call left undone
	err = errors.Join(err, undone, i.age(ctx), promoter{i}.promote(ctx))
	ids, fault := i.rolloutIDs(ctx, func(tx fleet.Tx) ([]fleet.Rollout, error) { return tx.Rollouts().List(ctx) })
	if fault != nil {
		fault = fmt.Errorf("list rollouts: %w", fault)
	}
	return errors.Join(err, fault, i.advance(ctx, ids, true))
}

// Advance looks at the rollouts of one model now, and publishes if one changed: on every channel, since what a witness
// shows stops its build wherever it goes. When it returns, what another look found before is published too.
func (i *Intake) Advance(ctx context.Context, model string) error {
	ids, err := i.rolloutIDs(ctx, func(tx fleet.Tx) ([]fleet.Rollout, error) {
		return tx.Rollouts().OfModel(ctx, model, "")
	})
	if err != nil {
		return fmt.Errorf("advance %s: %w", model, err)
	}
	return i.advance(ctx, ids, false)
}

func (i *Intake) rolloutIDs(
	ctx context.Context, list func(fleet.Tx) ([]fleet.Rollout, error),
) (ids []string, err error) {
	err = i.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := list(tx)
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return err
	})
	return ids, err
}

// advance looks at each rollout, and publishes if one changed, or always; one that fails does not
// keep the others waiting.
func (i *Intake) advance(ctx context.Context, ids []string, always bool) (err error) {
	i.advancing.Lock()
	defer i.advancing.Unlock()
	publish := always
	for _, id := range ids {
		changed, fault := i.Rollouts.Advance(ctx, id)
		publish = publish || changed
		if fault != nil {
			err = errors.Join(err, fmt.Errorf("advance rollout %s: %w", id, fault))
		}
	}
	if publish {
		err = errors.Join(err, i.publish(ctx))
	}
	return err
}

func (c *Config) publish(ctx context.Context) error {
	if c.Offers == nil {
		return nil
	}
	if err := c.Offers(ctx); err != nil {
		return fmt.Errorf("publish offers: %w", err)
	}
	return nil
}

// age bounds how many figures by age are kept.
func (c *Config) age(ctx context.Context) error {
	if c.Room != nil && c.Room() != nil {
		return nil // on a disk without room it waits, as reports do
	}
	err := c.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Counts().Merge(ctx, c.Now()) })
	if err != nil {
		return fmt.Errorf("merge figures by age: %w", err)
	}
	return nil
}
