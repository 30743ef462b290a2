// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/release"
	"landed/manifests/tufrepo"
)

func TestReviewSaysWhatIsDeclared(t *testing.T) {
	h := newOrg(t, "armani")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	s := r.review(t)
	if len(s.Declared) != 1 {
		t.Fatalf("declared: %+v", s.Declared)
	}
	d := s.Declared[0]
	if d.Release != "first-fix" || d.Notes["de"] == "" || len(d.Questions) != 1 || d.Effect.Name != "app-list-upload-off" ||
		!slices.Equal(d.Models, []string{"armani"}) || d.Migration["armani"] != probe.MigrationSwitchOff ||
		d.Bits != probe.Bits(d.Effect.Probes) {
		t.Errorf("declared: %+v", d)
	}
	if len(s.Models) != 1 || s.Models[0].Device != "armani" {
		t.Errorf("models: %+v", s.Models)
	}
	plain := newRelease(t, h, fixtures.Patched)
	plain.manifest.Effect, plain.manifest.Ask = "", probe.Ask{}
	plain.restage()
	if s := plain.review(t); len(s.Problems) != 0 || len(s.Declared) != 1 || s.Declared[0].Effect != nil || s.Declared[0].Notes["en"] == "" {
		t.Errorf("without effect: %+v, %+v", s.Problems, s.Declared)
	}
}

// TestDeclaredForOthers: signers see what phones with other updaters will be told, and sign it with the notes.
func TestDeclaredForOthers(t *testing.T) {
	r := newRelease(t, newOrg(t, "armani"), fixtures.Patched)
	r.notes.Schema, r.notes.Clients = 2, map[string]release.Clients{"armani": {ROMType: "nightly", Version: "22.2"}}
	r.bind()
	r.stage(r.targets())
	if s := r.review(t); len(s.Problems) > 0 || len(s.Declared) != 1 || s.Declared[0].Clients["armani"].Version != "22.2" {
		t.Errorf("%+v, %+v", s.Problems, s.Declared)
	}
	r.notes.Clients["armani"] = release.Clients{ROMType: "../x"}
	r.restage()
	if s := r.review(t); !s.Refused() {
		t.Error("a type with which a path could be climbed may be signed")
	}
}

func TestWhoSigns(t *testing.T) {
	h := newOrg(t, "armani")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	half := must(WithSignatures(r.request, must(Sign(r.request, h.now, SigningKey{Signer: h.builds[1], Ledger: NewLedger()}))))
	ann, bo := h.builds[0].Public(), h.builds[1].Public()
	half.Names = map[string]string{ann.ID: "mallory", bo.ID: "bo"} // whoever sends a request may call people anything
	got := WhoSigns(half, map[string]string{ann.ID: "ann"})
	if len(got) != 1 || got[0].Role != "armani" || got[0].Need != 2 || got[0].Done() || len(got[0].Signed) != 1 ||
		got[0].Signed[0].String() != "bo" {
		t.Fatalf("got %+v", got)
	}
	var missing []string
	for _, p := range got[0].Missing {
		missing = append(missing, p.String())
	}
	if cy := h.builds[2].Public().ID[:8]; !slices.Equal(missing, []string{"key " + cy, "ann"}) {
		t.Errorf("missing %v", missing)
	}
	fresh := must(Rotate(RotateParams{Now: h.now, Trusted: h.set, Roles: []string{"root"}, Threshold: 3, Life: DefaultLife()}))
	if got := WhoSigns(fresh, nil); len(got) != 2 || got[0].By != "the new root" || got[1].By != "the root before" {
		t.Errorf("a root: %+v", got)
	}
}

// TestPublishedSchema1: what was published before there was a second schema stays, and a release may follow it.
func TestPublishedSchema1(t *testing.T) {
	h := newOrg(t, "armani")
	old := newRelease(t, h, fixtures.Patched)
	old.manifest.Schema, old.manifest.Effect = 1, release.OptInEffect
	old.manifest.Ask = probe.Ask{Hours: 24, PromptDay: "2014-08-01", Migration: probe.MigrationLeave}
	old.manifest.EffectDocument, old.manifest.NotesDocument = nil, nil
	targets := old.targets()
	targets = slices.DeleteFunc(targets, func(t tufrepo.Target) bool {
		return strings.HasSuffix(t.Path, ".notes.json") || strings.HasSuffix(t.Path, ".effect.json")
	})
	targets[0].Custom = must(json.Marshal(old.manifest.Custom1()))
	old.stage(targets)
	h.apply(t, old.request, h.builds[0], h.builds[1])

	next := newRelease(t, h, fixtures.Bad)
	next.called("second-fix", 2)
	next.stage(slices.Concat(must(tufrepo.Read(h.set.Files["armani"])).Targets, next.targets()))
	s := next.review(t)
	if len(s.Problems) != 1 || s.Problems[0].Code != DownUnpatch || s.Refused() {
		t.Errorf("problems %+v; wanted the note that the first effect is promised no more", s.Problems)
	}
	again := slices.Clone(must(tufrepo.Read(h.set.Files["armani"])).Targets)
	again[0].Custom = must(json.Marshal(next.manifest.Custom(hash(nil))))
	next.stage(append(again, next.targets()...))
	if s := next.review(t); !s.Refused() {
		t.Error("a published target that changed was taken")
	}
}

func TestModelsOfTheRequest(t *testing.T) {
	h := newOrg(t, "armani")
	own := must(manifests.NewCatalogue(manifests.Model{Device: "armani", Product: "Mine", Variants: []string{"armani_global"},
		Profile: manifests.Profile{Family: "file", LegacyRecovery: true}}))
	cases := map[string]struct {
		do     func(*staging)
		want   []Code
		refuse bool
	}{
		"as it is built in":        {func(*staging) {}, nil, false},
		"polled by others":         {func(r *staging) { r.request.Models[0].Protocols = manifests.Protocols[:2] }, nil, false},
		"otherwise than built in":  {func(r *staging) { r.request.Models[0].Product = "Redmi One" }, []Code{ModelDiffers}, false},
		"an older request":         {func(r *staging) { r.request.Models = nil }, []Code{ModelsDefault}, false},
		"an older one, own models": {func(r *staging) { r.request.Models, r.catalogue = nil, own }, nil, false},
		"otherwise than one's own": {func(r *staging) { r.catalogue = own }, []Code{ModelDiffers}, true},
	}
	for name, c := range cases {
		r := newRelease(t, h, fixtures.Patched)
		r.stage(r.targets())
		c.do(r)
		s := r.review(t)
		var codes []Code
		for _, p := range s.Problems {
			codes = append(codes, p.Code)
		}
		if !slices.Equal(codes, c.want) || s.Refused() != c.refuse {
			t.Errorf("%s: %+v, wanted %v", name, s.Problems, c.want)
		}
	}
}
