// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/release"
	"landed/manifests/tufrepo"
)

// document is a handset manifest that the request carries, as it could be read.
type document struct {
	manifests.Manifest
	path, sha256 string // of the manifest as a target
}

// readDocuments reads what the request carries beside the metadata: handset manifests, effect documents and notes, told
// apart by their paths. Then it holds them against each other.
func (r *review) readDocuments() {
	for _, path := range slices.Sorted(maps.Keys(r.p.Request.Manifests)) {
		text := r.p.Request.Manifests[path]
		switch {
		case strings.HasSuffix(path, ".effect.json"):
			d, _, err := release.ParseEffect(text)
			if err != nil {
				r.problem(DocumentBad, true, "%s: %v", path, err)
				continue
			}
			r.effects[path] = d
		case strings.HasSuffix(path, ".notes.json"):
			d, err := release.ParseNotes(text)
			if err != nil {
				r.problem(DocumentBad, true, "%s: %v", path, err)
				continue
			}
			r.notes[path] = d
		default:
			r.readManifest(path, text)
		}
	}
	r.bindIncrementals()
	bound := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(r.manifests)) {
		r.bindDocuments(r.manifests[path], bound)
	}
	for _, path := range slices.Sorted(maps.Keys(r.p.Request.Manifests)) {
		if _, isEffect := r.effects[path]; isEffect {
			r.judgeBuilds(path)
		}
		if read := r.effects[path].Schema != 0 || r.notes[path].Schema != 0; read && !bound[path] {
			r.problem(DocumentBad, true, "%s: no manifest in the request names it.", path)
		}
	}
}

// readManifest reads one handset manifest.
func (r *review) readManifest(path string, text []byte) {
	m, err := manifests.ParseManifest(text)
	if err != nil {
		r.problem(ManifestBad, true, "%s: %v", path, err)
		return
	}
	if m.Schema != manifests.ManifestSchema {
		r.problem(ManifestBad, true, "%s is a new manifest of schema %d; wanted schema %d. "+
			"Stage the release again with a server of today.", path, m.Schema, manifests.ManifestSchema)
		return
	}
	if len(text) > manifests.MaxManifest {
		r.problem(ManifestBad, true, "%s has %d bytes, wanted at most %d: every handset downloads it. Ask for fewer probes.",
			path, len(text), manifests.MaxManifest)
	}
	model, ok := r.catalogue.Model(m.Model)
	if !ok || !model.HasVariant(m.Variant) {
		r.problem(ModelUnknown, true, "%s is for %s, variant %s, which is not among the models.", path, m.Model, m.Variant)
		return
	}
	if want := tufrepo.ManifestPath(model.Role(), m.Release, m.Variant); want != path {
		r.problem(ManifestBad, true, "%s: this manifest belongs at %s.", path, want)
		return
	}
	if other, twice := r.byPackage[m.Package.Path]; twice {
		r.problem(ManifestBad, true, "%s and another manifest (release %s, variant %s) both name the package %s.",
			path, other.Release, other.Variant, m.Package.Path)
	}
	d := document{m, path, hexSHA256(text)}
	r.manifests[path], r.byPackage[m.Package.Path] = d, d
}

// bindDocuments holds the documents that m names against m, and notes in bound which they are.
func (r *review) bindDocuments(m document, bound map[string]bool) {
	role := roleOf(m.Model)
	notesPath := r.bind(m, "notes", m.NotesDocument, tufrepo.NotesPath(role, m.Release), bound)
	notes, haveNotes := r.notes[notesPath]
	if haveNotes && notes.Release != m.Release {
		r.problem(DocumentBad, true, "%s names notes of release %s; wanted %s.", m.path, notes.Release, m.Release)
	}
	if m.Effect == "" {
		return
	}
	path := r.bind(m, "effect document", m.EffectDocument, tufrepo.EffectPath(role, m.Release), bound)
	d, ok := r.effects[path]
	if !ok {
		return // bind, or its own reading, has said why
	}
	differs := func(what string, found, wanted any) {
		r.problem(DocumentBad, true, "%s: %s: the effect document says %v, the manifest %s says %v.",
			path, what, found, m.path, wanted)
	}
	if d.Release != m.Release || d.Counter != m.Counter {
		differs("release and counter", fmt.Sprintf("%s, %d", d.Release, d.Counter),
			fmt.Sprintf("%s, %d", m.Release, m.Counter))
	}
	if d.Model != m.Model {
		differs("model", d.Model, m.Model)
	}
	if d.Effect.Name != m.Effect {
		differs("effect", d.Effect.Name, m.Effect)
	}
	if found, wanted := inJSON(d.Effect.Ask), inJSON(m.Ask); !bytes.Equal(found, wanted) {
		differs("what is asked of handsets", string(found), string(wanted))
	}
	for _, language := range slices.Sorted(maps.Keys(notes.Notes)) {
		if _, speaks := d.Effect.Words[language]; !speaks {
			r.problem(DocumentBad, true, "%s has no words in %s, a language of the notes; it has %s.",
				path, language, strings.Join(slices.Sorted(maps.Keys(d.Effect.Words)), ", "))
		}
	}
}

// bind wants a document that m names to be in the request, where it belongs and as m says. It returns its path.
func (r *review) bind(m document, what string, named *manifests.Package, want string, bound map[string]bool) string {
	bound[named.Path] = true
	text, carried := r.p.Request.Manifests[named.Path]
	switch {
	case named.Path != want:
		r.problem(DocumentBad, true, "%s: its %s belongs at %s, but it names %s.", m.path, what, want, named.Path)
	case !carried:
		r.problem(DocumentBad, true, "%s names the %s %s, which the request does not carry.", m.path, what, named.Path)
	case int64(len(text)) != named.Length || hexSHA256(text) != named.SHA256:
		r.problem(DocumentBad, true, "%s: %s has %d bytes and SHA-256 %.12s…, but the manifest names %d bytes and %.12s….",
			m.path, named.Path, len(text), hexSHA256(text), named.Length, named.SHA256)
	default:
		return named.Path
	}
	return ""
}

// judgeBuilds wants the builds of an effect document to be exactly those of its release for its model: reports of every
// one of them are judged by it, and of no other.
func (r *review) judgeBuilds(path string) {
	d := r.effects[path]
	var want []effect.Build
	for _, m := range r.manifests {
		if m.Release == d.Release && m.Model == d.Model {
			want = append(want, effect.Build{Fingerprint: m.Build.Fingerprint, Model: m.Model, Variant: m.Variant})
		}
	}
	only := func(here, there []effect.Build) (words []string) {
		for _, b := range here {
			if !slices.Contains(there, b) {
				words = append(words, fmt.Sprintf("%s for %s", b.Fingerprint, b.Variant))
			}
		}
		slices.Sort(words)
		return words
	}
	if more := only(d.Builds, want); len(more) > 0 {
		r.problem(DocumentBad, true, "%s judges reports of %s, which the release does not have.",
			path, strings.Join(more, " and "))
	}
	if less := only(want, d.Builds); len(less) > 0 {
		r.problem(DocumentBad, true, "%s lacks the build %s, so its reports would prove nothing.",
			path, strings.Join(less, " and "))
	}
	if len(d.Builds) > len(want) && len(only(d.Builds, want)) == 0 {
		r.problem(DocumentBad, true, "%s names a build twice.", path)
	}
}

func roleOf(device string) string { return manifests.Model{Device: device}.Role() }

func hexSHA256(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
