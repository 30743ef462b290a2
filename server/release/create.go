// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"landed/manifests"
	declaration "landed/manifests/release"
	"landed/server/device/legacy"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/repo"
)

// Create reads what the engineer wrote, binds it to packages by their SHA-256, one full package per
// model and variant with its incrementals, and keeps it as a draft. All faults come at once.
func (rs *Releases) Create(ctx context.Context, source []byte, packages []string, by string) (fleet.Release, error) {
	declared, err := declaration.Parse(source)
	if err != nil {
		return fleet.Release{}, &fleet.Error{Kind: fleet.Invalid, Code: "release_source", Msg: fleet.InOneLine(err)}
	}
	refs, err := packageRefs(packages)
	if err != nil {
		return fleet.Release{}, err
	}
	state, err := rs.cfg.Repo.State(ctx)
	if err != nil {
		return fleet.Release{}, err
	}
	// Kept whole, with its effect: it says the same whatever a later program knows by the effect's name.
	if source, err = declared.YAML(); err != nil {
		return fleet.Release{}, &fleet.Error{Kind: fleet.Invalid, Code: "release_source", Msg: fleet.InOneLine(err)}
	}
	r := fleet.Release{
		Name: declared.Name, Counter: declared.Counter, Source: source, State: fleet.ReleaseDraft, By: by,
		At: rs.cfg.Repo.Now(),
	}
	csigs, err := rs.csigFaults(ctx, declared, refs)
	if err != nil {
		return fleet.Release{}, err
	}
	err = rs.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		bound, err := published.Packages(ctx, tx, refs)
		if err != nil {
			return err
		}
		r.Packages = nil
		for _, pkg := range bound {
			r.Packages = append(r.Packages, pkg.Ref())
		}
		before, err := tx.Releases().List(ctx)
		if err != nil {
			return err
		}
		collisions, err := rs.collisions(ctx, tx, state, declared, bound, before)
		if err != nil {
			return err
		}
		faults := slices.Concat(rs.bindingFaults(state, declared, bound, before), csigs, collisions)
		if err := errors.Join(faults...); err != nil {
			return &fleet.Error{Kind: fleet.Invalid, Code: "release_packages", Msg: fleet.InOneLine(err)}
		}
		if err := tx.Releases().Create(ctx, r); err != nil {
			return err
		}
		return rs.audit(ctx, tx, by, "release.create", r.Name,
			fmt.Sprintf("counter %d, %d packages", r.Counter, len(packages)))
	})
	return r, err
}

// packageRefs reads how a person named packages.
func packageRefs(names []string) ([]fleet.PackageRef, error) {
	var refs []fleet.PackageRef
	var faults []error
	for _, name := range names {
		ref, err := fleet.ParsePackageRef(name)
		refs, faults = append(refs, ref), append(faults, err)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "package_ref", Msg: fleet.InOneLine(err)}
	}
	return refs, nil
}

// bindingFaults holds a release against its packages, the releases before it, and what every signer will refuse.
func (rs *Releases) bindingFaults(
	s repo.State, declared declaration.Release, bound []fleet.Package, before []fleet.Release,
) []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(bound) == 0 {
		fault("the release has no package; name at least one")
	}
	for _, old := range before {
		if old.Counter >= declared.Counter {
			fault("counter %d: release %s has %d already, and a counter grows with each release", declared.Counter,
				old.Name, old.Counter)
			break
		}
	}
	faults = append(faults, togetherFaults(bound)...)
	faults = append(faults, roomFaults(bound)...)
	channels := map[string]bool{}
	for _, pkg := range bound {
		if err := rs.cfg.Lineup.CheckChannel(pkg.Channel); err != nil && !channels[pkg.Channel] {
			faults = append(faults, err)
		}
		channels[pkg.Channel] = true
		if err := rs.cfg.Lineup.CheckServed(pkg.Model); err != nil {
			faults = append(faults, err)
		}
		faults = append(faults, rs.signerFaults(s, declared, pkg)...)
	}
	for _, model := range slices.Sorted(maps.Keys(declared.Migration)) {
		if _, ok := rs.cfg.Lineup.Catalogue().Model(model); !ok {
			fault("migration_by_model.%s: no such model in the catalogue", model)
		}
	}
	return append(faults, legacy.Faults(rs.cfg.Lineup.Catalogue(), declared, bound, rs.cfg.Base)...)
}

// signerFaults are what every signer would refuse about one package, in the words in which they would.
func (rs *Releases) signerFaults(s repo.State, declared declaration.Release, pkg fleet.Package) []error {
	next := manifests.Custom{Model: pkg.Model, Variant: pkg.Variant, Channel: pkg.Channel, Release: declared.Name,
		Counter: declared.Counter, Build: pkg.Build, Effect: declared.EffectName()}
	var listed []manifests.Custom
	for _, t := range s.Info(manifests.Model{Device: pkg.Model}.Role()).Targets {
		if c, err := manifests.ParseCustom(t.Custom); len(t.Custom) > 0 && err == nil {
			listed = append(listed, c)
		}
	}
	var faults []error
	for _, f := range declaration.Faults(next, declared.AskOn(pkg.Model), listed) {
		if f.Refuse {
			faults = append(faults, fmt.Errorf("%s: %s", f.Code, strings.TrimSuffix(f.Words, ".")))
		}
	}
	return faults
}
