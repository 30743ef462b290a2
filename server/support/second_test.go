// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/reasons"
)

const secondSource = "effect: {use: cloud-messaging-opt-in, prompt_day: 2014-08-01, migration: switch_off}\nnotes: {en: Corrected.}\n"

func (h *fixture) status() (v Status) {
	h.t.Helper()
	if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &v); err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (v Status) model(device string) Model {
	for _, m := range v.Models {
		if m.Model == device {
			return m
		}
	}
	return Model{}
}

// equalFigures compares all that a reader of JSON sees of figures.
var equalFigures = cmp.Comparer(func(a, b Figures) bool {
	one, err := json.Marshal(a)
	two, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(one) == string(two)
})

// A second release moves no total: a model stands under the newest that was offered to it, and handsets that have not met that
// stay in the figures as such.
func TestSecondReleaseMovesNoTotal(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	before := h.status()
	first := h.get("/releases/" + releaseName + ".json").Body.String()
	h.next("corrected", secondSource)
	h.publishPackages(nextPackage("armani", "JHCMIBH46.0"))
	if published := h.status(); !cmp.Equal(published.Totals, before.Totals, equalFigures) || published.Headline != before.Headline {
		t.Errorf("publishing alone moved the page: %q and %+v, were %q and %+v",
			published.Headline, published.Totals, before.Headline, before.Totals)
	}
	h.roll("armani", func(r *fleet.Rollout) { r.Started, r.Since = now, now })
	after := h.status()
	if before.Totals.Installations != 159_473 || after.Totals.Installations != before.Totals.Installations {
		t.Errorf("%d installations before, %d after; wanted 159473 both times", before.Totals.Installations, after.Totals.Installations)
	}
	if len(after.Models) != 7 || after.Release.Name != "corrected" {
		t.Errorf("%d models under %s; wanted 7, and corrected as the newest", len(after.Models), after.Release.Name)
	}
	for _, m := range before.Models {
		now := after.model(m.Model)
		if m.Model != "armani" {
			if diff := cmp.Diff(m, now, cmp.AllowUnexported(Model{}), equalFigures); diff != "" {
				t.Errorf("%s was moved by a release that does not have it (-before +after):\n%s", m.Model, diff)
			}
			continue
		}
		if now.Release != "corrected" || now.Installations != m.Installations || now.Unmet != m.Installations {
			t.Errorf("armani stands under %s with %d of %d, %d not met", now.Release, now.Installations, m.Installations, now.Unmet)
		}
		if silent := m.Verdicts[unknown]; now.Verdicts[unknown] != silent || now.Verdicts[unpatched] != m.Installations-silent {
			t.Errorf("armani: %v, wanted %d silent and the others without the update", now.Verdicts, silent)
		}
		if now.ProvenEarlier != m.Proven || now.OppositeEarlier != m.Opposite || !strings.Contains(now.Say, "the effect of an earlier one") {
			t.Errorf("armani had %d proven, %d of the opposite; now %d and %d earlier: %s",
				m.Proven, m.Opposite, now.ProvenEarlier, now.OppositeEarlier, now.Say)
		}
		if !cmp.Equal(now.Before, m.Before) {
			t.Errorf("armani: found before %v, wanted %v", now.Before, m.Before)
		}
	}
	if halted := after.model("pisces"); halted.Standing != Halted || !strings.Contains(halted.Say, "We have stopped the update") {
		t.Errorf("pisces is %s: %s", halted.Standing, halted.Say)
	}
	if again := h.get("/releases/" + releaseName + ".json").Body.String(); again != first {
		t.Error("the page of the first release changed")
	}
	for _, path := range []string{"/", "/releases", "/releases/corrected", "/models/armani"} {
		if w := h.get(path); w.Code != 200 || len(missing(w.Body.String())) > 0 {
			t.Errorf("%s: %d, lacks %v", path, w.Code, missing(w.Body.String()))
		}
	}
}

// repaired is a fleet of which one model was halted, and got a corrected release that works.
func repaired(t testing.TB) *fixture {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	leaked := h.state("pisces", leak, beforeActive, report.ProgressRunning)
	waited := h.state("pisces", unpatched, beforeActive, report.ProgressKnown)
	h.next("corrected", secondSource)
	h.publishPackages(nextPackage("pisces", "JHCMIBH46.0"))
	h.roll("pisces", func(r *fleet.Rollout) { r.Stage, r.Started, r.Since = 1, now.Add(-5*time.Hour), now.Add(-4*time.Hour) })
	shown := h.state("pisces", confirmedOff, beforeActive, report.ProgressRunning)
	h.moveOn(3, *leaked, shown)
	h.moveOn(40, *waited, shown)
	return h
}

