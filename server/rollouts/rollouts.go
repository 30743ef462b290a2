// SPDX-License-Identifier: Apache-2.0

// Package rollouts starts, halts, resumes, holds and advances rollouts, and publishes what they offer.
//
// Parties: release engineers start, halt and resume; the loop of package intake advances; package
// restore brings back what a restored database forgot; whoever wants to know of each change gives
// the Ledger a function.
//
// It promises that every change of a rollout goes through its [Ledger]: it keeps to the state
// machine, is saved with a line of the audit trail, and is logged and told once; that a salt is
// public before the first stage is offered; and that a halt is published at once, is not called one before that is
// done, and may be asked for again. What is stored and could not be published is tried again until it is. It refuses a
// rollout of what the offline role of the model does not list, for it would reach nobody.
package rollouts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"landed/server/fleet"
	"landed/server/lineup"
	"landed/server/proposals"
	"landed/server/repo"
	"landed/server/rollout"
)

// Config is what Rollouts are given. All fields are needed, but Policy, Desk, Mirrors, Base and Again.
type Config struct {
	Store  fleet.Store
	Ledger *Ledger
	Repo   *repo.Repo
	Lineup *lineup.Lineup
	Random io.Reader // for salts
	Log    *slog.Logger
	// What takes a second person, and where it waits for one; without a desk nothing does.
	Policy proposals.Policy
	Desk   *proposals.Desk
	// Mirrors stand in every offers document: where packages are downloaded from rather than from the feed.
	Mirrors []string
	// Base is the address of the server as phones reach it, by which files for the updaters of others name packages.
	Base  string
	Again bool // what could not be published is tried again until it is; else it waits for the next call
}

// Rollouts publishes and changes rollouts. Its methods may be called from any number of goroutines.
type Rollouts struct {
	cfg    Config
	again  *again
	served servedOffers
	told   told
}

// New makes the room. Close ends it.
func New(c Config) *Rollouts {
	rs := &Rollouts{cfg: c}
	rs.again = newAgain(c.Log, nil)
	carry(rs)
	if c.Again {
		rs.again.publish = rs.PublishOffers
	}
	return rs
}

// Close ends the trying again.
func (rs *Rollouts) Close() { rs.again.close() }

// Unpublished is what keeps the stored rollouts from being published, and since when; nil if nothing does.
func (rs *Rollouts) Unpublished() (since time.Time, err error) { return rs.again.pending() }

// Halt stops a rollout and publishes that at once: handsets that have not begun do not begin. To halt one that is halted
// publishes it again; the first reason stays, and another one goes into the audit trail. An error of the code
// [repo.NotPublished] says that the halt is stored.
func (rs *Rollouts) Halt(ctx context.Context, id, by, reason string) (fleet.Rollout, error) {
	return rs.change(ctx, id, Cause{ActionHalt, by, reason, false},
		func(_ fleet.Tx, r fleet.Rollout, _ *Cause) (fleet.Rollout, error) {
			next, err := rollout.Halt(r, rs.cfg.Repo.Now(), by, reason)
			if err != nil && r.State == fleet.RolloutHalted && fleet.Is(err, fleet.Conflict) {
				return r, errAsItIs
			}
			return next, err
		})
}

// Resume lets a held or halted rollout go on, and publishes that at once. It refuses one whose
// builds the model's role does not list any more, and one on a channel that is retired. To resume one that runs
// publishes it again.
func (rs *Rollouts) Resume(ctx context.Context, id, by, reason string, only ...If) (fleet.Rollout, error) {
	s, err := rs.cfg.Repo.State(ctx)
	if err != nil {
		return fleet.Rollout{}, err
	}
	return rs.change(ctx, id, Cause{ActionResume, by, reason, false},
		func(tx fleet.Tx, r fleet.Rollout, why *Cause) (fleet.Rollout, error) {
			if err := rs.cfg.Lineup.CheckChannelIn(ctx, tx, r.Channel); err != nil {
				return r, err
			}
			known, unread, err := rs.cfg.Ledger.known(ctx, tx, r)
			if err != nil {
				return r, err
			}
			next, err := rollout.Resume(r, rs.cfg.Repo.Now(), by, reason, known.Counts)
			if err != nil && r.State == fleet.RolloutRunning && fleet.Is(err, fleet.Conflict) {
				return r, errAsItIs
			}
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
			if err == nil {
				err = holds(r, only)
			}
			if err != nil {
				return r, err
			}
			if unread {
				next = unforgiven(next, r)
			}
			leak := unread || rollout.AfterLeak(rs.cfg.Repo.Now(), r, known)
			next.Seconded, err = rs.cfg.second(ctx, tx, rs.cfg.Policy.Leaks && leak, r, &next, why, nil)
			if unread {
				why.Reason += unreadWords
			}
			if err != nil || unread {
				return next, err
			}
			return next, rs.overrule(ctx, tx, r, by)
		})
}

