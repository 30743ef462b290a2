// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"landed/server/fleet"
	"landed/server/proposals"
	"landed/server/published"
	"landed/server/repo"
	"landed/server/rollout"
)

// Start is the wish to let a release go to models.
type Start struct {
	Release string
	Models  []string // device or role names; empty: every model of the release
	Channel string   // "" : stable
	Stages  []fleet.Stage
	By      string
}

// Start starts one rollout per model. The salt of each is drawn here and published
// with a share of nothing before its first stage is offered: whoever draws it cannot know
// which handsets it favours.
func (rs *Rollouts) Start(ctx context.Context, wish Start) (started []fleet.Rollout, err error) {
	if wish.Channel == "" {
		wish.Channel = "stable"
	}
	if err := rs.cfg.Lineup.CheckChannel(wish.Channel); err != nil {
		return nil, err
	}
	if len(wish.Stages) > 0 {
		if err := fleet.ValidateStages(wish.Stages); err != nil {
			return nil, &fleet.Error{Kind: fleet.Invalid, Code: "stages", Msg: fleet.InOneLine(err)}
		}
	}
	musters, err := rs.cfg.Ledger.musters(ctx, wish.Channel)
	if err != nil {
		return nil, err
	}
	err = rs.cfg.Repo.Exclusive(ctx, func(w *repo.Writer) error { // nobody publishes a share before its salt
		s, err := rs.cfg.Repo.State(ctx)
		if err != nil {
			return err
		}
		var waits error
		err = rs.cfg.Ledger.Update(ctx, func(tx *Tx) (err error) {
			if started, err = rs.create(ctx, tx, s, wish, musters); proposals.Proposes(err) {
				waits = err
				return nil // the proposal is to be kept
			}
			return err
		})
		if err = errors.Join(err, waits); err != nil {
			started = nil
			return err
		}
		return rs.announce(ctx, w, started)
	})
	return started, err
}

// musters are how the fleets of a channel stand now, by model. That reads every installation, of which there are as many as
// strangers like: so it is done once, and before anything is locked, because halts wait for what is. Who is admitted
// between it and the salt is not among the known: then the gates ask for fewer.
func (l *Ledger) musters(ctx context.Context, channel string) (map[string]fleet.Muster, error) {
	of := map[string]fleet.Muster{}
	err := l.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Installations().Muster(ctx, "", channel, l.Now())
		for _, m := range all {
			of[m.Model] = m
		}
		return err
	})
	return of, err
}

// announce publishes new rollouts with a share of nothing, and then their first stages.
func (rs *Rollouts) announce(ctx context.Context, w *repo.Writer, started []fleet.Rollout) error {
	announced := map[string]bool{}
	for _, r := range started {
		announced[r.ID] = true
	}
	for _, which := range []map[string]bool{announced, nil} {
		err := w.Publish(ctx, func(s repo.State) (repo.Edit, error) { return draftsOf(rs).edit(ctx, s, which) })
		if err != nil {
			rs.again.heard(err)
			return &fleet.Error{Kind: fleet.Pending, Code: repo.NotPublished, Err: err, Msg: fmt.Sprintf("the rollout is stored, "+
				"and not offered yet: %s. The server tries again by itself; do not start it again", repo.Why(err))}
		}
	}
	return nil
}

func (rs *Rollouts) create(
	ctx context.Context, tx *Tx, s repo.State, w Start, musters map[string]fleet.Muster,
) ([]fleet.Rollout, error) {
	planned, err := rs.plan(ctx, tx, s, w, musters)
	if err != nil {
		return nil, err
	}
	first, err := rs.cfg.secondToStart(ctx, tx, w, planned)
	if err != nil {
		return nil, err
	}
	for n, r := range planned {
		why := Cause{ActionStart, w.By, fmt.Sprintf("stage 1 of %d: %s of the fleet", len(r.Stages),
			rollout.Percent(r.Share())), false}
		if first != "" {
			planned[n].By, why.Reason = both(first, w.By), proposals.Words(why.Reason, first, w.By)
		}
		if err := tx.Create(ctx, planned[n], why); err != nil {
			return nil, err
		}
	}
	return planned, nil
}

// plan is what is to be started, and can be.
func (rs *Rollouts) plan(
	ctx context.Context, tx *Tx, s repo.State, w Start, musters map[string]fleet.Muster,
) ([]fleet.Rollout, error) {
	if err := rs.cfg.Lineup.CheckChannelIn(ctx, tx, w.Channel); err != nil {
		return nil, err
	}
	release, err := tx.Releases().Get(ctx, w.Release)
	if err != nil {
		return nil, err
	}
	if release.State != fleet.ReleasePublished {
		return nil, fleet.Errorf(fleet.Conflict, "not_published", "release %s is %s; it can be rolled out once it is "+
			"signed and published", w.Release, release.State)
	}
	declared, err := published.Read(ctx, tx, release)
	if err != nil {
		return nil, err
	}
	models, err := rs.modelsOf(w, declared.Packages)
	if err != nil {
		return nil, err
	}
	var started []fleet.Rollout
	for _, m := range models {
		salt := make([]byte, 16)
		if _, err := io.ReadFull(rs.cfg.Random, salt); err != nil {
			return nil, err
		}
		now, known := rs.cfg.Ledger.soon(), musters[m.Device]
		stages, err := stagesFor(declared, w.Stages, known)
		if err != nil {
			return nil, err
		}
		r := fleet.Rollout{
			ID: w.Release + "." + m.Role() + "." + w.Channel, Release: w.Release, Model: m.Device, Channel: w.Channel,
			Salt: hex.EncodeToString(salt), Stages: stages, State: fleet.RolloutRunning,
			Since: now, Started: now, Changed: now, By: w.By, Known: known.Counted,
		}
		offered, err := Packages(ctx, tx, r)
		if err != nil {
			return nil, err
		}
		if err := refuseUnlisted(s, m, r, offered); err != nil {
			return nil, err
		}
		started = append(started, r)
	}
	return started, nil
}

// stagesFor are the stages of a rollout: those that were wished for, or the usual ones of the counted fleet, and of all that
// are known only where nobody counts. A release that claims no effect is never proven, so no gate may wait for that.
func stagesFor(r published.Release, wished []fleet.Stage, known fleet.Muster) ([]fleet.Stage, error) {
	stages := slices.Clone(wished)
	if len(stages) == 0 {
		stages = fleet.DefaultStages(cmp.Or(known.Counted, known.Installations))
	}
	if r.Effect != nil {
		return stages, nil
	}
	for i := range stages {
		if len(wished) > 0 && (stages[i].Gates.MinReports > 0 || stages[i].Gates.MinProven > 0) {
			return nil, fleet.Errorf(fleet.Invalid, "stages", "release %s claims no effect, so a gate that waits for proof "+
				"(min_reports, min_proven) would never open; leave both out, or ship it with the effect build-runs", r.Name)
		}
		stages[i].Gates.MinReports, stages[i].Gates.MinProven = 0, 0
	}
	return stages, nil
}
