// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/otapkg"
	"landed/manifests/release"
	"landed/manifests/tufrepo"
)

// release is what the server would stage, and the reviewer's folder.
type staging struct {
	h        *org
	folder   string
	content  []byte
	name     string
	manifest manifests.Manifest
	effect   release.EffectDocument
	notes    release.NotesDocument
	asBytes  func(effect, notes []byte) ([]byte, []byte) // spoils the documents after the manifest is bound to them
	request  tufrepo.Request
	mine     *tufrepo.Set
	// catalogue is the reviewer's own list of models, if there is one.
	catalogue *manifests.Catalogue
	otaKeys   map[string][]otapkg.Pin
}

func newRelease(t *testing.T, h *org, kind fixtures.Kind) *staging {
	t.Helper()
	b := must(fixtures.BuildOf("armani", kind))
	content := contentOf(kind, b)
	sum := md5.Sum(content)
	r := &staging{h: h, folder: t.TempDir(), content: content, name: b.FileName(hex.EncodeToString(sum[:]))}
	r.write(t, r.name, content)
	set := h.set
	r.mine = &set
	block, _ := pem.Decode(fixtures.TestKey().CertPEM())
	r.otaKeys = map[string][]otapkg.Pin{"stable": {must(otapkg.PinOf(must(x509.ParseCertificate(block.Bytes))))}}
	declared := twoLanguages()
	built := effect.Build{Fingerprint: b.Fingerprint, Model: "armani", Variant: b.Variant}
	r.effect, _ = declared.EffectFor("armani", []effect.Build{built})
	r.notes = declared.NotesDocument()
	r.manifest = manifests.Manifest{Schema: manifests.ManifestSchema, Release: declared.Name, Model: "armani", Variant: b.Variant,
		Channel: "stable", Counter: declared.Counter,
		Build:   manifests.Build{Fingerprint: b.Fingerprint, Incremental: b.Incremental, UTC: b.UTC},
		Package: manifests.Package{Path: tufrepo.PackagePath("armani", r.name), Length: int64(len(content)), SHA256: hash(content)},
		Effect:  declared.EffectName(), Ask: declared.AskOn("armani")}
	r.bind()
	return r
}

// contents are the packages of these tests, made once: their bytes are always the same.
var contents = map[fixtures.Kind][]byte{}

func contentOf(kind fixtures.Kind, b fixtures.Build) []byte {
	if contents[kind] == nil {
		contents[kind] = must(fixtures.Bytes(b, fixtures.TestKey()))
	}
	return contents[kind]
}

// twoLanguages is a release of an effect that speaks the language of the program, and one more.
func twoLanguages() release.Release {
	e := must(effect.ByName("app-list-upload-off"))
	e.PromptDay, e.Migration = "2014-08-01", probe.MigrationSwitchOff
	e.Words = map[string]effect.Words{"en": e.Words["en"], "de": e.Words["en"]}
	return release.Release{Schema: release.Schema, Name: "first-fix", Counter: 1, Effect: &e,
		Notes: map[string]string{"en": "The list of your apps stays with you.", "de": "Die Liste Ihrer Apps bleibt bei Ihnen."},
		Questions: []release.Question{{Question: map[string]string{"en": "Why?", "de": "Warum?"}, Answer: map[string]string{"en": "So.",
			"de": "Darum."}}}}
}

// called gives the release another name and counter, in all documents.
func (r *staging) called(name string, counter int64) {
	r.manifest.Release, r.effect.Release, r.notes.Release = name, name, name
	r.manifest.Counter, r.effect.Counter = counter, counter
	r.bind()
}

// bind makes the manifest name the documents as they are.
func (r *staging) bind() {
	point := func(path string, text []byte) *manifests.Package {
		return &manifests.Package{Path: path, Length: int64(len(text)), SHA256: hash(text)}
	}
	r.manifest.NotesDocument = point(tufrepo.NotesPath("armani", r.manifest.Release), r.notes.Bytes())
	r.manifest.EffectDocument = nil
	if r.manifest.Effect != "" {
		r.manifest.EffectDocument = point(tufrepo.EffectPath("armani", r.manifest.Release), r.effect.Bytes())
	}
}

