// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"landed/internal/format"
	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/tufrepo"
)

// readManifests reads the release manifests that the request carries.
func (r *review) readManifests() {
	for _, path := range slices.Sorted(maps.Keys(r.p.Request.Manifests)) {
		m, err := manifests.ParseManifest(r.p.Request.Manifests[path])
		if err != nil {
			r.problem(ManifestBad, true, "%s: %v", path, err)
			continue
		}
		model, ok := r.p.Catalogue.Model(m.Model)
		if !ok || !model.HasVariant(m.Variant) {
			r.problem(ModelUnknown, true, "%s is for %s, variant %s, which is not in the catalogue.", path, m.Model, m.Variant)
			continue
		}
		if want := tufrepo.ManifestPath(model.Role(), m.Release, m.Variant); want != path {
			r.problem(ManifestBad, true, "%s: this manifest belongs at %s.", path, want)
			continue
		}
		if other, twice := r.byPackage[m.Package.Path]; twice {
			r.problem(ManifestBad, true, "%s and another manifest (release %s, variant %s) both name the package %s.", path,
				other.Release, other.Variant, m.Package.Path)
		}
		r.manifests[path], r.byPackage[m.Package.Path] = m, m
	}
}

// readPackages inspects the reviewer's own copy of each package.
func (r *review) readPackages() error {
	for _, p := range r.p.Request.Packages {
		if r.p.Packages == nil {
			r.problem(PackageMissing, true, "You gave no folder with your own copies (--packages DIR), "+
				"so %s was not looked at. Get it from the build system, not from the server.", p.Name)
			continue
		}
		policy := otapkg.Policy{Catalogue: r.p.Catalogue, Model: p.Model, Channel: p.Channel, Keys: r.p.OTAKeys[p.Channel],
			Name: p.Name, Now: r.p.Now}
		if len(policy.Keys) == 0 {
			r.problem(KeysNotJudged, false, "No OTA certificate was given for channel %s, so who signed %s was not judged.",
				p.Channel, p.Name)
		}
		own, err := inspect(r.p.Packages, p.Name, policy)
		if errors.Is(err, fs.ErrNotExist) {
			r.problem(PackageMissing, true, "Your folder has no copy of %s. Get it from the build system, "+
				"not from the server, and keep its name.", p.Name)
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", p.Name, err)
		}
		r.Packages = append(r.Packages, own)
		if own.Facts.SHA256 != p.SHA256 || own.Facts.Size != p.Length {
			r.problem(PackageOther, true, "Your copy of %s has %d bytes and SHA-256 %s; "+
				"the request speaks of %d bytes and %s. One of the two was changed; find out which before anybody signs.", p.Name,
				own.Facts.Size, own.Facts.SHA256, p.Length, p.SHA256)
			continue
		}
		r.judgeFindings(own)
		r.judgeFacts(p, own.Facts)
		r.own[p.Path] = own
	}
	return nil
}

func (r *review) judgeFindings(own Package) {
	for _, f := range own.Findings {
		switch f.Level {
		case otapkg.Refuse:
			r.problem(PackageRefused, true, "%s: %s: %s", own.Name, f.Code, f.Message)
		case otapkg.Approve:
			r.problem(PackageApprove, false, "%s: %s: %s By signing you agree.", own.Name, f.Code, f.Message)
		}
	}
}

// judgeFacts compares what the package is with what its manifest says that it is.
func (r *review) judgeFacts(p tufrepo.RequestPackage, f otapkg.Facts) {
	m, ok := r.byPackage[p.Path]
	if !ok {
		return // reviewRole misses the manifest
	}
	differs := func(what string, found, wanted any) {
		r.problem(FactsDiffer, true, "%s: %s: the package says %v, its manifest says %v.", p.Name, what, found, wanted)
	}
	if !slices.Contains(f.PreDevices, m.Model) {
		differs("devices", f.PreDevices, m.Model)
	}
	if !slices.Equal(f.PostBuild, []string{m.Build.Fingerprint}) {
		differs("build afterwards", f.PostBuild, m.Build.Fingerprint)
	}
	if f.PostTimestamp != m.Build.UTC {
		differs("build time", f.PostTimestamp, m.Build.UTC)
	}
	if f.Variant != "" && f.Variant != m.Variant {
		differs("image variant", f.Variant, m.Variant)
	}
	if p.Model != m.Model || p.Variant != m.Variant {
		r.problem(FactsDiffer, true, "%s: the request lists it for %s, variant %s; its manifest is for %s, variant %s.",
			p.Name, p.Model, p.Variant, m.Model, m.Variant)
	}
	if p.Channel != m.Channel {
		r.problem(FactsDiffer, true, "%s: the request lists it for the channel %s; its manifest is for %s.", p.Name,
			p.Channel, m.Channel)
	}
	if m.Package.SHA256 != f.SHA256 || m.Package.Length != f.Size {
		differs("SHA-256 and length", fmt.Sprintf("%s, %d", f.SHA256, f.Size),
			fmt.Sprintf("%s, %d", m.Package.SHA256, m.Package.Length))
	}
}

