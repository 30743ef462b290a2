// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"landed/server/fleet"
	"landed/server/rollout"
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
		moved, fault := i.advanceOne(ctx, id)
		changed = changed || moved
		if fault != nil {
			err = errors.Join(err, fmt.Errorf("advance rollout %s: %w", id, fault))
		}
	}
	return changed, err
}

// advanceOne decides on a read first, because most of the time nothing is to be written,
// and again on fresh data if something is.
func (i *Intake) advanceOne(ctx context.Context, id string) (bool, error) {
	now := i.Now()
	var next fleet.Rollout
	var events []rollout.Event
	decide := func(tx fleet.Tx) error {
		r, err := tx.Rollouts().Get(ctx, id)
		if err != nil {
			return err
		}
		c, err := tx.Counts().Of(ctx, r.Release, r.Model, r.Channel)
		if err != nil {
			return err
		}
		next, events = rollout.Advance(now, r, c)
		return nil
	}
	if err := i.Store.View(ctx, decide); err != nil || len(events) == 0 {
		return false, err
	}
	err := i.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := decide(tx); err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if err := tx.Audit().Append(ctx, fleet.AuditEntry{At: now, Actor: rollout.Author, Action: e.Action, Subject: id, Reason: e.Reason}); err != nil {
				return err
			}
		}
		return tx.Rollouts().Save(ctx, next)
	})
	if err != nil {
		return false, err
	}
	i.announce(ctx, next, events)
	return len(events) > 0, nil
}

// announce writes one line per event; an alarm is an error, for whoever watches the log.
func (i *Intake) announce(ctx context.Context, r fleet.Rollout, events []rollout.Event) {
	for _, e := range events {
		log := i.Log.InfoContext
		if e.Alarm {
			log = i.Log.ErrorContext
		}
		log(ctx, e.Action, "rollout", r.ID, "state", string(r.State), "share", r.Share(), "reason", e.Reason)
	}
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