// documents are the files beside the package, by target path.
func (r *staging) documents() map[string][]byte {
	m, effectText, notesText := r.manifest, r.effect.Bytes(), r.notes.Bytes()
	if r.asBytes != nil {
		effectText, notesText = r.asBytes(effectText, notesText)
	}
	files := map[string][]byte{tufrepo.ManifestPath("armani", m.Release, m.Variant): m.Bytes(),
		tufrepo.NotesPath("armani", m.Release): notesText}
	if m.Effect != "" {
		files[tufrepo.EffectPath("armani", m.Release)] = effectText
	}
	return files
}

func (r *staging) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// targets are the files of the release: the package first, then its documents.
func (r *staging) targets() []tufrepo.Target {
	m := r.manifest
	list := []tufrepo.Target{{Path: m.Package.Path, Length: m.Package.Length, SHA256: m.Package.SHA256,
		Custom: must(json.Marshal(m.Custom(hash(m.Bytes()))))}}
	files := r.documents()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		list = append(list, tufrepo.Target{Path: path, Length: int64(len(files[path])), SHA256: hash(files[path])})
	}
	return list
}

// restage binds and stages what the release says by now.
func (r *staging) restage() {
	r.bind()
	r.stage(r.targets())
}

// stage makes the request out of what the release says by now.
func (r *staging) stage(targets []tufrepo.Target) {
	m := r.manifest
	role := must(tufrepo.NewRole(must(tufrepo.Read(r.h.set.Files["armani"])).Version+1, r.h.now.Add(100*day), targets))
	r.request = must(newRequest("Ship the fix", r.h.set, map[string][]byte{"armani": role}, r.h.now))
	r.request.Manifests = r.documents()
	model, _ := manifests.DefaultCatalogue().Model("armani")
	r.request.Models = []manifests.Model{model}
	r.request.Packages = []tufrepo.RequestPackage{{Path: m.Package.Path, Name: r.name, SHA256: m.Package.SHA256, Length: m.Package.Length,
		Model: m.Model, Variant: m.Variant, Channel: "stable"}}
}

