// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"log/slog"
	"time"

	"landed/server/evidence"
	"landed/server/fleet"
	"landed/server/grounds"
	"landed/server/rollout"
)

// Ledger is the one way in which a stored rollout is changed. Each change keeps to the state machine
// of [fleet.RolloutNext], is saved with its line of the audit trail in one transaction, and after
// that is one line of the log and one [Event].
type Ledger struct {
	Store fleet.Store
	Now   func() time.Time
	Log   *slog.Logger
	// Distrusted, if set, says if the clock jumped and is not believed yet.
	Distrusted func() bool
	// Event, if set, is called once a change is stored. Others wait for it: it must not block, and neither change
	// nor publish anything.
	Event func(context.Context, Event)

	signed evidence.Reader // targets is read once a version, not once a rollout and tick
}

// soon is the first moment at which no report can have come yet that was taken in before what is about to be stored: times
// are stored in milliseconds, and who counts is read again from them.
func (l *Ledger) soon() time.Time {
	return l.Now().UTC().Truncate(time.Millisecond).Add(time.Millisecond)
}

// Update runs fn in one transaction. What it changed is logged and told once that is committed.
func (l *Ledger) Update(ctx context.Context, fn func(tx *Tx) error) error {
	var events []Event
	err := l.Store.Update(ctx, func(stored fleet.Tx) error {
		tx := &Tx{Tx: stored}
		err := fn(tx)
		events = tx.events
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range events {
		l.emit(ctx, e)
	}
	return nil
}

// emit writes one line per event; an alarm is an error, for whoever watches the log.
func (l *Ledger) emit(ctx context.Context, e Event) {
	log := l.Log.InfoContext
	if e.Alarm {
		log = l.Log.ErrorContext
	}
	log(ctx, e.Action, "rollout", e.Rollout.ID, "state", string(e.Rollout.State), "share", e.Rollout.Share(), "by",
		e.Actor, "reason", e.Reason)
	if l.Event != nil {
		l.Event(ctx, e)
	}
}

// Grounds loads what r is decided on now.
func (l *Ledger) Grounds(ctx context.Context, tx fleet.Tx, r fleet.Rollout) (rollout.Grounds, error) {
	return grounds.Of(ctx, tx, &l.signed, r, l.Now(), l.Distrusted != nil && l.Distrusted())
}

// Advance looks at one rollout with the figures of now, and says if it changed. It decides on a
// read first, because most of the time nothing is to be written, and again on fresh data if
// something is.
func (l *Ledger) Advance(ctx context.Context, id string) (changed bool, err error) {
	now := l.Now()
	var next fleet.Rollout
	var events []rollout.Event
	decide := func(tx fleet.Tx) error {
		r, err := tx.Rollouts().Get(ctx, id)
		if err != nil {
			return err
		}
		known, err := l.Grounds(ctx, tx, r)
		if err != nil {
			return err
		}
		next, events = rollout.Advance(now, r, known)
		return nil
	}
	if err := l.Store.View(ctx, decide); err != nil || len(events) == 0 {
		return false, err
	}
	err = l.Update(ctx, func(tx *Tx) error {
		if err := decide(tx); err != nil || len(events) == 0 {
			return err
		}
		var why []Cause
		for _, e := range events {
			why = append(why, Cause{e.Action, rollout.Author, e.Reason, e.Alarm})
		}
		return tx.Change(ctx, next, why...)
	})
	return err == nil && len(events) > 0, err
}
