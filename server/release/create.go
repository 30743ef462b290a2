// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/published"
)

// Create reads what the engineer wrote, binds it to packages by their SHA-256, one per
// model and variant, and keeps it as a draft. All faults come at once.
func (rs *Releases) Create(ctx context.Context, source []byte, packages []string, by string) (fleet.Release, error) {
	declared, err := manifests.ParseRelease(source)
	if err != nil {
		return fleet.Release{}, &fleet.Error{Kind: fleet.Invalid, Code: "release_source", Msg: fleet.InOneLine(err)}
	}
	refs, err := packageRefs(packages)
	if err != nil {
		return fleet.Release{}, err
	}
	r := fleet.Release{
		Name: declared.Name, Counter: declared.Counter, Source: source, State: fleet.ReleaseDraft, By: by, At: rs.cfg.Repo.Now(),
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
		if err := errors.Join(rs.bindingFaults(declared, bound, before)...); err != nil {
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

// bindingFaults holds a release against its packages and the releases before it.
func (rs *Releases) bindingFaults(declared manifests.Release, bound []fleet.Package, before []fleet.Release) []error {
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
	day, _ := time.Parse(time.DateOnly, declared.Effect.PromptDay) // Validate has read it
	seen := map[string]string{}
	for _, pkg := range bound {
		if other, twice := seen[pkg.Variant]; twice {
			fault("%s and %s are both for %s; a release has one package per model and variant", other, pkg.Name, pkg.Variant)
		}
		seen[pkg.Variant] = pkg.Name
		if len(pkg.PreBuilds) > 0 {
			fault("INC-ALONE: %s is an incremental; a release needs the full package, because phones on other builds "+
				"cannot take this one", pkg.Name)
		}
		if time.Unix(pkg.Build.UTC, 0).Before(day) {
			fault("DOWN-UNPATCH: %s was built on %s, but builds ask for consent only since %s (effect.prompt_day), so it "+
				"activates Cloud Messaging by itself", pkg.Name, time.Unix(pkg.Build.UTC, 0).UTC().Format(time.DateOnly), declared.Effect.PromptDay)
		}
	}
	for model := range declared.Migration {
		if _, ok := rs.cfg.Catalogue.Model(model); !ok {
			fault("migration_by_model.%s: no such model in the catalogue", model)
		}
	}
	return faults
}

// manifest is the signed statement about one package of a release.
func (rs *Releases) manifest(declared manifests.Release, pkg fleet.Package) (manifests.Manifest, error) {
	model, ok := rs.cfg.Catalogue.Model(pkg.Model)
	if !ok {
		return manifests.Manifest{}, fleet.Errorf(fleet.Conflict, "model_unknown", "model %s of package %s is no "+
			"longer in the catalogue", pkg.Model, pkg.Name)
	}
	m := manifests.Manifest{
		Schema: 1, Release: declared.Name, Model: pkg.Model, Variant: pkg.Variant, Channel: pkg.Channel,
		Counter: declared.Counter, Build: pkg.Build,
		Package: manifests.Package{Path: tufrepo.PackagePath(model.Role(), pkg.Name), Length: pkg.Size, SHA256: pkg.SHA256},
		Effect:  declared.EffectOn(pkg.Model), Notes: declared.Notes,
	}
	return m, m.Validate()
}
