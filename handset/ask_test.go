// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// asking replaces the offer by one whose release asks, without a rollout of it.
func (r *rig) asking(effect string, ask probe.Ask) {
	r.t.Helper()
	fix := build(r.t, fixtures.Patched)
	r.server.Packages["armani"] = nil
	custom := customOf(fix)
	custom.Effect = effect
	r.offer = r.server.AddRelease(custom, ask, fix.Incremental, r.content)
}

// said are the answers of the last report, as text.
func (r *rig) said() map[string]string {
	r.t.Helper()
	all := r.server.Reports()
	if len(all) == 0 {
		r.t.Fatal("there is no report")
	}
	words := map[string]string{}
	for name, v := range all[len(all)-1].Answers {
		words[name] = v.String()
	}
	return words
}

// TestAnswersWhatIsAsked: what the firmware does not know, what was not asked and what is none of the declared answers
// is left out, whatever the firmware says.
func TestAnswersWhatIsAsked(t *testing.T) {
	enum := func(name string, values ...string) probe.Probe {
		return probe.Probe{Name: name, Kind: probe.KindEnum, Values: values}
	}
	for name, tt := range map[string]struct {
		ask  []probe.Probe
		want map[string]string
	}{
		"what it knows": {[]probe.Probe{enum("state", "off", "on")}, map[string]string{"state": "off"}},
		"what it does not know": {[]probe.Probe{enum("state", "off", "on"), {Name: "screen_time", Kind: probe.KindInt, Max: 9}},
			map[string]string{"state": "off"}},
		"other words":  {[]probe.Probe{enum("state", "closed", "open")}, map[string]string{}},
		"another kind": {[]probe.Probe{{Name: "state", Kind: probe.KindBool}}, map[string]string{}},
		"what the client knows": {[]probe.Probe{{Name: "marked_successful", Kind: probe.KindBool}},
			map[string]string{"marked_successful": "true"}},
		"that, in another shape":   {[]probe.Probe{{Name: "marked_successful", Kind: probe.KindInt, Max: 1}}, map[string]string{}},
		"nothing of what is known": {nil, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.asking("some-effect", probe.Ask{Probes: tt.ask})
			r.offer.Share = 0
			r.offered()
			if refusal := r.step(); refusal != nil {
				t.Fatal(refusal)
			}
			if diff := cmp.Diff(tt.want, r.said()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// withManifest replaces the manifest of what is offered; nil bytes are a release without one.
func (r *rig) withManifest(alter func(m *manifests.Manifest) []byte) {
	r.t.Helper()
	fix := build(r.t, fixtures.Patched)
	m := manifests.Manifest{Schema: 2, Release: r.offer.Custom.Release, Model: "armani", Variant: fix.Variant,
		Channel: "stable", Counter: 1, Build: r.offer.Custom.Build, Package: r.offer.Package, Effect: optIn,
		Ask: askOf(r.t, optIn), EffectDocument: &r.offer.Package, NotesDocument: &r.offer.Package}
	r.server.Packages["armani"] = nil
	custom := customOf(fix)
	if text := alter(&m); text != nil {
		custom.Schema, custom.Manifest = 2, r.server.AddTarget("armani", "builds/armani/other.json", text).SHA256
	}
	r.offer = r.server.Add(custom, fix.Incremental, r.content)
}

// TestManifestThatCannotBeUsed: an update is not held back by questions that are not understood, unless the manifest
// says so itself (TestManifestThatNeedsANewerProgram); the core is reported.
func TestManifestThatCannotBeUsed(t *testing.T) {
	for name, alter := range map[string]func(m *manifests.Manifest) []byte{
		"schema 1, which has no probes": func(m *manifests.Manifest) []byte { return nil },
		"of another release": func(m *manifests.Manifest) []byte {
			m.Release = "another"
			return m.Bytes()
		},
		"of another variant": func(m *manifests.Manifest) []byte {
			m.Variant = "armani"
			return m.Bytes()
		},
		"not understood": func(m *manifests.Manifest) []byte {
			return []byte(strings.Replace(string(m.Bytes()), `"name":"state"`, `"kind":"set","name":"state"`, 1))
		},
		"no JSON": func(m *manifests.Manifest) []byte { return []byte("{") },
		"too long": func(m *manifests.Manifest) []byte {
			return append(m.Bytes(), make([]byte, manifests.MaxManifest)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.withManifest(alter)
			r.offered()
			if refusal := r.step(); refusal != nil || !r.patched() {
				t.Fatalf("the update was held back: %v", refusal)
			}
			if said := r.said(); len(said) > 0 {
				t.Errorf("answered %v", said)
			}
		})
	}
}

// TestManifestGoesUnlisted: the custom part names a manifest that the offline role does not list; somebody else's file
// with that hash is not looked for.
func TestManifestGoesUnlisted(t *testing.T) {
	r := newRig(t)
	r.server.Packages["armani"] = r.server.Packages["armani"][:1]
	r.offered()
	if refusal := r.step(); refusal != nil || !r.patched() || len(r.said()) > 0 {
		t.Errorf("%v, answered %v", refusal, r.said())
	}
}

// TestManifestIsFetchedOnce, over restarts too, and again for another release.
func TestManifestIsFetchedOnce(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	asked := 0
	count := func(_ http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "armani_global.json") {
			asked++
		}
		return false
	}
	r.server.Bend = count
	for range 3 {
		r.step()
		r.open()
		r.pass(14 * time.Hour)
		r.offered()
	}
	if asked != 1 {
		t.Errorf("the manifest was fetched %d times", asked)
	}
	custom := r.offer.Custom
	custom.Release, custom.Counter, custom.Effect = "app-list-upload-off", 2, "app-list-upload-off"
	custom.Build.UTC++
	custom.Build.Fingerprint = strings.Replace(custom.Build.Fingerprint, "H46.0", "H48.0", 1)
	next := r.server.AddRelease(custom, askOf(t, "app-list-upload-off"), "later", r.content)
	next.Share = 0
	r.server.Offers["armani"] = []offers.Offer{next}
	r.server.Publish()
	r.now = r.now.Add(14 * time.Hour)
	r.step()
	st, err := r.client.Status()
	if asked != 2 || err != nil || st.Release != custom.Release || st.Effect != custom.Effect {
		t.Errorf("fetched %d times; %+v, %v", asked, st, err)
	}
	if _, old := r.said()["state"]; old {
		t.Errorf("what the old release asked is answered to the new one: %v", r.said())
	}
}

// TestManifestOverADisturbedNetwork: it is asked for again, and nothing is reported before it is there.
func TestManifestOverADisturbedNetwork(t *testing.T) {
	r := newRig(t)
	r.bend("armani_global.json", func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) })
	if refusal := r.step(); refusal == nil || refusal.Class != ClassNetwork || len(r.server.Reports()) > 0 {
		t.Fatalf("got %v, %d reports", refusal, len(r.server.Reports()))
	}
	r.server.Bend = nil
	r.client.Hurry()
	if refusal := r.step(); refusal != nil || !r.patched() || r.said()["state"] != "off" {
		t.Errorf("%v, answered %v", refusal, r.said())
	}
}

// TestMilestones: the effect is reported when its own hours have gone by.
func TestMilestones(t *testing.T) {
	for hours, want := range map[int64][]int{0: {1, 24, 168}, 1: {1, 168}, 48: {1, 48, 168}, 168: {1, 168}} {
		a := &asked{Ask: probe.Ask{Hours: hours}}
		if diff := cmp.Diff(want, a.milestones()); diff != "" {
			t.Errorf("%d hours: %s", hours, diff)
		}
	}
}

// TestEndOfTheSequence: the last number is used, and none twice; the handset still updates itself.
func TestEndOfTheSequence(t *testing.T) {
	r := newRig(t)
	r.client.store.mem.Seq = report.MaxSeq - 2
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Fatal(refusal)
	}
	for range 4 {
		r.pass(3 * 24 * time.Hour)
		if refusal := r.step(); refusal != nil {
			t.Fatal(refusal)
		}
	}
	wake, err := r.client.Step(t.Context())
	if err != nil || wake.Sub(r.now) < time.Hour {
		t.Errorf("it wants to be called again after %s, %v", wake.Sub(r.now), err)
	}
	want := []string{"65534 baseline known 0h", "65535 progress downloading 0h"}
	if diff := cmp.Diff(want, kinds(r.server.Reports())); diff != "" {
		t.Error(diff)
	}
	if st, err := r.client.Status(); err != nil || st.Seq != report.MaxSeq || st.Unsent != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

// TestAttempts: a report says which attempt to install the release it is about.
func TestAttempts(t *testing.T) {
	r := newRig(t)
	r.dead = true
	var got []int
	for range 12 {
		r.step()
		r.pass(25 * time.Hour)
	}
	for _, sent := range r.server.Reports() {
		if sent.Kind != report.KindBaseline && sent.Progress != report.ProgressKnown {
			got = append(got, sent.Attempt)
		}
	}
	if diff := cmp.Diff([]int{1, 1, 2, 2, 3, 3, 3}, got); diff != "" { // downloading, installed; failed once the third was in vain
		t.Error(diff)
	}
	if first := r.server.Reports()[0]; first.Kind != report.KindBaseline || first.Attempt != 0 {
		t.Errorf("the first report: %+v", first)
	}
}