// A model that was halted under one release and repaired by the next tells that in order, and what was shown of the
// first stays on its page.
func TestHaltedThenRepaired(t *testing.T) {
	h := repaired(t)
	m := h.status().model("pisces")
	if m.Standing != Spreading || m.Release != "corrected" || m.Installations != 636 || m.Running != 43 || m.Unmet != 593 {
		t.Errorf("pisces: %+v", m)
	}
	if m.Verdicts[leak] != 0 || m.Verdicts[confirmedOff] != 43 || m.Verdicts[unknown] != 18 || m.Verdicts[unpatched] != 575 {
		t.Errorf("pisces: %v", m.Verdicts)
	}
	var page ModelPage
	if err := json.Unmarshal(h.get("/models/pisces.json").Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	var story []string
	for _, c := range page.Chapters {
		story = append(story, c.Name+" "+string(c.Standing))
	}
	if diff := cmp.Diff([]string{releaseName + " halted", "corrected shown"}, story); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var told []string
	for _, e := range page.Timeline {
		told = append(told, e.Action+" "+e.Release)
	}
	want := []string{"rollout.start corrected", "rollout.halt " + releaseName, "rollout.start " + releaseName}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	body := h.get("/models/pisces").Body.String()
	one, two := strings.Index(body, `<a href="/releases/`+releaseName+`">`), strings.Index(body, `<a href="/releases/corrected">corrected</a>`)
	if one < 0 || two < one {
		t.Errorf("the story is not in order: %d, %d", one, two)
	}
	var first ReleasePage
	if err := json.Unmarshal(h.get("/releases/"+releaseName+".json").Body.Bytes(), &first); err != nil {
		t.Fatal(err)
	}
	old := Status{Models: first.Models}.model("pisces")
	if old.Standing != Halted || old.Verdicts[leak] != 3 || old.Installations != 636 {
		t.Errorf("under the first release: %s with %v", old.Standing, old.Verdicts)
	}
}

// Until the corrected release is offered, a halted model is still what to know first.
func TestHaltedAndNotOfferedYet(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("pisces")
	h.roll("pisces", func(r *fleet.Rollout) {
		r.State, r.By, r.Reason = fleet.RolloutHalted, "landed", fleet.Reason{Code: reasons.LeaksHalt, Values: map[string]string{"n": "3"}}
	})
	h.count("pisces", 3, leak, beforeActive)
	h.next("corrected", secondSource)
	h.publishPackages(nextPackage("pisces", "JHCMIBH46.0"))
	if m := h.status().model("pisces"); m.Standing != Halted || m.Release != releaseName || m.Opposite != 3 {
		t.Errorf("it stands %s under %s, %d of the opposite: %q", m.Standing, m.Release, m.Opposite, m.Say)
	}
	if body := h.get("/").Body.String(); !strings.Contains(body, `id="stopped"`) {
		t.Error("it is not among what to know first")
	}
}

// A trial of the next release in the lab takes no fleet off the page; offered to the fleet, it does.
func TestTrialInTheLab(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("pisces")
	h.roll("pisces", nil)
	h.count("pisces", 3, confirmedOff, beforeActive)
	h.next("corrected", secondSource)
	h.publishPackages(nextPackage("pisces", "JHCMIBH46.0"))
	h.roll("pisces", func(r *fleet.Rollout) { r.Channel, r.ID = "lab", r.ID+"-lab" })
	if m := h.status().model("pisces"); m.Release != releaseName || m.Proven != 3 {
		t.Errorf("tried in the lab: it stands under %s with %d proven", m.Release, m.Proven)
	}
	h.roll("pisces", func(*fleet.Rollout) {})
	if m := h.status().model("pisces"); m.Release != "corrected" || m.ProvenEarlier != 3 {
		t.Errorf("offered to the fleet: it stands under %s with %d proven earlier", m.Release, m.ProvenEarlier)
	}
}

// A model that is added while the server runs has its pages at once.
func TestModelAddedLater(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	if w := h.get("/models/tablet7"); w.Code != 404 {
		t.Fatalf("before: %d", w.Code)
	}
	later, err := manifests.ParseCatalogue([]byte("schema: 1\nmodels: [{device: Tablet7, product: Tablet Seven, numbers: [], " +
		"rom_names: [], variants: [Tablet7], android: '4', profile: {family: file, legacy_recovery: true}}]"))
	if err != nil {
		t.Fatal(err)
	}
	h.lineup = later
	h.publish("Tablet7")
	h.count("Tablet7", 3, confirmedOff, beforeActive)
	if m := h.status().model("Tablet7"); m.Product != "Tablet Seven" || m.Installations != 3 {
		t.Errorf("%+v", m)
	}
	if w := h.get("/models/tablet7"); w.Code != 200 || !strings.Contains(w.Body.String(), "Tablet Seven") {
		t.Errorf("after: %d", w.Code)
	}
}