func (r *staging) review(t *testing.T) Summary {
	t.Helper()
	s, err := Review(ReviewParams{Now: r.h.now, Request: must(tufrepo.ParseRequest(r.request.Bytes())), Packages: os.DirFS(r.folder),
		Catalogue: r.catalogue, Trusted: r.mine, OTAKeys: r.otaKeys})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReviewOfAGoodRelease(t *testing.T) {
	h := newOrg(t, "armani")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	s := r.review(t)
	if len(s.Problems) != 0 {
		t.Errorf("problems: %+v", s.Problems)
	}
	if words := strings.Join(s.Changes, "\n"); !strings.Contains(words, "New package for armani_global on stable: release first-fix, build "+
		"JHCMIBH46.0 of 2014-08-09") {
		t.Errorf("changes:\n%s", words)
	}
	if len(s.Packages) != 1 || s.Packages[0].Facts.SHA256 != hash(r.content) {
		t.Errorf("packages: %+v", s.Packages)
	}
	h.apply(t, r.request, h.builds[0], h.builds[2])
	next := newRelease(t, h, fixtures.Bad)
	next.called("second-fix", 2)
	next.stage(slices.Concat(must(tufrepo.Read(h.set.Files["armani"])).Targets, next.targets()))
	if s := next.review(t); len(s.Problems) != 0 {
		t.Errorf("the next release has problems: %+v", s.Problems)
	}
}

// TestReviewRefuses gives the reviewer a request that lies in one point.
func TestReviewRefuses(t *testing.T) {
	cases := []struct {
		lie  string
		do   func(t *testing.T, r *staging)
		want Code
	}{
		{"the package was swapped after staging", func(t *testing.T, r *staging) {
			other := newRelease(t, r.h, fixtures.Bad)
			r.write(t, r.name, other.content)
		}, PackageOther},
		{"one byte of the package was changed", func(t *testing.T, r *staging) {
			changed := slices.Clone(r.content)
			changed[len(changed)/2] ^= 1
			r.write(t, r.name, changed)
		}, PackageOther},
		{"the reviewer has no copy", func(t *testing.T, r *staging) { r.request.Packages[0].Name = "other.zip" }, PackageMissing},
		{"the package is signed by a stranger", func(t *testing.T, r *staging) {
			r.otaKeys["stable"] = []otapkg.Pin{must(otapkg.PinOf(must(x509.ParseCertificate(must(firstBlock("other.cert.pem"))))))}
		}, PackageRefused},
		{"the package is damaged but the request knows its hash", func(t *testing.T, r *staging) {
			changed := slices.Clone(r.content)
			changed[len(changed)/2] ^= 1
			r.write(t, r.name, changed)
			r.manifest.Package.SHA256 = hash(changed)
			r.stage(r.targets())
		}, PackageRefused},
		{"the manifest names another build", func(t *testing.T, r *staging) {
			r.manifest.Build.Fingerprint = strings.Replace(r.manifest.Build.Fingerprint, "JHCMIBH46.0", "JHCMIBH99.0", 1)
			r.stage(r.targets())
		}, FactsDiffer},
		{"the manifest names another channel", func(t *testing.T, r *staging) {
			r.manifest.Channel = "lab"
			r.stage(r.targets())
		}, FactsDiffer},
		{"the metadata names another channel than the manifest", func(t *testing.T, r *staging) {
			targets := r.targets()
			custom := r.manifest.Custom(hash(r.manifest.Bytes()))
			custom.Channel = "lab"
			targets[0].Custom = must(json.Marshal(custom))
			r.stage(targets)
		}, TargetDiffers},
		{"the manifest names another time", func(t *testing.T, r *staging) {
			r.manifest.Build.UTC++
			r.stage(r.targets())
		}, FactsDiffer},
		{"the metadata has a lower counter than the manifest", func(t *testing.T, r *staging) {
			targets := r.targets()
			custom := r.manifest.Custom(hash(r.manifest.Bytes()))
			custom.Counter = 1
			if custom.Counter == r.manifest.Counter {
				custom.Counter = 2
			}
			targets[0].Custom = must(json.Marshal(custom))
			r.stage(targets)
		}, TargetDiffers},
		{"the metadata promises another effect", func(t *testing.T, r *staging) {
			targets := r.targets()
			custom := r.manifest.Custom(hash(r.manifest.Bytes()))
			custom.Effect = "build-runs"
			targets[0].Custom = must(json.Marshal(custom))
			r.stage(targets)
		}, TargetDiffers},
		{"the metadata has another length", func(t *testing.T, r *staging) {
			targets := r.targets()
			targets[0].Length++
			r.stage(targets)
		}, TargetDiffers},
		{"another manifest than the one whose hash is signed", func(t *testing.T, r *staging) {
			m := r.manifest
			m.Build.UTC++
			r.request.Manifests[tufrepo.ManifestPath("armani", m.Release, m.Variant)] = m.Bytes()
		}, TargetDiffers},
		{"one more target that nothing explains", func(t *testing.T, r *staging) {
			extra := r.targets()[0]
			extra.Path = tufrepo.PackagePath("armani", "extra")
			r.stage(append(r.targets(), extra))
		}, TargetUnknown},
		{"a package without a manifest", func(t *testing.T, r *staging) {
			r.stage(r.targets()[:1])
			r.request.Manifests = nil
		}, TargetUnknown},
		{"a manifest whose package is not listed", func(t *testing.T, r *staging) { r.stage(r.targets()[1:]) }, TargetDiffers},
		{"a manifest that cannot be read", func(t *testing.T, r *staging) {
			for path := range r.request.Manifests {
				r.request.Manifests[path] = []byte("{}")
			}
		}, ManifestBad},
		{"a manifest of schema 1", func(t *testing.T, r *staging) {
			r.manifest.Schema, r.manifest.Effect = 1, release.OptInEffect
			r.manifest.Ask = probe.Ask{Hours: 24, PromptDay: "2014-08-01", Migration: probe.MigrationLeave}
			r.manifest.EffectDocument, r.manifest.NotesDocument = nil, nil
			r.stage(r.targets())
		}, ManifestBad},
		{"a manifest that is too large", func(t *testing.T, r *staging) {
			r.effect.Effect.Ask.Reason = strings.Repeat("because ", 49)
			for i := range 20 {
				p := probe.Probe{Name: fmt.Sprintf("a_probe_with_a_long_name_%d", i), Kind: probe.KindBool}
				r.effect.Effect.Probes = append(r.effect.Effect.Probes, p)
			}
			r.manifest.Ask = r.effect.Effect.Ask
			r.restage()
		}, ManifestBad},
		{"the effect document judges by another rule than the one bound", func(t *testing.T, r *staging) {
			r.asBytes = func(e, n []byte) ([]byte, []byte) {
				return bytes.Replace(e, []byte("uploads_off == 0"), []byte("uploads_off >= 0"), 1), n
			}
			r.stage(r.targets())
		}, DocumentBad},
		{"other notes than those bound", func(t *testing.T, r *staging) {
			r.asBytes = func(e, n []byte) ([]byte, []byte) { return e, bytes.Replace(n, []byte("stays"), []byte("leaves"), 1) }
			r.stage(r.targets())
		}, DocumentBad},
		{"a condition that does not type-check", func(t *testing.T, r *staging) {
			r.effect.Effect.Rules = slices.Clone(r.effect.Effect.Rules)
			r.effect.Effect.Rules[0].When = "uploads_off > true"
			r.restage()
		}, DocumentBad},
		{"the effect asks otherwise than the manifest", func(t *testing.T, r *staging) {
			r.manifest.Ask.Hours = 1
			r.restage()
		}, DocumentBad},
		{"the effect is of another name", func(t *testing.T, r *staging) {
			r.effect.Effect.Name = "build-runs"
			r.restage()
		}, DocumentBad},
		{"the effect is of another release", func(t *testing.T, r *staging) {
			r.effect.Counter++
			r.restage()
		}, DocumentBad},
		{"the effect is for another model", func(t *testing.T, r *staging) {
			r.effect.Model, r.effect.Builds[0].Model = "dior", "dior"
			r.restage()
		}, DocumentBad},
		{"the effect counts a build that is not of the release", func(t *testing.T, r *staging) {
			r.effect.Builds = append(r.effect.Builds, effect.Build{Fingerprint: "x/y", Model: "armani", Variant: "armani"})
			r.restage()
		}, DocumentBad},
		{"the effect lacks the build", func(t *testing.T, r *staging) {
			r.effect.Builds[0].Fingerprint = "x/y"
			r.restage()
		}, DocumentBad},
		{"the notes speak a language more", func(t *testing.T, r *staging) {
			r.notes.Notes["fr"] = "Oui"
			r.notes.Questions = nil
			r.restage()
		}, DocumentBad},
		{"the notes are of another release", func(t *testing.T, r *staging) {
			r.notes.Release = "other"
			r.restage()
		}, DocumentBad},
		{"the notes lie elsewhere", func(t *testing.T, r *staging) {
			r.manifest.NotesDocument.Path = tufrepo.NotesPath("armani", "other")
			r.stage(r.targets())
		}, DocumentBad},
		{"the effect document is not carried", func(t *testing.T, r *staging) {
			delete(r.request.Manifests, tufrepo.EffectPath("armani", r.manifest.Release))
		}, DocumentBad},
		{"an effect document that nobody names", func(t *testing.T, r *staging) {
			r.request.Manifests[tufrepo.EffectPath("armani", "other")] = r.effect.Bytes()
		}, DocumentBad},
		{"the metadata binds another manifest", func(t *testing.T, r *staging) {
			targets := r.targets()
			targets[0].Custom = must(json.Marshal(r.manifest.Custom(hash(nil))))
			r.stage(targets)
		}, TargetDiffers},
		{"the custom part is of schema 1", func(t *testing.T, r *staging) {
			targets := r.targets()
			old := r.manifest
			old.Schema, old.Effect = 1, release.OptInEffect
			targets[0].Custom = must(json.Marshal(old.Custom1()))
			r.stage(targets)
		}, TargetDiffers},
		{"the package was built before the prompt day", func(t *testing.T, r *staging) {
			r.manifest.Ask.PromptDay, r.effect.Effect.PromptDay = "2014-12-24", "2014-12-24"
			r.restage()
		}, DownUnpatch},
		{"the profile says another family", func(t *testing.T, r *staging) { r.request.Models[0].Profile.Family = "ab" }, FactsDiffer},
		{"the profile lacks the variant", func(t *testing.T, r *staging) { r.request.Models[0].Variants = []string{"armani"} }, ModelUnknown},
		{"the profile is of another model", func(t *testing.T, r *staging) { r.request.Models[0].Device = "dior" }, ModelUnknown},
		{"the profile is not the reviewer's own", func(t *testing.T, r *staging) {
			r.catalogue = manifests.DefaultCatalogue()
			r.request.Models[0].Profile.LegacyRecovery = false
		}, ModelDiffers},
		{"a variant that does not exist", func(t *testing.T, r *staging) {
			r.manifest.Variant = "armani_moon"
			r.stage(r.targets())
		}, ModelUnknown},
		{"a package that is not used", func(t *testing.T, r *staging) { r.stage(nil) }, Unused},
		{"the request builds on an older state", func(t *testing.T, r *staging) {
			ahead := r.h.set.With(map[string][]byte{"armani": must(tufrepo.NewRole(9, r.h.now.Add(day), nil))})
			r.mine = &ahead
		}, TrustOther},
		{"another root", func(t *testing.T, r *staging) { r.mine = &newOrg(t, "armani").set }, TrustOther},
		{"a version that is skipped back", func(t *testing.T, r *staging) {
			r.request.Roles[0].Metadata = must(tufrepo.NewRole(1, r.h.now.Add(100*day), r.targets()))
		}, RulesBroken},
		{"published metadata that nobody signed", func(t *testing.T, r *staging) {
			r.request.Trusted["1.armani.json"] = must(tufrepo.NewRole(1, r.h.now.Add(day), nil))
		}, TrustBroken},
	}
	h := newOrg(t, "armani")
	for _, c := range cases {
		t.Run(c.lie, func(t *testing.T) {
			r := newRelease(t, h, fixtures.Patched)
			r.stage(r.targets())
			c.do(t, r)
			s := r.review(t)
			if !slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Refuse && p.Code == c.want }) {
				t.Errorf("problems %+v; wanted a refusal %s", s.Problems, c.want)
			}
			if !s.Refused() || s.Err() == nil {
				t.Error("not refused")
			}
		})
	}
}

