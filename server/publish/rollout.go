// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/published"
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

// StartRollout starts one rollout per model. The salt of each is drawn here and published
// with a share of nothing before its first stage is offered: whoever draws it cannot know
// which handsets it favours.
func (p *Publisher) StartRollout(ctx context.Context, w Start) ([]fleet.Rollout, error) {
	if w.Channel == "" {
		w.Channel = "stable"
	}
	if len(w.Stages) == 0 {
		w.Stages = fleet.DefaultStages()
	}
	if err := fleet.ValidateStages(w.Stages); err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "stages", Msg: inOneLine(err)}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	var started []fleet.Rollout
	err = p.cfg.Store.Update(ctx, func(tx fleet.Tx) (err error) {
		started, err = p.create(ctx, tx, s, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	announced := map[string]bool{}
	for _, r := range started {
		announced[r.ID] = true
	}
	for _, which := range []map[string]bool{announced, nil} {
		if err := p.publishLocked(ctx, func(s state) (edit, error) { return p.offersEdit(ctx, s, which) }); err != nil {
			return started, fmt.Errorf("the rollout is stored, and will be offered at the next tick: %w", err)
		}
	}
	return started, nil
}

func (p *Publisher) create(ctx context.Context, tx fleet.Tx, s state, w Start) ([]fleet.Rollout, error) {
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
	models, err := p.goals(w, packages)
	if err != nil {
		return nil, err
	}
	var started []fleet.Rollout
	for _, m := range models {
		salt := make([]byte, 16)
		if _, err := io.ReadFull(p.cfg.Random, salt); err != nil {
			return nil, err
		}
		now := p.now()
		r := fleet.Rollout{
			ID: w.Release + "." + m.model.Role() + "." + w.Channel, Release: w.Release, Model: m.model.Device, Channel: w.Channel,
			Package: m.pkg.SHA256, Salt: hex.EncodeToString(salt), Stages: w.Stages, State: fleet.RolloutRunning,
			Since: now, Started: now, Changed: now, By: w.By,
		}
		offered, err := offeredBy(ctx, tx, r)
		if err != nil {
			return nil, err
		}
		if err := p.mayOffer(s, m.model, r, offered); err != nil {
			return nil, err
		}
		if err := tx.Rollouts().Create(ctx, r); err != nil {
			return nil, err
		}
		if err := p.audit(ctx, tx, w.By, "rollout.start", r.ID, fmt.Sprintf("stage 1 of %d: %s of the fleet", len(r.Stages), rollout.Percent(r.Share()))); err != nil {
			return nil, err
		}
		started = append(started, r)
	}
	return started, nil
}

type goal struct {
	model manifests.Model
	pkg   fleet.Package
}

// goals are the models of w with the package of each; every model without one is named.
func (p *Publisher) goals(w Start, packages []fleet.Package) ([]goal, error) {
	var goals []goal
	var faults []error
	wanted := w.Models
	if len(wanted) == 0 {
		for _, m := range p.cfg.Catalogue.Models() {
			if _, ok := packageFor(packages, m.Device, w.Channel); ok {
				wanted = append(wanted, m.Device)
			}
		}
	}
	seen := map[string]bool{}
	for _, name := range wanted {
		m, ok := p.cfg.Catalogue.Model(name)
		if !ok {
			m, ok = p.cfg.Catalogue.ByRole(name)
		}
		if !ok {
			faults = append(faults, fmt.Errorf("%q is no model of the catalogue", name))
			continue
		}
		pkg, ok := packageFor(packages, m.Device, w.Channel)
		if !ok {
			faults = append(faults, fmt.Errorf("release %s has no package for %s on %s (it has %s)", w.Release, m.Device, w.Channel, listed(packages)))
			continue
		}
		if !seen[m.Device] {
			goals = append(goals, goal{m, pkg})
		}
		seen[m.Device] = true
	}
	if len(goals) == 0 && len(faults) == 0 {
		faults = append(faults, fmt.Errorf("release %s has no package on %s (it has %s)", w.Release, w.Channel, listed(packages)))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "rollout_models", Msg: inOneLine(err)}
	}
	return goals, nil
}

func packageFor(packages []fleet.Package, model, channel string) (fleet.Package, bool) {
	for _, pkg := range packages {
		if pkg.Model == model && pkg.Channel == channel {
			return pkg, true
		}
	}
	return fleet.Package{}, false
}

func listed(packages []fleet.Package) string {
	var have []string
	for _, pkg := range packages {
		have = append(have, pkg.Variant+" on "+pkg.Channel)
	}
	return strings.Join(have, ", ")
}

// Halt stops a rollout and publishes that at once: handsets that have not begun do not begin.
func (p *Publisher) Halt(ctx context.Context, id, by, reason string) (fleet.Rollout, error) {
	return p.turn(ctx, id, by, reason, "rollout.halt", func(_ fleet.Tx, r fleet.Rollout) (fleet.Rollout, error) {
		return rollout.Halt(r, p.now(), by, reason)
	})
}

// Resume lets a held or halted rollout go on, and publishes that at once. It refuses one whose
// builds the model's role does not list any more.
func (p *Publisher) Resume(ctx context.Context, id, by, reason string) (fleet.Rollout, error) {
	s, err := p.load(ctx)
	if err != nil {
		return fleet.Rollout{}, err
	}
	return p.turn(ctx, id, by, reason, "rollout.resume", func(tx fleet.Tx, r fleet.Rollout) (fleet.Rollout, error) {
		counts, err := tx.Counts().Of(ctx, r.Release, r.Model, r.Channel)
		if err != nil {
			return r, err
		}
		next, err := rollout.Resume(r, p.now(), by, reason, counts)
		if err != nil {
			return r, err
		}
		packages, err := offeredBy(ctx, tx, r)
		if err != nil {
			return r, err
		}
		if model, ok := p.cfg.Catalogue.Model(r.Model); ok {
			err = p.mayOffer(s, model, r, packages)
		}
		return next, err
	})
}

func (p *Publisher) turn(ctx context.Context, id, by, reason, action string, how func(fleet.Tx, fleet.Rollout) (fleet.Rollout, error)) (fleet.Rollout, error) {
	var next fleet.Rollout
	err := p.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		r, err := tx.Rollouts().Get(ctx, id)
		if err != nil {
			return err
		}
		if next, err = how(tx, r); err != nil {
			return err
		}
		if err := tx.Rollouts().Save(ctx, next); err != nil {
			return err
		}
		return p.audit(ctx, tx, by, action, id, reason)
	})
	if err != nil {
		return next, err
	}
	return next, p.Offers(context.WithoutCancel(ctx)) // it is decided, whether or not the caller waits
}