// reviewRole recomputes the metadata of a model's builds: what is published, without what was
// taken out, and with targets made of the reviewer's own packages and the manifests.
func (r *review) reviewRole(role string, doc []byte) {
	info, err := tufrepo.Read(doc)
	if err != nil || role == tufrepo.Root || role == tufrepo.Targets {
		return // judged by the rules; it lists no files
	}
	before, err := tufrepo.Read(r.trusted.Files[role])
	if err != nil {
		before = tufrepo.Info{}
	}
	var expected []tufrepo.Target
	unexplained := false
	for _, t := range info.Targets {
		if slices.ContainsFunc(before.Targets, func(b tufrepo.Target) bool { return sameTarget(b, t) }) {
			expected = append(expected, t)
		} else if own, ok := r.explain(t); ok {
			expected = append(expected, own)
			r.judgeCounter(role, own, before.Targets)
		} else {
			unexplained = true
		}
	}
	if unexplained && r.Refused() {
		return // it is said already what is missing; that the whole differs only follows from it
	}
	again, err := tufrepo.NewRole(info.Version, info.Expires, expected)
	if err != nil {
		r.problem(TargetDiffers, true, "%s: recomputing it failed: %v", role, err)
		return
	}
	if same, err := tufrepo.SameStatement(again, doc); err != nil || !same {
		r.problem(TargetDiffers, true, "%s: the metadata in the request is not what comes out when it is made anew from "+
			"your packages and the manifests.", role)
	}
}

// explain makes the target that t should be, from the reviewer's own package or the manifest.
func (r *review) explain(t tufrepo.Target) (tufrepo.Target, bool) {
	if text, ok := r.p.Request.Manifests[t.Path]; ok {
		r.used[t.Path] = true
		own := tufrepo.Target{Path: t.Path, Length: int64(len(text)), SHA256: format.SHA256(text)}
		if m, ok := r.manifests[t.Path]; ok && !r.used[m.Package.Path] && !r.published(m.Package) {
			r.needPackage(m, t.Path)
		}
		return own, true
	}
	own, have := r.own[t.Path]
	m, named := r.byPackage[t.Path]
	if slices.ContainsFunc(r.p.Request.Packages, func(p tufrepo.RequestPackage) bool { return p.Path == t.Path }) {
		r.used[t.Path] = true
	} else {
		r.problem(TargetUnknown, true, "%s is to be signed, but the request carries no package or manifest for it.", t.Path)
		return tufrepo.Target{}, false
	}
	if !named {
		r.problem(TargetUnknown, true, "%s is to be signed, but no manifest in the request speaks of it.", t.Path)
	}
	if !have || !named {
		return tufrepo.Target{}, false
	}
	custom, err := json.Marshal(m.Custom())
	if err != nil {
		return tufrepo.Target{}, false
	}
	return tufrepo.Target{Path: t.Path, Length: own.Facts.Size, SHA256: own.Facts.SHA256, Custom: custom}, true
}

// needPackage wants the package of a new manifest to be a target too.
func (r *review) needPackage(m manifests.Manifest, path string) {
	model, _ := r.p.Catalogue.Model(m.Model)
	info, err := tufrepo.Read(r.next.Files[model.Role()])
	if err != nil || !slices.ContainsFunc(info.Targets, func(t tufrepo.Target) bool {
		return t.Path == m.Package.Path && t.SHA256 == m.Package.SHA256 && t.Length == m.Package.Length
	}) {
		r.problem(TargetDiffers, true, "%s speaks of the package %s with SHA-256 %.12s…, which is not among the targets.",
			path, m.Package.Path, m.Package.SHA256)
	}
}

// published says if p is a target already.
func (r *review) published(p manifests.Package) bool {
	for _, text := range r.trusted.Files {
		info, err := tufrepo.Read(text)
		if err == nil && slices.ContainsFunc(info.Targets, func(t tufrepo.Target) bool {
			return t.Path == p.Path && t.SHA256 == p.SHA256 && t.Length == p.Length
		}) {
			return true
		}
	}
	return false
}

// judgeCounter refuses a new package that goes back behind what may be installed already.
func (r *review) judgeCounter(role string, t tufrepo.Target, before []tufrepo.Target) {
	var next manifests.Custom
	if t.Custom == nil || json.Unmarshal(t.Custom, &next) != nil {
		return
	}
	for _, b := range before {
		var had manifests.Custom
		if b.Custom == nil || json.Unmarshal(b.Custom, &had) != nil || had.Variant != next.Variant {
			continue
		}
		if next.Counter < had.Counter || (next.Release != had.Release && next.Counter == had.Counter) {
			r.problem(CounterLow, true, "%s: release %s has counter %d, but %s with counter %d may be installed already.",
				role, next.Release, next.Counter, had.Release, had.Counter)
		}
		if next.Build.UTC < had.Build.UTC {
			r.problem(CounterLow, true, "%s: build %s is older than build %s, which may be installed already.", role,
				next.Build.Incremental, had.Build.Incremental)
		}
	}
}

func sameTarget(a, b tufrepo.Target) bool {
	return a.Path == b.Path && a.Length == b.Length && a.SHA256 == b.SHA256 && bytes.Equal(a.Custom, b.Custom)
}

// inspect reads one file of the folder as an OTA package.
func inspect(folder fs.FS, name string, policy otapkg.Policy) (Package, error) {
	f, err := folder.Open(name)
	if err != nil {
		return Package{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Package{}, err
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return Package{}, fmt.Errorf("%s cannot be read at random; use a folder on disk", name)
	}
	facts, findings, err := otapkg.Inspect(at, info.Size(), policy)
	return Package{name, facts, findings}, err
}
