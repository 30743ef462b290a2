// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"landed/manifests"
	declaration "landed/manifests/release"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/repo"
)

// KeepBuilds is how many builds a model role lists per image variant. Older ones are pruned,
// so that what a handset downloads stays small; handsets that run them are not touched by it.
const KeepBuilds = 20

// Stage makes the next version of the role of each model that a release touches, and the
// request that the offline signers need. Nothing is published by it.
func (rs *Releases) Stage(ctx context.Context, name, by string) (fleet.Change, error) {
	var change fleet.Change
	err := rs.cfg.Repo.Exclusive(ctx, func(*repo.Writer) error { // nothing is published between the drafting and the storing
		s, err := rs.cfg.Repo.State(ctx)
		if err != nil {
			return err
		}
		if !s.Started() {
			return fleet.Errorf(fleet.Conflict, "trust_missing",
				"no root of trust is here yet; make one with otasign init and import it with otactl trust import")
		}
		r, packages, err := rs.stageable(ctx, name)
		if err != nil {
			return err
		}
		draft, err := rs.draftRoles(ctx, s, r, packages)
		if err != nil {
			return err
		}
		if draft.names, err = rs.names(ctx, s); err != nil {
			return err
		}
		if change, err = rs.request(s, r, draft); err != nil {
			return err
		}
		return rs.saveStaged(ctx, r, change, draft.manifests, by)
	})
	return change, err
}

// stageable loads a release that may be staged now: a draft, or one whose change was dropped.
func (rs *Releases) stageable(ctx context.Context, name string) (r fleet.Release, packages []fleet.Package, err error) {
	err = rs.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		if r, err = tx.Releases().Get(ctx, name); err != nil {
			return err
		}
		switch r.State {
		case fleet.ReleasePublished:
			return fleet.Errorf(fleet.Conflict, "published", "release %s is published; start a rollout, or make a new "+
				"release", name)
		case fleet.ReleaseStaged:
			c, err := tx.Changes().Get(ctx, r.Change)
			if err != nil {
				return err
			}
			if c.State == fleet.ChangeOpen {
				return fleet.Errorf(fleet.Conflict, "staged", "release %s is staged and waits for signatures; fetch the "+
					"request of change %s", name, c.ID)
			}
		}
		packages, err = published.Packages(ctx, tx, r.Packages)
		return err
	})
	return r, packages, err
}

// draft is what a release adds: unsigned roles, and the documents they point to.
type draft struct {
	roles     map[string][]byte
	manifests map[string][]byte
	packages  []tufrepo.RequestPackage
	models    []manifests.Model
	pruned    []string
	names     map[string]string // of the holders of keys
}

// draftRoles stores nothing: what it finds may still be refused.
func (rs *Releases) draftRoles(
	ctx context.Context, s repo.State, r fleet.Release, packages []fleet.Package,
) (draft, error) {
	d := draft{roles: map[string][]byte{}, manifests: map[string][]byte{}}
	declared, err := declaration.Parse(r.Source)
	if err != nil {
		return d, fmt.Errorf("stored release %s: %w", r.Name, err)
	}
	added, err := rs.bind(&d, declared, packages)
	if err != nil {
		return d, err
	}
	used, err := rs.usedVersions(ctx)
	if err != nil {
		return d, err
	}
	for _, role := range slices.Sorted(maps.Keys(added)) {
		if !s.Delegates(role) {
			if s.Retired(role) {
				return d, fleet.Errorf(fleet.Conflict, "model_untrusted", "%s is retired, and nobody signs for it; leave it "+
					"out of the release, or bring it in again with otasign add-model --model %s", role, role)
			}
			return d, fleet.Errorf(fleet.Conflict, "model_untrusted", "nobody may sign for %s yet; run otasign add-model "+
				"--model %s and import what it writes", role, role)
		}
		targets, pruned := nextTargets(s.Info(role).Targets, added[role])
		d.pruned = append(d.pruned, pruned...)
		version, expires := max(s.Next(role), used[role]+1), rs.cfg.Repo.Now().Add(rs.cfg.Life)
		if d.roles[role], err = tufrepo.NewRole(version, expires, targets); err != nil {
			return d, &fleet.Error{Kind: fleet.Conflict, Code: "role_refused", Msg: fmt.Sprintf("the next version of %s "+
				"cannot be written: %s", role, fleet.InOneLine(err))}
		}
	}
	return d, nil
}

// bind makes the documents and targets of each model that has packages, by role.
func (rs *Releases) bind(
	d *draft, declared declaration.Release, packages []fleet.Package,
) (added map[string][]tufrepo.Target, err error) {
	bound := map[string][]declaration.Bound{} // by device
	for _, pkg := range packages {
		model, ok := rs.cfg.Lineup.Catalogue().Model(pkg.Model)
		if !ok {
			return nil, fleet.Errorf(fleet.Conflict, "model_unknown", "model %s of package %s is no longer in the catalogue",
				pkg.Model, pkg.Name)
		}
		file := manifests.Package{Path: tufrepo.PackagePath(model.Role(), pkg.Name), Length: pkg.Size, SHA256: pkg.SHA256}
		bound[pkg.Model] = append(bound[pkg.Model], declaration.Bound{
			Variant: pkg.Variant, Channel: pkg.Channel, Build: pkg.Build, Package: file, Incremental: len(pkg.PreBuilds) > 0,
		})
		d.packages = append(d.packages, tufrepo.RequestPackage{Path: file.Path, Name: pkg.Name, SHA256: pkg.SHA256,
			Length: pkg.Size, Model: pkg.Model, Variant: pkg.Variant, Channel: pkg.Channel})
	}
	added = map[string][]tufrepo.Target{}
	for _, device := range slices.Sorted(maps.Keys(bound)) {
		model, _ := rs.cfg.Lineup.Catalogue().Model(device)
		signed, err := declared.Bind(model, bound[device])
		if err != nil {
			return nil, &fleet.Error{Kind: fleet.Invalid, Code: "release_documents", Msg: fleet.InOneLine(err)}
		}
		maps.Copy(d.manifests, signed.Files)
		d.models = append(d.models, model)
		if added[model.Role()], err = signed.Targets(bound[device]); err != nil {
			return nil, err
		}
	}
	return added, nil
}
