// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"bytes"
	"crypto"
	"crypto/md5"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/tufrepo"
)

// release is what the server would stage, and the reviewer's folder.
type release struct {
	h        *house
	folder   string
	content  []byte
	name     string
	manifest manifests.Manifest
	request  tufrepo.Request
	mine     *tufrepo.Set
	otaKeys  map[string][]crypto.PublicKey
}

func newRelease(t *testing.T, h *house, kind fixtures.Kind) *release {
	t.Helper()
	b := must(fixtures.BuildOf("armani", kind))
	content := must(fixtures.Bytes(b, fixtures.TestKey()))
	sum := md5.Sum(content)
	r := &release{h: h, folder: t.TempDir(), content: content, name: b.FileName(hex.EncodeToString(sum[:]))}
	r.write(t, r.name, content)
	set := h.set
	r.mine = &set
	block, _ := pem.Decode(fixtures.TestKey().CertPEM())
	r.otaKeys = map[string][]crypto.PublicKey{"stable": {must(x509.ParseCertificate(block.Bytes)).PublicKey}}
	declared := manifests.OptInRelease()
	r.manifest = manifests.Manifest{Schema: 1, Release: declared.Name, Model: "armani", Variant: b.Variant, Channel: "stable", Counter: declared.Counter,
		Build:   manifests.Build{Fingerprint: b.Fingerprint, Incremental: b.Incremental, UTC: b.UTC},
		Package: manifests.Package{Path: tufrepo.PackagePath("armani", r.name), Length: int64(len(content)), SHA256: hash(content)},
		Effect:  declared.EffectOn("armani"), Notes: declared.Notes}
	return r
}

func (r *release) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// targets are the two files of the release: package and manifest.
func (r *release) targets() []tufrepo.Target {
	m := r.manifest
	text := m.Bytes()
	return []tufrepo.Target{
		{Path: m.Package.Path, Length: m.Package.Length, SHA256: m.Package.SHA256, Custom: must(json.Marshal(m.Custom()))},
		{Path: tufrepo.ManifestPath("armani", m.Release, m.Variant), Length: int64(len(text)), SHA256: hash(text)},
	}
}

// stage makes the request out of what the release says by now.
func (r *release) stage(targets []tufrepo.Target) {
	m := r.manifest
	role := must(tufrepo.NewRole(must(tufrepo.Read(r.h.set.Files["armani"])).Version+1, r.h.now.Add(100*day), targets))
	r.request = must(newRequest("Ship the fix", r.h.set, map[string][]byte{"armani": role}, r.h.now))
	r.request.Manifests = map[string][]byte{tufrepo.ManifestPath("armani", m.Release, m.Variant): m.Bytes()}
	r.request.Packages = []tufrepo.RequestPackage{{Path: m.Package.Path, Name: r.name, SHA256: m.Package.SHA256, Length: m.Package.Length, Model: m.Model, Variant: m.Variant, Channel: "stable"}}
}

