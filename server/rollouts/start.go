// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"landed/manifests"
	"landed/server/fleet"
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
	if len(wish.Stages) == 0 {
		wish.Stages = fleet.DefaultStages()
	}
	if err := fleet.ValidateStages(wish.Stages); err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "stages", Msg: fleet.InOneLine(err)}
	}
	err = rs.cfg.Repo.Exclusive(func(w *repo.Writer) error { // nobody publishes a share before its salt
		s, err := rs.cfg.Repo.State(ctx)
		if err != nil {
			return err
		}
		err = rs.cfg.Ledger.Update(ctx, func(tx *Tx) (err error) {
			started, err = rs.create(ctx, tx, s, wish)
			return err
		})
		if err != nil {
			started = nil
			return err
		}
		return rs.announce(ctx, w, started)
	})
	return started, err
}

// announce publishes new rollouts with a share of nothing, and then their first stages.
func (rs *Rollouts) announce(ctx context.Context, w *repo.Writer, started []fleet.Rollout) error {
	announced := map[string]bool{}
	for _, r := range started {
		announced[r.ID] = true
	}
	for _, which := range []map[string]bool{announced, nil} {
		err := w.Publish(ctx, func(s repo.State) (repo.Edit, error) { return rs.offersEdit(ctx, s, which) })
		if err != nil {
			return fmt.Errorf("the rollout is stored, and will be offered at the next tick: %w", err)
		}
	}
	return nil
}

func (rs *Rollouts) create(ctx context.Context, tx *Tx, s repo.State, w Start) ([]fleet.Rollout, error) {
	release, err := tx.Releases().Get(ctx, w.Release)
	if err != nil {
		return nil, err
	}
	if release.State != fleet.ReleasePublished {
		return nil, fleet.Errorf(fleet.Conflict, "not_published", "release %s is %s; it can be rolled out once it is signed and published", w.Release, release.State)
	}
	packages, err := published.Packages(ctx, tx, release.Packages)
	if err != nil {
		return nil, err
	}
	models, err := rs.goals(w, packages)
	if err != nil {
		return nil, err
	}
	var started []fleet.Rollout
	for _, m := range models {
		salt := make([]byte, 16)
		if _, err := io.ReadFull(rs.cfg.Random, salt); err != nil {
			return nil, err
		}
		now := rs.cfg.Repo.Now()
		r := fleet.Rollout{
			ID: w.Release + "." + m.Role() + "." + w.Channel, Release: w.Release, Model: m.Device, Channel: w.Channel,
			Salt: hex.EncodeToString(salt), Stages: w.Stages, State: fleet.RolloutRunning,
			Since: now, Started: now, Changed: now, By: w.By,
		}
		offered, err := packagesOf(ctx, tx, r)
		if err != nil {
			return nil, err
		}
		if err := refuseUnlisted(s, m, r, offered); err != nil {
			return nil, err
		}
		why := Cause{ActionStart, w.By, fmt.Sprintf("stage 1 of %d: %s of the fleet", len(r.Stages), rollout.Percent(r.Share())), false}
		if err := tx.Create(ctx, r, why); err != nil {
			return nil, err
		}
		started = append(started, r)
	}
	return started, nil
}

// goals are the models of w; every one without a package is named.
func (rs *Rollouts) goals(w Start, packages []fleet.Package) ([]manifests.Model, error) {
	var goals []manifests.Model
	var faults []error
	wanted := w.Models
	if len(wanted) == 0 {
		for _, m := range rs.cfg.Catalogue.Models() {
			if hasPackage(packages, m.Device, w.Channel) {
				wanted = append(wanted, m.Device)
			}
		}
	}
	seen := map[string]bool{}
	for _, name := range wanted {
		m, ok := rs.cfg.Catalogue.Model(name)
		if !ok {
			m, ok = rs.cfg.Catalogue.ByRole(name)
		}
		if !ok {
			faults = append(faults, fmt.Errorf("%q is no model of the catalogue", name))
			continue
		}
		if !hasPackage(packages, m.Device, w.Channel) {
			faults = append(faults, fmt.Errorf("release %s has no package for %s on %s (it has %s)", w.Release, m.Device, w.Channel, listed(packages)))
			continue
		}
		if !seen[m.Device] {
			goals = append(goals, m)
		}
		seen[m.Device] = true
	}
	if len(goals) == 0 && len(faults) == 0 {
		faults = append(faults, fmt.Errorf("release %s has no package on %s (it has %s)", w.Release, w.Channel, listed(packages)))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "rollout_models", Msg: fleet.InOneLine(err)}
	}
	return goals, nil
}

func hasPackage(packages []fleet.Package, model, channel string) bool {
	return slices.ContainsFunc(packages, func(p fleet.Package) bool { return p.Model == model && p.Channel == channel })
}

func listed(packages []fleet.Package) string {
	var have []string
	for _, pkg := range packages {
		have = append(have, pkg.Variant+" on "+pkg.Channel)
	}
	return strings.Join(have, ", ")
}
