// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"landed/server/fleet"
	"landed/server/rollout"
)

// Event tells of one change of a rollout, once it is on disk.
type Event struct {
	Rollout fleet.Rollout      // as it stands now
	Was     fleet.RolloutState // "" if it is new
	Action  string             // as in the audit trail: "rollout.start", "rollout.halt" …
	Actor   string
	Reason  string
	At      time.Time
	Alarm   bool // somebody should look now
}

// The actions. Those of the loop are in [rollout.Event].
const (
	ActionStart  = "rollout.start"
	ActionHold   = "rollout.hold"
	ActionHalt   = "rollout.halt"
	ActionResume = "rollout.resume"
	ActionAdopt  = "rollout.adopt" // found in the feed after the database was restored
)

// Cause is why a rollout is changed, for the audit trail, the log and the event.
type Cause struct {
	Action, Actor, Reason string
	Alarm                 bool
}

// Ledger is the one way in which a stored rollout is changed. Each change keeps to the state machine
// of [fleet.RolloutNext], is saved with its line of the audit trail in one transaction, and after
// that is one line of the log and one [Event].
type Ledger struct {
	Store fleet.Store
	Now   func() time.Time
	Log   *slog.Logger
	Event func(context.Context, Event) // nil: nobody listens. It is called once the change is stored, and must not block
}

// Tx is a transaction in which rollouts may be changed.
type Tx struct {
	fleet.Tx
	events []Event
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
		l.tell(ctx, e)
	}
	return nil
}

// tell writes one line per event; an alarm is an error, for whoever watches the log.
func (l *Ledger) tell(ctx context.Context, e Event) {
	log := l.Log.InfoContext
	if e.Alarm {
		log = l.Log.ErrorContext
	}
	log(ctx, e.Action, "rollout", e.Rollout.ID, "state", string(e.Rollout.State), "share", e.Rollout.Share(), "by", e.Actor, "reason", e.Reason)
	if l.Event != nil {
		l.Event(ctx, e)
	}
}

// Create stores a new rollout.
func (tx *Tx) Create(ctx context.Context, r fleet.Rollout, why Cause) error {
	if err := tx.Rollouts().Create(ctx, r); err != nil {
		return err
	}
	return tx.record(ctx, "", r, why)
}

// Change stores next in place of the rollout with its id, for one cause or more. A state that may
// not follow the stored one is a Conflict, and so is a next that was made from an older revision.
func (tx *Tx) Change(ctx context.Context, next fleet.Rollout, why ...Cause) error {
	return tx.change(ctx, next, why, func(from, to fleet.RolloutState) bool { return slices.Contains(fleet.RolloutNext[from], to) })
}

// Restore is Change after several steps that nobody knows: the database was restored from a copy,
// and the feed tells where the rollout stood.
func (tx *Tx) Restore(ctx context.Context, next fleet.Rollout, why Cause) error {
	return tx.change(ctx, next, []Cause{why}, reachable)
}

func (tx *Tx) change(ctx context.Context, next fleet.Rollout, why []Cause, mayFollow func(from, to fleet.RolloutState) bool) error {
	was, err := tx.Rollouts().Get(ctx, next.ID)
	if err != nil {
		return err
	}
	if was.State != next.State && !mayFollow(was.State, next.State) {
		return fleet.Errorf(fleet.Conflict, "rollout_state", "rollout %s is %s and cannot become %s; from there it can become one of %v",
			next.ID, was.State, next.State, fleet.RolloutNext[was.State])
	}
	if err := tx.Rollouts().Save(ctx, next); err != nil {
		return err
	}
	next.Revision++ // as it is stored now
	return tx.record(ctx, was.State, next, why...)
}

func (tx *Tx) record(ctx context.Context, was fleet.RolloutState, r fleet.Rollout, why ...Cause) error {
	for _, w := range why {
		tx.events = append(tx.events, Event{r, was, w.Action, w.Actor, w.Reason, r.Changed, w.Alarm})
		line := fleet.AuditEntry{At: r.Changed, Actor: w.Actor, Action: w.Action, Subject: r.ID, Reason: w.Reason}
		if err := tx.Audit().Append(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

// reachable says if the state machine leads from one state to another in any number of steps.
func reachable(from, to fleet.RolloutState) bool {
	seen := []fleet.RolloutState{from}
	for i := 0; i < len(seen); i++ {
		for _, next := range fleet.RolloutNext[seen[i]] {
			if next == to {
				return true
			}
			if !slices.Contains(seen, next) {
				seen = append(seen, next)
			}
		}
	}
	return false
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
		c, err := tx.Counts().Of(ctx, r.Release, r.Model, r.Channel)
		if err != nil {
			return err
		}
		next, events = rollout.Advance(now, r, c)
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
