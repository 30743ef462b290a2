// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/rollout"
)

// What a handset may install is what its model's offline role lists. A rollout of a build that
// is not listed there reaches nobody: here it is kept from coming about, and told if it has.

// live is a rollout that is not halted and can be wanted, with the packages that it offers.
type live struct {
	rollout  fleet.Rollout
	model    manifests.Model
	packages []fleet.Package
}

// live lists them: of each model and channel the newest, down to one that has gone to the whole
// fleet.
func (p *Publisher) live(ctx context.Context, tx fleet.Tx) ([]live, error) {
	all, err := tx.Rollouts().List(ctx)
	if err != nil {
		return nil, err
	}
	var found []live
	seen := map[[2]string]bool{}
	for _, one := range all {
		model, ok := p.cfg.Catalogue.Model(one.Model)
		if !ok || seen[[2]string{one.Model, one.Channel}] {
			continue
		}
		seen[[2]string{one.Model, one.Channel}] = true
		rollouts, err := tx.Rollouts().OfModel(ctx, one.Model, one.Channel)
		if err != nil {
			return nil, err
		}
		for _, r := range rollouts {
			if r.State != fleet.RolloutHalted {
				packages, err := offeredBy(ctx, tx, r)
				if err != nil {
					return nil, err
				}
				found = append(found, live{r, model, packages})
			}
			if r.State == fleet.RolloutFinished {
				break
			}
		}
	}
	return found, nil
}

// offeredBy are the packages of a rollout's release for its model and channel.
func offeredBy(ctx context.Context, tx fleet.Tx, r fleet.Rollout) ([]fleet.Package, error) {
	release, err := tx.Releases().Get(ctx, r.Release)
	if err != nil {
		return nil, err
	}
	packages, err := packagesOf(ctx, tx, release.Packages)
	return slices.DeleteFunc(packages, func(pkg fleet.Package) bool { return pkg.Model != r.Model || pkg.Channel != r.Channel }), err
}

// unlisted are the files of packages that the role of model does not list for r.
func unlisted(s state, model manifests.Model, r fleet.Rollout, packages []fleet.Package) (names []string) {
	for _, pkg := range packages {
		if _, ok := offer(s, model.Role(), r, pkg); !ok || !s.delegates(model.Role()) {
			names = append(names, path.Base(packagePath(model, pkg)))
		}
	}
	return names
}

// takesOut refuses a next state whose model roles no longer list what is offered, or which retires
// a model while a rollout of it is on its way: that would end unseen, with no reason that support
// could read out. One that has gone to the whole fleet is done, and goes along with its model.
func (p *Publisher) takesOut(ctx context.Context, s, next state) error {
	var faults, underWay []string
	err := p.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := p.live(ctx, tx)
		for _, l := range all {
			if role := l.model.Role(); s.delegates(role) && !next.delegates(role) {
				if l.rollout.State != fleet.RolloutFinished {
					underWay = append(underWay, fmt.Sprintf("%s (%s)", l.rollout.ID, l.rollout.State))
				}
				continue
			}
			before := unlisted(s, l.model, l.rollout, l.packages)
			after := slices.DeleteFunc(unlisted(next, l.model, l.rollout, l.packages), func(name string) bool { return slices.Contains(before, name) })
			if len(after) > 0 {
				faults = append(faults, fmt.Sprintf("%s, which rollout %s offers (%s), is not in version %d of %s", strings.Join(after, " and "), l.rollout.ID, l.rollout.State, next.info[l.model.Role()].Version, l.model.Role()))
			}
		}
		return err
	})
	if err == nil && len(underWay) > 0 {
		return fleet.Errorf(fleet.Conflict, "retires_offered", "nothing was imported, because it retires models with rollouts on their way: %s. Halt them first, with a reason for the people whose handsets get no more updates (otactl rollout halt ID --reason WHY), then import again", strings.Join(underWay, ", "))
	}
	if err == nil && len(faults) > 0 {
		err = fleet.Errorf(fleet.Conflict, "takes_out_offered", "nothing was imported, because builds would be taken from handsets to which they are offered: %s. If the change was made on an old trust file, give it up and bring that up to date (otasign refresh FEED --unpublished), then make it again; if the builds are to go, halt their rollouts first", strings.Join(faults, "; "))
	}
	return err
}

// mayOffer refuses a rollout of which the model's role does not list every package.
func (p *Publisher) mayOffer(s state, model manifests.Model, r fleet.Rollout, packages []fleet.Package) error {
	names := unlisted(s, model, r, packages)
	if len(names) == 0 {
		return nil
	}
	return fleet.Errorf(fleet.Conflict, "build_unlisted", "rollout %s would reach nobody: %s", r.ID, notListed(s, model, names))
}

func notListed(s state, model manifests.Model, names []string) string {
	if !s.delegates(model.Role()) {
		return fmt.Sprintf("the model %s is retired (not in the published targets any more), so nothing can be offered to it; bring it in again with otasign add-model", model.Role())
	}
	return fmt.Sprintf("version %d of %s, which the signers signed, does not list %s (older builds are pruned, or it was taken out); make a new release of the build and have it signed", s.info[model.Role()].Version, model.Role(), strings.Join(names, " and "))
}

// holdUnlisted holds the rollouts whose builds are not listed, with the reason: nothing of them
// is offered, and nobody should believe that they run.
func (p *Publisher) holdUnlisted(ctx context.Context) error {
	s, err := p.load(ctx)
	if err != nil {
		return err
	}
	held := map[string]string{}
	err = p.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := p.live(ctx, tx)
		for _, l := range all {
			if l.rollout.State == fleet.RolloutHeld {
				continue // somebody has to look already, and Resume says this too
			}
			if l.rollout.State == fleet.RolloutFinished && s.retired(l.model.Role()) {
				continue // it went to everybody, and nobody is kept waiting for it
			}
			if names := unlisted(s, l.model, l.rollout, l.packages); len(names) > 0 {
				held[l.rollout.ID] = notListed(s, l.model, names)
			}
		}
		return err
	})
	if err != nil || len(held) == 0 {
		return err
	}
	return p.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		for id, words := range held {
			r, err := tx.Rollouts().Get(ctx, id)
			if err != nil {
				return err
			}
			if r.State == fleet.RolloutHalted || r.State == fleet.RolloutHeld {
				continue // meanwhile
			}
			held := fleet.Reason{Code: reasons.NotListed, Values: map[string]string{fleet.TextValue: words}}
			r.State, r.Held, r.Changed = fleet.RolloutHeld, held, p.now()
			words = "nothing of it is offered: " + words
			if err := tx.Rollouts().Save(ctx, r); err != nil {
				return err
			}
			p.cfg.Log.ErrorContext(ctx, "rollout held", "rollout", id, "reason", words)
			if err := p.audit(ctx, tx, rollout.Author, "rollout.hold", id, words); err != nil {
				return err
			}
		}
		return nil
	})
}
