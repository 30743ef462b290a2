// SPDX-License-Identifier: Apache-2.0

package wall

import (
	"context"
	"time"

	"landed/server/fleet"
	"landed/server/reasons"
)

// rollouts are as they stand.
type rollouts struct {
	fleet.Rollouts
	of fleet.Rollouts
}

// Get implements fleet.Rollouts.
func (r rollouts) Get(ctx context.Context, id string) (fleet.Rollout, error) {
	one, err := r.of.Get(ctx, id)
	return Outside(one), err
}

// List implements fleet.Rollouts.
func (r rollouts) List(ctx context.Context) ([]fleet.Rollout, error) {
	all, err := r.of.List(ctx)
	return outsides(all), err
}

// OfModel implements fleet.Rollouts.
func (r rollouts) OfModel(ctx context.Context, model, channel string) ([]fleet.Rollout, error) {
	all, err := r.of.OfModel(ctx, model, channel)
	return outsides(all), err
}

func outsides(all []fleet.Rollout) []fleet.Rollout {
	for n := range all {
		all[n] = Outside(all[n])
	}
	return all
}

// Held is the code of why a rollout is held for what handsets did: one is enough for that, so everybody is told no more.
const Held = "held"

// Outside is a rollout as everybody may see it: not what it knows of handsets, reasons without counts, and of a hold the UTC day.
func Outside(r fleet.Rollout) fleet.Rollout {
	r.Forgiven, r.ForgivenCounted, r.Excused, r.ExcusedLost, r.Known = 0, 0, 0, 0, 0
	r.Held, r.Reason = Bare(r.Held), Bare(r.Reason)
	if r.State == fleet.RolloutHeld {
		r.Changed = day(r.Changed)
	}
	return r
}

// day is when the UTC day of a moment began.
func day(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// Bare is a reason without its values: they are counts. What a person said, and what the feed lacks, stays; what an older program
// recorded in words is its code, or that it is on record.
func Bare(r fleet.Reason) fleet.Reason {
	switch r.Code {
	case "", fleet.SaidCode, reasons.NotListed:
		return r
	case reasons.LeaksFound, reasons.LeaksUnconfirmed, reasons.FailuresFound, reasons.LostFound:
		return fleet.Reason{Code: Held}
	case fleet.RecordedCode:
		if known, ok := reasons.Of(r.Values[fleet.TextValue]); ok {
			return Bare(known)
		}
	}
	return fleet.Reason{Code: r.Code}
}

// audit is when what was done, of a hold the UTC day, without what only says that a rollout was looked at: that stands there
// whenever a count moved.
type audit struct {
	fleet.Audit
	of fleet.Audit
}

// OfSubject implements fleet.Audit.
func (a audit) OfSubject(ctx context.Context, subject string, limit int) ([]fleet.AuditEntry, error) {
	return a.Acts(ctx, subject, limit)
}

// Acts implements fleet.Audit.
func (a audit) Acts(ctx context.Context, subject string, limit int) ([]fleet.AuditEntry, error) {
	all, err := a.of.Acts(ctx, subject, limit)
	for n := range all {
		all[n].Reason = ""
		if all[n].Action == "rollout.hold" {
			all[n].At = day(all[n].At)
		}
	}
	return all, err
}