// TestReviewKnowsTheModels: what a recovery of 2014 cannot check is refused by the reviewer too, whatever the server says
// and even where nobody told whose key it should be.
func TestReviewKnowsTheModels(t *testing.T) {
	h := newOrg(t, "armani")
	for _, name := range []string{"sig-rsa4096", "sig-ecdsa"} {
		r := newRelease(t, h, fixtures.Patched)
		var content bytes.Buffer
		if err := must(fixtures.HostileOf(name)).Write(&content, fixtures.TestKey()); err != nil {
			t.Fatal(err)
		}
		r.write(t, r.name, content.Bytes())
		r.manifest.Package.SHA256, r.manifest.Package.Length = hash(content.Bytes()), int64(content.Len())
		r.otaKeys = nil
		r.stage(r.targets())
		if s := r.review(t); !slices.ContainsFunc(s.Problems,
			func(p Problem) bool { return p.Code == PackageRefused && strings.Contains(p.Words, "SIG-ALG") }) {
			t.Errorf("%s: problems %+v", name, s.Problems)
		}
	}
}

func firstBlock(name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "firmware-fixtures", "keys", name))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	return block.Bytes, nil
}

// TestCounterNeverFalls: a release that goes back behind an older one.
func TestCounterNeverFalls(t *testing.T) {
	h := newOrg(t, "armani")
	r := newRelease(t, h, fixtures.Bad) // the newest build first
	r.called("first", 5)
	r.stage(r.targets())
	h.apply(t, r.request, h.builds[0], h.builds[1])
	back := newRelease(t, h, fixtures.Patched)
	back.called("going-back", 4)
	back.stage(slices.Concat(must(tufrepo.Read(h.set.Files["armani"])).Targets, back.targets()))
	s := back.review(t)
	n := 0
	for _, p := range s.Problems {
		if p.Code == CounterLow && p.Refuse {
			n++
		}
	}
	if n != 2 {
		t.Errorf("problems %+v; wanted the counter and the build time refused", s.Problems)
	}
}

func TestWarnings(t *testing.T) {
	h := newOrg(t, "armani")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	r.mine, r.otaKeys = nil, nil
	r.request.Summary, r.request.Models = []string{"Nothing to see here."}, nil
	s := r.review(t)
	var codes []Code
	for _, p := range s.Problems {
		codes = append(codes, p.Code)
	}
	if want := []Code{TrustMissing, ModelsDefault, KeysNotJudged, SummaryDiffers}; !slices.Equal(codes, want) || s.Refused() {
		t.Errorf("codes %v, wanted %v and no refusal", codes, want)
	}
}
