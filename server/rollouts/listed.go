// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/offering"
	"landed/server/published"
	"landed/server/repo"
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
func (rs *Rollouts) live(ctx context.Context, tx fleet.Tx) ([]live, error) {
	all, err := tx.Rollouts().List(ctx)
	if err != nil {
		return nil, err
	}
	var found []live
	seen := map[[2]string]bool{}
	for _, one := range all {
		model, ok := rs.cfg.Lineup.Catalogue().Model(one.Model)
		if !ok || seen[[2]string{one.Model, one.Channel}] {
			continue
		}
		seen[[2]string{one.Model, one.Channel}] = true
		rollouts, err := tx.Rollouts().OfModel(ctx, one.Model, one.Channel)
		if err != nil {
			return nil, err
		}
		for _, r := range offering.Wanted(rollouts) {
			if r.State != fleet.RolloutHalted {
				packages, err := Packages(ctx, tx, r)
				if err != nil {
					return nil, err
				}
				found = append(found, live{r, model, packages})
			}
		}
	}
	return found, nil
}

// Packages are the packages of a rollout's release for its model and channel.
func Packages(ctx context.Context, tx fleet.Tx, r fleet.Rollout) ([]fleet.Package, error) {
	release, err := tx.Releases().Get(ctx, r.Release)
	if err != nil {
		return nil, err
	}
	// A release of many models has thousands, and each of its rollouts asks: those of other models are not read.
	refs := slices.DeleteFunc(slices.Clone(release.Packages), func(ref fleet.PackageRef) bool {
		return ref.Model != "" && ref.Model != r.Model || ref.Channel != "" && ref.Channel != r.Channel
	})
	packages, err := published.Packages(ctx, tx, refs)
	return offering.PackagesFor(r, packages), err
}

// unlisted are the files of packages that the role of model does not list for r.
func unlisted(s repo.State, model manifests.Model, r fleet.Rollout, packages []fleet.Package) (names []string) {
	listed := listedBy(s, model.Role())
	if !s.Delegates(model.Role()) {
		listed = func(string) (tufrepo.Target, bool) { return tufrepo.Target{}, false }
	}
	return offering.FilesNotListed(listed, model.Role(), r, packages)
}

// CheckOffered refuses a next state whose model roles no longer list what is offered, or which retires
// a model while a rollout of it is on its way: that would end unseen, with no reason that support
// could read out. One that has gone to the whole fleet is done, and goes along with its model.
func (rs *Rollouts) CheckOffered(ctx context.Context, s, next repo.State) error {
	var faults, underWay []string
	err := rs.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := rs.live(ctx, tx)
		for _, l := range all {
			if role := l.model.Role(); s.Delegates(role) && !next.Delegates(role) {
				if l.rollout.State != fleet.RolloutFinished {
					underWay = append(underWay, fmt.Sprintf("%s (%s)", l.rollout.ID, l.rollout.State))
				}
				continue
			}
			before := unlisted(s, l.model, l.rollout, l.packages)
			after := slices.DeleteFunc(unlisted(next, l.model, l.rollout, l.packages),
				func(name string) bool { return slices.Contains(before, name) })
			if len(after) > 0 {
				faults = append(faults, fmt.Sprintf("%s, which rollout %s offers (%s), is not in version %d of %s",
					strings.Join(after, " and "), l.rollout.ID, l.rollout.State, next.Version(l.model.Role()), l.model.Role()))
			}
		}
		return err
	})
	if err == nil && len(underWay) > 0 {
		return fleet.Errorf(fleet.Conflict, "retires_offered", "nothing was imported, because it retires models with "+
			"rollouts on their way: %s. Halt them first, with a reason for the people whose handsets get no more updates "+
			"(otactl rollout halt ID --reason WHY), then import again", strings.Join(underWay, ", "))
	}
	if err == nil && len(faults) > 0 {
		err = fleet.Errorf(fleet.Conflict, "takes_out_offered", "nothing was imported, because builds would be taken "+
			"from handsets to which they are offered: %s. If the change was made on an old trust file, give it up and "+
			"bring that up to date (otasign refresh FEED --unpublished), then make it again; if the builds are to go, "+
			"halt their rollouts first", strings.Join(faults, "; "))
	}
	return err
}

// refuseUnlisted refuses a rollout of which the model's role does not list every package.
func refuseUnlisted(s repo.State, model manifests.Model, r fleet.Rollout, packages []fleet.Package) error {
	names := unlisted(s, model, r, packages)
	if len(names) == 0 {
		return nil
	}
	return fleet.Errorf(fleet.Conflict, "build_unlisted", "rollout %s would reach nobody: %s", r.ID, notListed(s,
		model, names))
}

func notListed(s repo.State, model manifests.Model, names []string) string {
	if !s.Delegates(model.Role()) {
		return fmt.Sprintf("the model %s is retired (not in the published targets any more), so nothing can be "+
			"offered to it; bring it in again with otasign add-model", model.Role())
	}
	return fmt.Sprintf("version %d of %s, which the signers signed, does not list %s (older builds are pruned, or "+
		"it was taken out); make a new release of the build and have it signed",
		s.Version(model.Role()), model.Role(), strings.Join(names, " and "))
}