// If is what must hold of a stored rollout for a change to be made.
type If func(fleet.Rollout) error

// IfStopped wants it to be stopped for what a person saw, see [rollout.CheckStop].
func IfStopped(saw string) If {
	return func(r fleet.Rollout) error { return rollout.CheckStop(r, saw) }
}

// IfNext wants a stage, the first of which is 1, to be the next one. If it was reached already the change is a repeated one.
func IfNext(stage int) If {
	return func(r fleet.Rollout) error {
		there, err := rollout.CheckStage(r, stage)
		if there {
			return errAsItIs
		}
		return err
	}
}

func holds(r fleet.Rollout, only []If) error {
	for _, check := range only {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

// errAsItIs is what a change answers for a rollout that is already as it is wanted.
var errAsItIs = errors.New("the rollout is so already")

// change stores what how makes of a rollout, and publishes the offers.
func (rs *Rollouts) change(
	ctx context.Context, id string, why Cause, how func(fleet.Tx, fleet.Rollout, *Cause) (fleet.Rollout, error),
) (fleet.Rollout, error) {
	var next fleet.Rollout
	var waits error
	err := rs.cfg.Ledger.Update(ctx, func(tx *Tx) error {
		r, err := tx.Rollouts().Get(ctx, id)
		if err != nil {
			return err
		}
		next, err = how(tx, r, &why)
		switch {
		case errors.Is(err, errAsItIs) && proposals.Approves(ctx):
			return proposals.Idle(ctx)
		case errors.Is(err, errAsItIs):
			return rs.repeated(ctx, tx, r, why)
		case proposals.Proposes(err):
			waits = err
			return nil // the proposal is to be kept
		}
		if err != nil {
			return err
		}
		return tx.Change(ctx, next, why)
	})
	if err = errors.Join(err, waits); err != nil {
		return next, err
	}
	if err := rs.PublishOffers(context.WithoutCancel(ctx)); err != nil { // decided, whether or not the caller waits
		return next, rs.notPublished(ctx, next, why, err)
	}
	return next, nil
}

// repeated notes that somebody asked once more, unless it is in the same words.
func (rs *Rollouts) repeated(ctx context.Context, tx *Tx, r fleet.Rollout, why Cause) error {
	if why.Actor == r.By && r.Reason.Equal(fleet.Said(why.Reason)) {
		return nil
	}
	return tx.Audit().Append(ctx, fleet.AuditEntry{At: rs.cfg.Repo.Now(), Actor: why.Actor, Action: why.Action, Subject: r.ID,
		Reason: why.Reason})
}

// notPublished says of a change that is stored that handsets are not told of it yet.
func (rs *Rollouts) notPublished(ctx context.Context, r fleet.Rollout, why Cause, err error) error {
	told := "handsets are not told of it yet"
	if missing := rs.Standing(ctx, r).Missing; missing != "" {
		told = missing
	} else {
		told += ": " + repo.Why(err)
	}
	return &fleet.Error{Kind: fleet.Pending, Code: repo.NotPublished, Err: err, Msg: fmt.Sprintf("%s of %s is stored and on "+
		"the audit trail, but not published: %s. The server tries again by itself, and the state of the rollout says when it "+
		"is done; to ask again is safe", why.Action, r.ID, told)}
}
