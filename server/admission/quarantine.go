// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"landed/server/fleet"
	"landed/server/proposals"
)

// Flood names installations by when they were first heard of: in [From, To), of a model, or of all. A To that is to come
// is now: a flood that goes on is quarantined again.
type Flood struct {
	From, To   time.Time
	Model      string
	By, Reason string

	proposed time.Time // now of whoever proposed it; zero: nobody did
}

// Quarantined says what a quarantine did, or its end.
type Quarantined struct {
	fleet.Quarantine
	NeedsSecond bool // it takes a bad report away: what one person must not decide alone
	Applied     bool // to every installation; else the server goes on with it
}

// Quarantine takes installations out of the figures. Their reports are kept. It covers nobody who is first heard of later,
// and, if none of them is bad, nobody who turns out to be: a second person was not asked for that.
func (a *Admission) Quarantine(ctx context.Context, f Flood) (done Quarantined, err error) {
	if err := reasoned(f.Reason); err != nil {
		return done, err
	}
	if f.From.IsZero() || !f.From.Before(f.To) {
		return done, fleet.Errorf(fleet.Invalid, "first_seen", "the time begins at %s and ends at %s; wanted FROM..TO, from the "+
			"earlier to the later", f.From.UTC().Format(time.RFC3339), f.To.UTC().Format(time.RFC3339))
	}
	now := a.Now()
	if !f.From.Before(now) {
		return done, fleet.Errorf(fleet.Invalid, "first_seen", "the time begins at %s, and it is %s; wanted one that has been: nobody "+
			"can tell whether what is to come is a flood", f.From.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	id := make([]byte, 4)
	if _, err := io.ReadFull(a.Random, id); err != nil {
		return done, err
	}
	q := fleet.Quarantine{ID: hex.EncodeToString(id), From: f.From, To: f.end(now), Model: f.Model, At: now, By: f.By, Reason: f.Reason}
	if err := a.Store.View(ctx, func(tx fleet.Tx) (err error) {
		q.Installations, q.Bad, err = tx.Installations().Covered(ctx, f.Model, q.From, q.To)
		return err
	}); err != nil {
		return done, err
	}
	if q.Installations == 0 && !f.To.After(now) { // until now it may be of those whose reports are provisional
		return done, fleet.Errorf(fleet.NotFound, "nobody_covered", "no installation was first heard of then; wanted a time in "+
			"which some were, in UTC")
	}
	done = Quarantined{Quarantine: q, NeedsSecond: q.Bad > 0}
	if err := a.quarantine(ctx, f, &done); err != nil {
		return done, err
	}
	done.Applied, err = a.apply(ctx)
	return done, err
}

// end is that of the time, for a decision at now: what was proposed is done as it was proposed.
func (f Flood) end(now time.Time) time.Time {
	for _, at := range []time.Time{now, f.proposed} {
		if !at.IsZero() && at.Before(f.To) {
			f.To = at
		}
	}
	return f.To.Truncate(time.Millisecond) // as it is stored
}

// quarantine stores it, if it needs no second person or there is one; else what is wanted waits for her.
func (a *Admission) quarantine(ctx context.Context, f Flood, done *Quarantined) error {
	var waits error
	err := a.Store.Update(ctx, func(tx fleet.Tx) error {
		q := &done.Quarantine
		first, err := a.second(ctx, tx, f, *done)
		if proposals.Proposes(err) {
			waits = err
			return nil // the proposal is to be kept
		}
		if err != nil {
			return err
		}
		why := fmt.Sprintf("%s: %d installations, %d of them bad: %s", subjectOf(*q), q.Installations, q.Bad, f.Reason)
		if first != "" {
			q.By = first + " and " + f.By
			why = proposals.Words(why, first, f.By)
		}
		return errors.Join(tx.Quarantines().Put(ctx, *q), tx.Audit().Append(ctx, fleet.AuditEntry{At: q.At, Actor: q.By,
			Action: ActionQuarantine, Subject: q.ID, Reason: why}))
	})
	return errors.Join(err, waits)
}

// flood is what is proposed.
type flood struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Model string    `json:"model,omitempty"`
}

// second is who wanted it first, "" if one person is enough. The error may be a [proposals.Waiting].
func (a *Admission) second(ctx context.Context, tx fleet.Tx, f Flood, wanted Quarantined) (string, error) {
	if a.Desk == nil || !(a.Policy.Leaks && wanted.NeedsSecond) && !proposals.Approves(ctx) {
		return "", nil
	}
	subject := subjectOf(fleet.Quarantine{From: f.From, To: f.To, Model: f.Model})
	return a.Desk.Second(ctx, tx, proposals.Wish{Action: ActionQuarantine, Subject: "reports " + subject,
		Arguments: flood{f.From.UTC(), f.To.UTC(), f.Model}, By: f.By, Reason: f.Reason})
}

// carry tells the desk how a quarantine that was proposed is made.
func (a *Admission) carry() {
	if a.Desk == nil {
		return
	}
	a.Desk.Carry(ActionQuarantine, func(ctx context.Context, p fleet.Proposal, by, reason string) error {
		var f flood
		if err := json.Unmarshal(p.Arguments, &f); err != nil {
			return err
		}
		_, err := a.Quarantine(ctx, Flood{From: f.From, To: f.To, Model: f.Model, By: by, Reason: reason, proposed: p.At})
		return err
	})
}

func subjectOf(q fleet.Quarantine) string {
	words := fmt.Sprintf("first heard of from %s to %s", q.From.UTC().Format(time.RFC3339), q.To.UTC().Format(time.RFC3339))
	if q.Model != "" {
		words += ", model " + q.Model
	}
	return words
}

func (a *Admission) put(ctx context.Context, q fleet.Quarantine, line fleet.AuditEntry) error {
	return a.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := tx.Quarantines().Put(ctx, q); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, line)
	})
}

// Lift takes a quarantine back: what it covered is in the figures again, as it stands by then.
func (a *Admission) Lift(ctx context.Context, id, by, reason string) (done Quarantined, err error) {
	if err := reasoned(reason); err != nil {
		return done, err
	}
	err = a.Store.View(ctx, func(tx fleet.Tx) error {
		done.Quarantine, err = tx.Quarantines().Get(ctx, id)
		return err
	})
	if err != nil {
		return done, err
	}
	if !done.Lifted.IsZero() {
		return done, fleet.Errorf(fleet.Conflict, "already_lifted", "quarantine %s was lifted by %s on %s", id, done.LiftedBy,
			done.Lifted.UTC().Format(time.RFC3339))
	}
	done.Lifted, done.LiftedBy, done.LiftedReason = a.Now(), by, reason
	err = a.put(ctx, done.Quarantine, fleet.AuditEntry{At: done.Lifted, Actor: by, Action: ActionLift, Subject: id, Reason: reason})
	if err != nil {
		return done, err
	}
	done.Applied, err = a.apply(ctx)
	return done, err
}

// Quarantines lists them, the oldest first, lifted ones too.
func (a *Admission) Quarantines(ctx context.Context) (all []fleet.Quarantine, err error) {
	err = a.Store.View(ctx, func(tx fleet.Tx) error {
		all, err = tx.Quarantines().List(ctx)
		return err
	})
	return all, err
}
