// SPDX-License-Identifier: Apache-2.0

// Package rollouts starts, halts, resumes, holds and advances rollouts, and publishes what they offer.
//
// Parties: release engineers start, halt and resume; the loop of package intake advances; package
// restore brings back what a restored database forgot; whoever wants to know of each change gives
// the Ledger a function.
//
// It promises that every change of a rollout goes through its [Ledger]: it keeps to the state
// machine, is saved with a line of the audit trail, and is logged and told once; that a salt is
// public before the first stage is offered; and that a halt is published at once. It refuses a
// rollout of what the offline role of the model does not list, for it would reach nobody.
package rollouts

import (
	"context"
	"io"
	"log/slog"

	"landed/server/fleet"
	"landed/server/lineup"
	"landed/server/repo"
	"landed/server/rollout"
)

// Config is what Rollouts are given. All fields are needed.
type Config struct {
	Store  fleet.Store
	Ledger *Ledger
	Repo   *repo.Repo
	Lineup *lineup.Lineup
	Random io.Reader // for salts
	Log    *slog.Logger
}

// Rollouts publishes and changes rollouts. Its methods may be called from any number of goroutines.
type Rollouts struct{ cfg Config }

// New makes the room.
func New(c Config) *Rollouts { return &Rollouts{c} }

// Halt stops a rollout and publishes that at once: handsets that have not begun do not begin.
func (rs *Rollouts) Halt(ctx context.Context, id, by, reason string) (fleet.Rollout, error) {
	return rs.change(ctx, id, Cause{ActionHalt, by, reason, false},
		func(_ fleet.Tx, r fleet.Rollout) (fleet.Rollout, error) {
			return rollout.Halt(r, rs.cfg.Repo.Now(), by, reason)
		})
}

// Resume lets a held or halted rollout go on, and publishes that at once. It refuses one whose
// builds the model's role does not list any more, and one on a channel that is retired.
func (rs *Rollouts) Resume(ctx context.Context, id, by, reason string) (fleet.Rollout, error) {
	s, err := rs.cfg.Repo.State(ctx)
	if err != nil {
		return fleet.Rollout{}, err
	}
	return rs.change(ctx, id, Cause{ActionResume, by, reason, false},
		func(tx fleet.Tx, r fleet.Rollout) (fleet.Rollout, error) {
			if err := rs.cfg.Lineup.CheckChannelIn(ctx, tx, r.Channel); err != nil {
				return r, err
			}
			counts, err := tx.Counts().Of(ctx, r.Release, r.Model, r.Channel)
			if err != nil {
				return r, err
			}
			next, err := rollout.Resume(r, rs.cfg.Repo.Now(), by, reason, counts)
			if err != nil {
				return r, err
			}
			packages, err := Packages(ctx, tx, r)
			if err != nil {
				return r, err
			}
			if model, ok := rs.cfg.Lineup.Catalogue().Model(r.Model); ok {
				err = refuseUnlisted(s, model, r, packages)
			}
			return next, err
		})
}

// change stores what how makes of a rollout, and publishes the offers.
func (rs *Rollouts) change(
	ctx context.Context, id string, why Cause, how func(fleet.Tx, fleet.Rollout) (fleet.Rollout, error),
) (fleet.Rollout, error) {
	var next fleet.Rollout
	err := rs.cfg.Ledger.Update(ctx, func(tx *Tx) error {
		r, err := tx.Rollouts().Get(ctx, id)
		if err != nil {
			return err
		}
		if next, err = how(tx, r); err != nil {
			return err
		}
		return tx.Change(ctx, next, why)
	})
	if err != nil {
		return next, err
	}
	return next, rs.PublishOffers(context.WithoutCancel(ctx)) // it is decided, whether or not the caller waits
}