func (r *release) review(t *testing.T) Summary {
	t.Helper()
	s, err := Review(ReviewParams{Now: r.h.now, Request: must(tufrepo.ParseRequest(r.request.Bytes())), Packages: os.DirFS(r.folder),
		Catalogue: manifests.DefaultCatalogue(), Trusted: r.mine, OTAKeys: r.otaKeys})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReviewOfAGoodRelease(t *testing.T) {
	h := newHouse(t, "armani")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	s := r.review(t)
	if len(s.Problems) != 0 {
		t.Errorf("problems: %+v", s.Problems)
	}
	if words := strings.Join(s.Changes, "\n"); !strings.Contains(words, "New package for armani_global on stable: release miui-cloud-messaging-opt-in, build JHCMIBH46.0 of 2014-08-09") {
		t.Errorf("changes:\n%s", words)
	}
	if len(s.Packages) != 1 || s.Packages[0].Facts.SHA256 != hash(r.content) {
		t.Errorf("packages: %+v", s.Packages)
	}
	h.apply(t, r.request, h.builds[0], h.builds[2])
	next := newRelease(t, h, fixtures.Bad)
	next.manifest.Counter++
	next.manifest.Release = "second-fix"
	next.stage(slices.Concat(must(tufrepo.Read(h.set.Files["armani"])).Targets, next.targets()))
	if s := next.review(t); len(s.Problems) != 0 {
		t.Errorf("the next release has problems: %+v", s.Problems)
	}
}

// TestReviewRefuses gives the reviewer a request that lies in one point.
func TestReviewRefuses(t *testing.T) {
	cases := []struct {
		lie  string
		do   func(t *testing.T, r *release)
		want Code
	}{
		{"the package was swapped after staging", func(t *testing.T, r *release) {
			other := newRelease(t, r.h, fixtures.Bad)
			r.write(t, r.name, other.content)
		}, PackageOther},
		{"one byte of the package was changed", func(t *testing.T, r *release) {
			changed := slices.Clone(r.content)
			changed[len(changed)/2] ^= 1
			r.write(t, r.name, changed)
		}, PackageOther},
		{"the reviewer has no copy", func(t *testing.T, r *release) { r.request.Packages[0].Name = "other.zip" }, PackageMissing},
		{"the package is signed by a stranger", func(t *testing.T, r *release) {
			r.otaKeys["stable"] = []crypto.PublicKey{must(x509.ParseCertificate(must(firstBlock("other.cert.pem")))).PublicKey}
		}, PackageRefused},
		{"the package is damaged but the request knows its hash", func(t *testing.T, r *release) {
			changed := slices.Clone(r.content)
			changed[len(changed)/2] ^= 1
			r.write(t, r.name, changed)
			r.manifest.Package.SHA256 = hash(changed)
			r.stage(r.targets())
		}, PackageRefused},
		{"the manifest names another build", func(t *testing.T, r *release) {
			r.manifest.Build.Fingerprint = strings.Replace(r.manifest.Build.Fingerprint, "JHCMIBH46.0", "JHCMIBH99.0", 1)
			r.stage(r.targets())
		}, FactsDiffer},
		{"the manifest names another channel", func(t *testing.T, r *release) {
			r.manifest.Channel = "lab"
			r.stage(r.targets())
		}, FactsDiffer},
		{"the metadata names another channel than the manifest", func(t *testing.T, r *release) {
			targets := r.targets()
			custom := r.manifest.Custom()
			custom.Channel = "lab"
			targets[0].Custom = must(json.Marshal(custom))
			r.stage(targets)
		}, TargetDiffers},
		{"the manifest names another time", func(t *testing.T, r *release) {
			r.manifest.Build.UTC++
			r.stage(r.targets())
		}, FactsDiffer},
		{"the metadata has a lower counter than the manifest", func(t *testing.T, r *release) {
			targets := r.targets()
			custom := r.manifest.Custom()
			custom.Counter = 1
			if custom.Counter == r.manifest.Counter {
				custom.Counter = 2
			}
			targets[0].Custom = must(json.Marshal(custom))
			r.stage(targets)
		}, TargetDiffers},
		{"the metadata promises another effect", func(t *testing.T, r *release) {
			targets := r.targets()
			custom := r.manifest.Custom()
			custom.Effect.Migration = manifests.MigrationAsk
			if r.manifest.Effect.Migration == manifests.MigrationAsk {
				custom.Effect.Migration = manifests.MigrationLeave
			}
			targets[0].Custom = must(json.Marshal(custom))
			r.stage(targets)
		}, TargetDiffers},
		{"the metadata has another length", func(t *testing.T, r *release) {
			targets := r.targets()
			targets[0].Length++
			r.stage(targets)
		}, TargetDiffers},
		{"another manifest than the one whose hash is signed", func(t *testing.T, r *release) {
			m := r.manifest
			m.Notes = map[string]string{"en": "something else", "zh-Hans": "x", "zh-Hant": "x"}
			r.request.Manifests[tufrepo.ManifestPath("armani", m.Release, m.Variant)] = m.Bytes()
		}, TargetDiffers},
		{"one more target that nothing explains", func(t *testing.T, r *release) {
			extra := r.targets()[0]
			extra.Path = tufrepo.PackagePath("armani", "extra")
			r.stage(append(r.targets(), extra))
		}, TargetUnknown},
		{"a package without a manifest", func(t *testing.T, r *release) {
			r.stage(r.targets()[:1])
			r.request.Manifests = nil
		}, TargetUnknown},
		{"a manifest whose package is not listed", func(t *testing.T, r *release) { r.stage(r.targets()[1:]) }, TargetDiffers},
		{"a manifest that cannot be read", func(t *testing.T, r *release) {
			for path := range r.request.Manifests {
				r.request.Manifests[path] = []byte("{}")
			}
		}, ManifestBad},
		{"a variant that does not exist", func(t *testing.T, r *release) {
			r.manifest.Variant = "armani_moon"
			r.stage(r.targets())
		}, ModelUnknown},
		{"a package that is not used", func(t *testing.T, r *release) { r.stage(nil) }, Unused},
		{"the request builds on an older state", func(t *testing.T, r *release) {
			ahead := r.h.set.With(map[string][]byte{"armani": must(tufrepo.NewRole(9, r.h.now.Add(day), nil))})
			r.mine = &ahead
		}, TrustOther},
		{"another root", func(t *testing.T, r *release) { r.mine = &newHouse(t, "armani").set }, TrustOther},
		{"a version that is skipped back", func(t *testing.T, r *release) {
			r.request.Roles[0].Metadata = must(tufrepo.NewRole(1, r.h.now.Add(100*day), r.targets()))
		}, RulesBroken},
		{"published metadata that nobody signed", func(t *testing.T, r *release) {
			r.request.Trusted["1.armani.json"] = must(tufrepo.NewRole(1, r.h.now.Add(day), nil))
		}, TrustBroken},
	}
	h := newHouse(t, "armani")
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
	h := newHouse(t, "armani")
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
		if s := r.review(t); !slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Code == PackageRefused && strings.Contains(p.Words, "SIG-ALG") }) {
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
	h := newHouse(t, "armani")
	r := newRelease(t, h, fixtures.Bad) // the newest build first
	r.manifest.Counter = 5
	r.stage(r.targets())
	h.apply(t, r.request, h.builds[0], h.builds[1])
	back := newRelease(t, h, fixtures.Patched)
	back.manifest.Counter, back.manifest.Release = 4, "going-back"
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
	h := newHouse(t, "armani")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	r.mine, r.otaKeys = nil, nil
	r.request.Summary = []string{"Nothing to see here."}
	s := r.review(t)
	var codes []Code
	for _, p := range s.Problems {
		codes = append(codes, p.Code)
	}
	if want := []Code{TrustMissing, KeysNotJudged, SummaryDiffers}; !slices.Equal(codes, want) || s.Refused() {
		t.Errorf("codes %v, wanted %v and no refusal", codes, want)
	}
}
