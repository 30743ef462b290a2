// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"encoding/json"
	"fmt"

	"landed/server/fleet"
	"landed/server/proposals"
	"landed/server/rollout"
)

// What is proposed of a rollout, beside its id.
type (
	sharing struct {
		Share int `json:"share"`
	}
	staging struct {
		Stages []fleet.Stage `json:"stages"`
	}
	starting struct {
		Models  []string      `json:"models"` // role names
		Channel string        `json:"channel"`
		Stages  []fleet.Stage `json:"stages"` // those that a person wrote
	}
)

// above says if a share is one to which no rollout goes by one person's word.
func (c Config) above(share int) bool {
	return c.Policy.Share > 0 && share > c.Policy.Share
}

// second asks for a second person before next, if it is needed, and has both on next and in the trail. It says if there
// are two. The error may be a [proposals.Waiting].
func (c Config) second(
	ctx context.Context, tx fleet.Tx, needed bool, r fleet.Rollout, next *fleet.Rollout, why *Cause, arguments any,
) (seconded bool, err error) {
	if !needed && !proposals.Approves(ctx) || c.Desk == nil {
		return false, nil
	}
	first, err := c.Desk.Second(ctx, tx, proposals.Wish{Action: why.Action, Subject: r.ID, Arguments: arguments,
		Revision: r.Revision, By: why.Actor, Reason: why.Reason})
	if err != nil {
		return false, err
	}
	next.By = both(first, why.Actor)
	why.Reason = proposals.Words(why.Reason, first, why.Actor)
	return true, nil
}

func both(first, second string) string { return first + " and " + second }

// secondToStart asks for a second person before rollouts start, if that is needed: above the share, or with stages that
// one person wrote. It gives the name of the first one, "" if none is needed.
func (c Config) secondToStart(ctx context.Context, tx fleet.Tx, w Start, planned []fleet.Rollout) (first string, err error) {
	needed, models := len(w.Stages) > 0 && c.above(10_000), []string{}
	for _, r := range planned {
		if _, err := tx.Rollouts().Get(ctx, r.ID); !fleet.Is(err, fleet.NotFound) {
			return "", err // it is there already, which is said in time
		}
		needed = needed || c.above(r.Share())
		models = append(models, r.Model)
	}
	if !needed && !proposals.Approves(ctx) || c.Desk == nil {
		return "", nil
	}
	return c.Desk.Second(ctx, tx, proposals.Wish{Action: ActionStart, Subject: w.Release, By: w.By,
		Arguments: starting{models, w.Channel, w.Stages},
		Reason:    fmt.Sprintf("stage 1: %s of the fleet", rollout.Percent(planned[0].Share()))})
}

// carry tells the desk how what was proposed is done: as if the second person had asked for the same.
func carry(rs *Rollouts) {
	if rs.cfg.Desk == nil {
		return
	}
	rs.cfg.Desk.Carry(ActionResume, func(ctx context.Context, p fleet.Proposal, by, reason string) error {
		_, err := rs.Resume(ctx, p.Subject, by, reason)
		return err
	})
	rs.cfg.Desk.Carry(ActionWiden, func(ctx context.Context, p fleet.Proposal, by, reason string) error {
		_, err := rs.Widen(ctx, p.Subject, by, reason)
		return err
	})
	rs.cfg.Desk.Carry(ActionStages, func(ctx context.Context, p fleet.Proposal, by, reason string) error {
		var a staging
		if err := json.Unmarshal(p.Arguments, &a); err != nil {
			return err
		}
		_, err := rs.SetStages(ctx, p.Subject, by, reason, a.Stages)
		return err
	})
	rs.cfg.Desk.Carry(ActionStart, func(ctx context.Context, p fleet.Proposal, by, _ string) error {
		var a starting
		if err := json.Unmarshal(p.Arguments, &a); err != nil {
			return err
		}
		_, err := rs.Start(ctx, Start{Release: p.Subject, Models: a.Models, Channel: a.Channel, Stages: a.Stages, By: by})
		return err
	})
}
