// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"landed/server/fleet"
	"landed/server/verdict"
)

// silentBatch bounds how many reports one transaction of the loop walks past, because
// intake waits meanwhile.
const silentBatch = 500

// Tick does what is due: it ages installations that fell silent, advances every rollout,
// and has the offers published. All of it is tried; errors are joined, and the next Tick
// takes up what is left.
func (i *Intake) Tick(ctx context.Context) error {
	i.Rules.Invalidate() // another process may have published
	err := i.age(ctx)
	i.advancing.Lock()
	defer i.advancing.Unlock()
	return errors.Join(err, i.advanceAll(ctx), i.publish(ctx))
}

// Advance looks at the rollouts of one model and channel now, and publishes if one changed. When
// it returns, what another look found before is published too.
func (i *Intake) Advance(ctx context.Context, model, channel string) error {
	var ids []string
	err := i.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Rollouts().OfModel(ctx, model, channel)
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("advance %s %s: %w", model, channel, err)
	}
	i.advancing.Lock()
	defer i.advancing.Unlock()
	changed, err := i.advance(ctx, ids)
	if changed {
		err = errors.Join(err, i.publish(ctx))
	}
	return err
}

func (i *Intake) advanceAll(ctx context.Context) error {
	var ids []string
	err := i.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Rollouts().List(ctx)
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("list rollouts: %w", err)
	}
	_, err = i.advance(ctx, ids)
	return err
}

// advance looks at each rollout; one that fails does not keep the others waiting. The lock
// advancing is held.
func (i *Intake) advance(ctx context.Context, ids []string) (changed bool, err error) {
	for _, id := range ids {
		moved, fault := i.Rollouts.Advance(ctx, id)
		changed = changed || moved
		if fault != nil {
			err = errors.Join(err, fmt.Errorf("advance rollout %s: %w", id, fault))
		}
	}
	return changed, err
}

func (i *Intake) publish(ctx context.Context) error {
	if i.Offers == nil {
		return nil
	}
	if err := i.Offers(ctx); err != nil {
		return fmt.Errorf("publish offers: %w", err)
	}
	return nil
}

// age judges again the installations that have been silent for too long, in transactions
// short enough for intake to go on between them.
func (i *Intake) age(ctx context.Context) error {
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		now := i.Now()
		err := i.Store.Update(ctx, func(tx fleet.Tx) error {
			silent, left, err := tx.Installations().Silent(ctx, now.Add(-verdict.SilentAfter), silentBatch)
			if err != nil {
				return err
			}
			more = left
			for _, old := range silent {
				if err := i.rejudge(ctx, tx, now, old); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("age silent installations: %w", err)
		}
	}
	return nil
}

func (i *Intake) rejudge(ctx context.Context, tx fleet.Tx, now time.Time, old fleet.Installation) error {
	rule, err := i.Rules.Of(ctx, old.Release, old.Model)
	if err != nil {
		return err
	}
	next := old
	judge(&next, now, rule)
	if next.Verdict == old.Verdict {
		return nil
	}
	if err := tx.Installations().Put(ctx, next); err != nil {
		return err
	}
	return tx.Counts().Move(ctx, &old, &next)
}
