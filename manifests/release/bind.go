// SPDX-License-Identifier: Apache-2.0

package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/tufrepo"
)

// Bound is one package of a release for a model.
type Bound struct {
	Variant     string
	Channel     string
	Build       manifests.Build // after
	Package     manifests.Package
	Incremental bool // goes with the full package of the same variant, channel and build
}

// Signed is what people sign of a release for one model, beside the packages themselves.
type Signed struct {
	Files   map[string][]byte           // by target path: handset manifests, the effect document, the notes
	Customs map[string]manifests.Custom // by target path of the package
}

// Bind makes the signed documents of r for one model: a handset manifest for each full package. An incremental leads to
// the same build, so it stands under the manifest of its full package, with the same custom part. Bind refuses a
// handset manifest that is larger than MaxManifest, and an incremental without its full package.
func (r Release) Bind(model manifests.Model, bound []Bound) (Signed, error) {
	role, s := model.Role(), Signed{map[string][]byte{}, map[string]manifests.Custom{}}
	add := func(path string, text []byte) *manifests.Package {
		s.Files[path] = text
		return &manifests.Package{Path: path, Length: int64(len(text)), SHA256: digest(text)}
	}
	notes := add(tufrepo.NotesPath(role, r.Name), r.NotesDocument().Bytes())
	var effectFile *manifests.Package
	if d, ok := r.EffectFor(model.Device, builds(model.Device, bound)); ok {
		effectFile = add(tufrepo.EffectPath(role, r.Name), d.Bytes())
	}
	for _, b := range fulls(bound) {
		m := manifests.Manifest{
			Schema: manifests.ManifestSchema, Release: r.Name, Model: model.Device, Variant: b.Variant, Channel: b.Channel,
			Counter: r.Counter, Build: b.Build, Package: b.Package, Effect: r.EffectName(), Ask: r.AskOn(model.Device),
			EffectDocument: effectFile, NotesDocument: notes,
		}
		if err := m.Validate(); err != nil {
			return s, fmt.Errorf("manifest for %s: %w", b.Variant, err)
		}
		file := add(tufrepo.ManifestPath(role, r.Name, b.Variant), m.Bytes())
		if file.Length > manifests.MaxManifest {
			return s, fmt.Errorf("the manifest for %s has %d bytes and handsets take %d: ask fewer probes, "+
				"or with shorter names", b.Variant, file.Length, manifests.MaxManifest)
		}
		s.Customs[b.Package.Path] = m.Custom(file.SHA256)
	}
	for _, b := range bound {
		if full, ok := b.full(bound); ok {
			s.Customs[b.Package.Path] = s.Customs[full.Package.Path]
		} else {
			return s, fmt.Errorf("%s is an incremental to %s for %s, and the full package of that build is missing",
				b.Package.Path, b.Build.Incremental, b.Variant)
		}
	}
	return s, nil
}

// fulls are the full packages of bound.
func fulls(bound []Bound) []Bound {
	return slices.DeleteFunc(slices.Clone(bound), func(b Bound) bool { return b.Incremental })
}

// full is the full package that b goes with: itself if it is one.
func (b Bound) full(bound []Bound) (Bound, bool) {
	if !b.Incremental {
		return b, true
	}
	i := slices.IndexFunc(bound, func(f Bound) bool {
		return !f.Incremental && f.Variant == b.Variant && f.Channel == b.Channel && f.Build == b.Build
	})
	if i < 0 {
		return b, false
	}
	return bound[i], true
}

// builds are those of bound, in order and once each.
func builds(model string, bound []Bound) []effect.Build {
	var all []effect.Build
	for _, b := range bound {
		build := effect.Build{Fingerprint: b.Build.Fingerprint, Model: model, Variant: b.Variant}
		if !slices.Contains(all, build) {
			all = append(all, build)
		}
	}
	slices.SortFunc(all, func(a, b effect.Build) int { return strings.Compare(a.Fingerprint, b.Fingerprint) })
	return all
}

// Targets are the TUF targets of s for packages with their paths, lengths and hashes.
func (s Signed) Targets(bound []Bound) ([]tufrepo.Target, error) {
	var targets []tufrepo.Target
	for path, text := range s.Files {
		targets = append(targets, tufrepo.Target{Path: path, Length: int64(len(text)), SHA256: digest(text)})
	}
	for _, b := range bound {
		custom, err := json.Marshal(s.Customs[b.Package.Path])
		if err != nil {
			return nil, err
		}
		targets = append(targets, tufrepo.Target{Path: b.Package.Path, Length: b.Package.Length, SHA256: b.Package.SHA256,
			Custom: custom})
	}
	slices.SortFunc(targets, func(a, b tufrepo.Target) int { return strings.Compare(a.Path, b.Path) })
	return targets, nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
