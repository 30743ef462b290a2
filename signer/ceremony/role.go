// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"bytes"
	"encoding/json"
	"slices"

	"landed/manifests"
	"landed/manifests/release"
	"landed/manifests/tufrepo"
)

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
			r.judgeOrder(own, before.Targets)
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
		r.problem(TargetDiffers, true, "%s: the metadata in the request is not what comes out when it is made anew "+
			"from your packages and the manifests.", role)
	}
}

// explain makes the target that t should be, from the reviewer's own package or the manifest.
func (r *review) explain(t tufrepo.Target) (tufrepo.Target, bool) {
	if text, ok := r.p.Request.Manifests[t.Path]; ok {
		r.used[t.Path] = true
		own := tufrepo.Target{Path: t.Path, Length: int64(len(text)), SHA256: hexSHA256(text)}
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
		r.problem(TargetUnknown, true, "%s is to be signed, but the request carries no package or document for it.", t.Path)
		return tufrepo.Target{}, false
	}
	if !named {
		r.problem(TargetUnknown, true, "%s is to be signed, but no manifest in the request speaks of it.", t.Path)
	}
	if !have || !named {
		return tufrepo.Target{}, false
	}
	custom, err := json.Marshal(m.Custom(m.sha256))
	if err != nil {
		return tufrepo.Target{}, false
	}
	return tufrepo.Target{Path: t.Path, Length: own.Facts.Size, SHA256: own.Facts.SHA256, Custom: custom}, true
}

// needPackage wants the package of a new manifest to be a target too.
func (r *review) needPackage(m document, path string) {
	info, err := tufrepo.Read(r.next.Files[roleOf(m.Model)])
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

// judgeOrder says what is wrong with a new package beside those that may be installed already.
func (r *review) judgeOrder(t tufrepo.Target, before []tufrepo.Target) {
	m, ok := r.byPackage[t.Path]
	if !ok {
		return
	}
	var published []manifests.Custom
	for _, b := range before {
		if c, err := manifests.ParseCustom(b.Custom); err == nil {
			published = append(published, c)
		}
	}
	for _, f := range release.Faults(m.Custom(m.sha256), m.Ask, published) {
		r.problem(Code(f.Code), f.Refuse, "%s", f.Words)
	}
}

func sameTarget(a, b tufrepo.Target) bool {
	return a.Path == b.Path && a.Length == b.Length && a.SHA256 == b.SHA256 && bytes.Equal(a.Custom, b.Custom)
}
