// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
)

// A stolen offers key says of the build that runs what the offline role never said. Nothing of it stays.
func TestStolenOffersKeyLeavesNoMark(t *testing.T) {
	for name, listed := range map[string]bool{"a build that no offline role lists": false, "another counter of a listed build": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			runs := build(t, fixtures.Unpatched)
			honest := r.server.Add(customOf(runs), runs.Incremental, packageOf(t, runs))
			if !listed {
				r.server.Packages["armani"] = r.server.Packages["armani"][:1]
			}
			thiefs := honest
			thiefs.Custom.Counter, thiefs.Custom.Release, thiefs.Custom.Effect = 1<<50, "thief", "build-runs"
			r.server.Offers["armani"] = []offers.Offer{thiefs}
			r.server.Publish()
			if refusal := r.step(); refusal != nil {
				t.Fatal(refusal)
			}
			if m := r.client.store.mem; m.Counter != 0 || m.Release == "thief" || m.Effect == "build-runs" {
				t.Errorf("kept counter %d, release %q, effect %q", m.Counter, m.Release, m.Effect)
			}
			r.pass(14 * time.Hour)
			r.rotate()
			r.offered()
			if refusal := r.step(); !r.patched() {
				t.Errorf("after the keys were exchanged: %v", refusal)
			}
		})
	}
}

// A handset whose build both roles name takes its counter, and never goes below.
func TestCounterOfWhatRuns(t *testing.T) {
	r := newRig(t)
	runs := build(t, fixtures.Unpatched)
	custom := customOf(runs)
	custom.Counter = 7
	r.server.Offers["armani"] = []offers.Offer{r.server.Add(custom, runs.Incremental, packageOf(t, runs))}
	r.server.Publish()
	if refusal := r.step(); refusal != nil || r.client.store.mem.Counter != 7 {
		t.Fatalf("counter %d, %v", r.client.store.mem.Counter, refusal)
	}
	r.pass(14 * time.Hour)
	r.offered() // counter 1
	if refusal := r.step(); refusal != nil || r.patched() {
		t.Errorf("a lower counter was installed, or failed: %v", refusal)
	}
}

// What a quarrel is about is told in words of the offline role, also by a handset that has met no release before.
func TestQuarrelIsReported(t *testing.T) {
	r := newRig(t)
	// The role also lists what a real one does: a release manifest, which has no custom part, and a build for the lab.
	lab := r.offer.Custom
	lab.Channel = "lab"
	r.server.Add(lab, "lab", r.content)
	r.server.Packages["armani"] = append([]tufrepo.Target{{Path: "builds/armani/a.json", Length: 1, SHA256: strings.Repeat("0", 64)}},
		r.server.Packages["armani"]...)
	r.offer.Custom.Counter++
	r.offered()
	r.step()
	want := []string{"1 baseline known 0h", "2 progress failed 0h metadata 62"}
	r.client.Hurry()
	r.step()
	if diff := cmp.Diff(want, kinds(r.server.Reports())); diff != "" {
		t.Error(diff)
	}
}

// TestNobodyVouches: the offline role speaks of the release that is offered, but not to this handset. So it has met no
// release that it could report about.
func TestNobodyVouches(t *testing.T) {
	for name, other := range map[string]func(*manifests.Custom){
		"another channel": func(c *manifests.Custom) { c.Channel = "lab" },
		"another variant": func(c *manifests.Custom) { c.Variant = "armani" },
		"another release": func(c *manifests.Custom) { c.Release = "something-else" },
		"an older build":  func(c *manifests.Custom) { c.Build.UTC = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			listed := r.offer.Custom
			other(&listed)
			r.server.Packages["armani"] = nil
			r.server.Add(listed, "other", r.content)
			r.offered()
			r.step()
			if got := kinds(r.server.Reports()); len(got) > 0 || r.client.State() != Failed {
				t.Errorf("reports %q, state %s", got, r.client.State())
			}
		})
	}
}

// TestCrosscheckModel: both roles agree on a build of another model. The document and the path say otherwise before
// it comes to this in a real poll; the check stands by itself all the same.
func TestCrosscheckModel(t *testing.T) {
	r := newRig(t)
	custom := r.offer.Custom
	custom.Model = "dior"
	r.server.Packages["armani"] = nil
	r.offer = r.server.Add(custom, "other", r.content)
	r.offer.Package.Path = "builds/armani/other.zip"
	r.server.Packages["armani"] = []tufrepo.Target{{Path: r.offer.Package.Path, Length: r.offer.Package.Length,
		SHA256: r.offer.Package.SHA256, Custom: r.rawCustom(`"x":1`)}}
	r.offer.RawCustom = r.rawCustom(`"x":1`)
	delete(r.server.Devices, "dior")
	r.server.Offers["armani"] = nil
	r.server.Publish()
	p, err := r.client.feed.poll(t.Context(), "armani", false)
	if err != nil {
		t.Fatal(err)
	}
	err = p.crosscheck(r.offer)
	if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Class != ClassHardware {
		t.Errorf("got %v, wanted %s", err, ClassHardware)
	}
}
