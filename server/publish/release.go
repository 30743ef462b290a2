// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/server/fleet"
)

// CreateRelease reads what the engineer wrote, binds it to packages by their SHA-256, one per
// model and variant, and keeps it as a draft. All faults come at once.
func (p *Publisher) CreateRelease(ctx context.Context, source []byte, packages []string, by string) (fleet.Release, error) {
	declared, err := manifests.ParseRelease(source)
	if err != nil {
		return fleet.Release{}, &fleet.Error{Kind: fleet.Invalid, Code: "release_source", Msg: inOneLine(err)}
	}
	refs, err := packageRefs(packages)
	if err != nil {
		return fleet.Release{}, err
	}
	r := fleet.Release{Name: declared.Name, Counter: declared.Counter, Source: source, State: fleet.ReleaseDraft, By: by, At: p.now()}
	err = p.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		bound, err := packagesOf(ctx, tx, refs)
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
		if err := errors.Join(p.bindingFaults(declared, bound, before)...); err != nil {
			return &fleet.Error{Kind: fleet.Invalid, Code: "release_packages", Msg: inOneLine(err)}
		}
		if err := tx.Releases().Create(ctx, r); err != nil {
			return err
		}
		return p.audit(ctx, tx, by, "release.create", r.Name, fmt.Sprintf("counter %d, %d packages", r.Counter, len(packages)))
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
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "package_ref", Msg: inOneLine(err)}
	}
	return refs, nil
}

// packagesOf reads packages; each that is missing is named.
func packagesOf(ctx context.Context, tx fleet.Tx, refs []fleet.PackageRef) ([]fleet.Package, error) {
	var all []fleet.Package
	var missing []string
	for _, ref := range refs {
		pkg, err := tx.Packages().Get(ctx, ref)
		switch {
		case fleet.Is(err, fleet.NotFound):
			missing = append(missing, ref.String())
		case err != nil:
			return nil, err
		default:
			all = append(all, pkg)
		}
	}
	if len(missing) > 0 {
		return nil, fleet.Errorf(fleet.NotFound, "package_missing", "no package has the SHA-256 %s; upload it first", strings.Join(missing, " or "))
	}
	return all, nil
}

// bindingFaults holds a release against its packages and the releases before it.
func (p *Publisher) bindingFaults(r manifests.Release, bound []fleet.Package, before []fleet.Release) []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(bound) == 0 {
		fault("the release has no package; name at least one")
	}
	for _, old := range before {
		if old.Counter >= r.Counter {
			fault("counter %d: release %s has %d already, and a counter grows with each release", r.Counter, old.Name, old.Counter)
			break
		}
	}
	day, _ := time.Parse(time.DateOnly, r.Effect.PromptDay) // Validate has read it
	seen := map[string]string{}
	for _, pkg := range bound {
		if other, twice := seen[pkg.Variant]; twice {
			fault("%s and %s are both for %s; a release has one package per model and variant", other, pkg.Name, pkg.Variant)
		}
		seen[pkg.Variant] = pkg.Name
		if len(pkg.PreBuilds) > 0 {
			fault("INC-ALONE: %s is an incremental; a release needs the full package, because phones on other builds cannot take this one", pkg.Name)
		}
		if time.Unix(pkg.Build.UTC, 0).Before(day) {
			fault("DOWN-UNPATCH: %s was built on %s, but builds ask for consent only since %s (effect.prompt_day), so it activates Cloud Messaging by itself", pkg.Name, time.Unix(pkg.Build.UTC, 0).UTC().Format(time.DateOnly), r.Effect.PromptDay)
		}
	}
	for model := range r.Migration {
		if _, ok := p.cfg.Catalogue.Model(model); !ok {
			fault("migration_by_model.%s: no such model in the catalogue", model)
		}
	}
	return faults
}

// manifest is the signed statement about one package of a release.
func (p *Publisher) manifest(r manifests.Release, pkg fleet.Package) (manifests.Manifest, error) {
	model, ok := p.cfg.Catalogue.Model(pkg.Model)
	if !ok {
		return manifests.Manifest{}, fleet.Errorf(fleet.Conflict, "model_unknown", "model %s of package %s is no longer in the catalogue", pkg.Model, pkg.Name)
	}
	m := manifests.Manifest{
		Schema: 1, Release: r.Name, Model: pkg.Model, Variant: pkg.Variant, Channel: pkg.Channel, Counter: r.Counter, Build: pkg.Build,
		Package: manifests.Package{Path: packagePath(model, pkg), Length: pkg.Size, SHA256: pkg.SHA256},
		Effect:  r.EffectOn(pkg.Model), Notes: r.Notes,
	}
	return m, m.Validate()
}

// inOneLine joins the lines of joined errors with semicolons, for people and JSON alike.
func inOneLine(err error) string {
	lines := slices.DeleteFunc(strings.Split(err.Error(), "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
	return strings.Join(lines, "; ")
}
