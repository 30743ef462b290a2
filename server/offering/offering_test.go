// SPDX-License-Identifier: Apache-2.0

package offering

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

func packageOf(release int, variant string) fleet.Package {
	return fleet.Package{
		SHA256: fmt.Sprintf("%063d", release) + variant[:1], Name: fmt.Sprintf("%s_%d.zip", variant, release), Size: 10,
		Model: "armani", Variant: variant, Channel: "stable",
		Build: manifests.Build{Fingerprint: fmt.Sprintf("%s/%d", variant, release), Incremental: "x", UTC: int64(release)},
	}
}

// line is an input with releases 1…n, the newest first, each with the given variants.
func line(t *testing.T, n int, variants ...string) (in Input, listed map[string]tufrepo.Target) {
	t.Helper()
	model, _ := manifests.DefaultCatalogue().Model("armani")
	in = Input{Model: model, Channel: "stable", Packages: map[string][]fleet.Package{}}
	listed = map[string]tufrepo.Target{}
	for i := n; i >= 1; i-- {
		release := fmt.Sprintf("r%d", i)
		in.Rollouts = append(in.Rollouts, fleet.Rollout{
			ID: release, Release: release, Model: "armani", Channel: "stable", Salt: strings.Repeat("5a", 16),
			State: fleet.RolloutRunning, Stages: []fleet.Stage{{Share: 250}, {Share: 10_000}},
		})
		for _, v := range variants {
			p := packageOf(i, v)
			in.Packages[release] = append(in.Packages[release], p)
			custom, err := json.Marshal(manifests.Custom{Model: "armani", Variant: v, Channel: "stable", Release: release, Counter: int64(i), Build: p.Build})
			if err != nil {
				t.Fatal(err)
			}
			build, manifest := tufrepo.PackagePath("armani", p.Name), tufrepo.ManifestPath("armani", release, v)
			listed[build] = tufrepo.Target{Path: build, Length: p.Size, SHA256: p.SHA256, Custom: custom}
			listed[manifest] = tufrepo.Target{Path: manifest, Length: 5, SHA256: p.SHA256}
		}
	}
	in.Listed = func(path string) (tufrepo.Target, bool) { t, ok := listed[path]; return t, ok }
	return in, listed
}

func TestDocument(t *testing.T) {
	for _, tt := range []struct {
		name     string
		releases int
		variants []string
		change   func(*Input, map[string]tufrepo.Target)
		want     []string // rollout, variant, share
		unlisted []string
	}{
		{"nothing", 0, nil, nil, nil, nil},
		{"every variant", 1, []string{"armani", "armani_global"}, nil, []string{"r1 armani 250", "r1 armani_global 250"}, nil},
		{"the newest first", 3, []string{"armani"}, nil, []string{"r3 armani 250", "r2 armani 250", "r1 armani 250"}, nil},
		{"down to one that has gone to everybody", 3, []string{"armani"}, func(in *Input, _ map[string]tufrepo.Target) {
			in.Rollouts[1].State, in.Rollouts[1].Stage = fleet.RolloutFinished, 1
		}, []string{"r3 armani 250", "r2 armani 10000"}, nil},
		{"announced", 2, []string{"armani"}, func(in *Input, _ map[string]tufrepo.Target) {
			in.Announced = map[string]bool{"r2": true}
		}, []string{"r2 armani 0", "r1 armani 250"}, nil},
		{"pruned", 1, []string{"armani", "armani_global"}, func(_ *Input, listed map[string]tufrepo.Target) {
			delete(listed, tufrepo.PackagePath("armani", "armani_1.zip"))
		}, []string{"r1 armani_global 250"}, []string{"armani_1.zip"}},
		{"without its manifest", 1, []string{"armani"}, func(_ *Input, listed map[string]tufrepo.Target) {
			delete(listed, tufrepo.ManifestPath("armani", "r1", "armani"))
		}, nil, []string{"armani_1.zip"}},
		{"other bytes under its name", 1, []string{"armani"}, func(_ *Input, listed map[string]tufrepo.Target) {
			path := tufrepo.PackagePath("armani", "armani_1.zip")
			other := listed[path]
			other.SHA256 = strings.Repeat("f", 64)
			listed[path] = other
		}, nil, []string{"armani_1.zip"}},
		{"another channel, another model", 1, []string{"armani"}, func(in *Input, _ map[string]tufrepo.Target) {
			for _, change := range []func(*fleet.Package){func(p *fleet.Package) { p.Channel = "beta" }, func(p *fleet.Package) { p.Model = "dior" }} {
				p := packageOf(1, "armani")
				change(&p)
				in.Packages["r1"] = append(in.Packages["r1"], p)
			}
		}, []string{"r1 armani 250"}, nil},
		{"no more than eight", 9, []string{"armani"}, nil, []string{
			"r9 armani 250", "r8 armani 250", "r7 armani 250", "r6 armani 250", "r5 armani 250", "r4 armani 250", "r3 armani 250", "r2 armani 250",
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, listed := line(t, tt.releases, tt.variants...)
			if tt.change != nil {
				tt.change(&in, listed)
			}
			d, left, _ := Document(in)
			if err := d.Validate(); err != nil {
				t.Errorf("the document breaks its own rules: %v", err)
			}
			var got, unlisted []string
			for _, o := range d.Offers {
				got = append(got, fmt.Sprintf("%s %s %d", o.Rollout, o.Custom.Variant, o.Share))
				if o.State == "" || o.Stage < 1 || o.Package.SHA256 == "" || o.Manifest.Length != 5 {
					t.Errorf("offer %+v", o)
				}
			}
			for _, u := range left {
				unlisted = append(unlisted, u.Package.Name)
			}
			if !slices.Equal(got, tt.want) || !slices.Equal(unlisted, tt.unlisted) {
				t.Errorf("offers %q, unlisted %q; wanted %q and %q", got, unlisted, tt.want, tt.unlisted)
			}
		})
	}
}

// A handset of each variant decides for itself from the one document.
func TestHandsetsOfEveryVariantDecide(t *testing.T) {
	in, _ := line(t, 1, "armani", "armani_global")
	in.Rollouts[0].Stage = 1
	d, _, _ := Document(in)
	for _, variant := range []string{"armani", "armani_global"} {
		h := offers.Handset{Model: "armani", Variant: variant, Build: "older", Secret: []byte("0123456789abcdef")}
		if got := offers.Decide(d, h); got.Reason != offers.ReasonOffered || got.Offer.Custom.Variant != variant {
			t.Errorf("%s decides %s", variant, got.Reason)
		}
	}
}
