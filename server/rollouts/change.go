// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"slices"
	"time"

	"landed/server/fleet"
)

// Event tells of one change of a rollout, once it is on disk.
type Event struct {
	Rollout fleet.Rollout      // as it stands now
	Was     fleet.RolloutState // "" if it is new
	Action  string             // as in the audit trail: "rollout.start", "rollout.halt" …
	Actor   string
	Reason  string
	At      time.Time
	Alarm   bool // somebody should look now; a person who halted has looked
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

// Tx is a transaction in which rollouts may be changed.
type Tx struct {
	fleet.Tx
	events []Event
}

// Create stores a new rollout.
func (tx *Tx) Create(ctx context.Context, r fleet.Rollout, why Cause) error {
	if r.State != fleet.RolloutHalted {
		if err := fleet.RefuseUnnamed(ctx, tx); err != nil {
			return err
		}
	}
	r = r.Reaching(fleet.Rollout{}, r.Started)
	if err := tx.Rollouts().Create(ctx, r); err != nil {
		return err
	}
	return tx.record(ctx, "", r, why)
}

// Change stores next in place of the rollout with its id, for one cause or more. A state that may
// not follow the stored one is a Conflict, and so is a next that was made from an older revision. While nobody has said what
// a restored database lost, whatever neither halts nor holds is refused.
func (tx *Tx) Change(ctx context.Context, next fleet.Rollout, why ...Cause) error {
	if next.State != fleet.RolloutHalted && next.State != fleet.RolloutHeld {
		if err := fleet.RefuseUnnamed(ctx, tx); err != nil {
			return err
		}
	}
	return tx.change(ctx, next, why, follows)
}

// Restore is Change after several steps that nobody knows: the database was restored from a copy,
// and the feed tells where the rollout stood.
func (tx *Tx) Restore(ctx context.Context, next fleet.Rollout, why Cause) error {
	return tx.change(ctx, next, []Cause{why}, reachable)
}

func (tx *Tx) change(
	ctx context.Context, next fleet.Rollout, why []Cause, mayFollow func(from, to fleet.RolloutState) bool,
) error {
	was, err := tx.Rollouts().Get(ctx, next.ID)
	if err != nil {
		return err
	}
	if was.State != next.State && !mayFollow(was.State, next.State) {
		return fleet.Errorf(fleet.Conflict, "rollout_state", "rollout %s is %s and cannot become %s; from there it "+
			"can become one of %v",
			next.ID, was.State, next.State, fleet.RolloutNext[was.State])
	}
	next = next.Reaching(was, next.Changed)
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

// follows says if the state machine leads from one state to another in one step.
func follows(from, to fleet.RolloutState) bool { return slices.Contains(fleet.RolloutNext[from], to) }

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
