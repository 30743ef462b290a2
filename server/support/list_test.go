// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
	"landed/server/fleet"
)

var cardID = regexp.MustCompile(`<article class="card s-[a-z_]+" id="model-([a-z0-9_-]+)"`)

func (h *fixture) listed(query string) (roles []string) {
	h.t.Helper()
	for _, m := range cardID.FindAllStringSubmatch(h.get("/?"+query).Body.String(), -1) {
		roles = append(roles, m[1])
	}
	return roles
}

// TestFindModel finds models as customers name them, by what needs attention, and in any order,
// with nothing but addresses.
func TestFindModel(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	lineUp := h.listed("")
	for query, want := range map[string][]string{
		"find=redmi+note":          {"lcsh92_wet_jb9", "dior"},
		"find=++NOTE++redmi+":      {"lcsh92_wet_jb9", "dior"},
		"find=2013061":             {"pisces"}, // from the label
		"find=armani":              {"armani"},
		"find=nokia":               nil,
		"show=halted":              {"pisces"},
		"show=attention":           {"pisces", "cancro"},
		"show=shown&find=note":     {"lcsh92_wet_jb9", "dior"},
		"show=nonsense&order=best": lineUp, // not understood is not said
		"order=attention":          {"pisces", "cancro", "fuxi", "armani", "hm2013023", "lcsh92_wet_jb9", "dior"},
		"order=name":               {"pisces", "cancro", "hm2013023", "armani", "dior", "lcsh92_wet_jb9", "fuxi"},
		"order=handsets&find=note": {"dior", "lcsh92_wet_jb9"},
	} {
		if diff := cmp.Diff(want, h.listed(query)); diff != "" {
			t.Errorf("/?%s (-want +got):\n%s", query, diff)
		}
	}
	if body := h.get("/?find=nokia").Body.String(); !strings.Contains(body, "No model here goes by “nokia”") || !strings.Contains(body, `href="/#models"`) {
		t.Error("a search without a find does not say so, or not how to go on")
	}
	if body := h.get("/?find=2013061").Body.String(); strings.Count(body, "<details open>") != 1 {
		t.Error("what was searched for is not unfolded")
	}
	if w := h.get("/?find=" + url.QueryEscape(strings.Repeat("x", 5000)+"\u202E<b>")); w.Code != 200 || strings.Contains(w.Body.String(), strings.Repeat("x", 81)) {
		t.Errorf("a very long search: %d, or it is repeated whole", w.Code)
	}
}

// TestFindKeepsJSON: what a reader looks for on the page changes no figure for programs.
func TestFindKeepsJSON(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	all, some := h.get("/status.json"), h.get("/status.json?find=dior&order=name")
	if all.Body.String() != some.Body.String() || all.Header().Get("ETag") != some.Header().Get("ETag") {
		t.Error("the query changes the JSON")
	}
	if h.get("/").Header().Get("ETag") == h.get("/?find=dior").Header().Get("ETag") {
		t.Error("two different pages have one ETag")
	}
	if first, again := h.get("/?find=dior"), h.get("/"); !strings.Contains(again.Body.String(), `id="model-armani"`) || strings.Contains(first.Body.String(), `id="model-armani"`) {
		t.Error("one reader is shown what another searched for")
	}
}

// TestChoices: the groups count what is in them, and what needs attention is named first.
func TestChoices(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	v := Status{}
	if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, c := range v.Choices() {
		got[c.Key] = c.N
	}
	want := map[string]int64{"": 7, "attention": 2, "halted": 1, "not_shown": 1, "waiting": 1, "shown": 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestManyModels: with hundreds of models each has one line, the notice at the top names a few
// and leads to the others, and nothing of that hides a verdict.
func TestManyModels(t *testing.T) {
	h, devices := lineUpOf(t, 200)
	h.publish(devices...)
	for i, d := range devices {
		h.roll(d, func(r *fleet.Rollout) {
			if i%10 == 3 {
				r.State, r.Reason, r.By = fleet.RolloutHalted, fleet.Said("somebody asked"), "mei"
			}
		})
		h.count(d, 3, confirmedOff, beforeActive)
	}
	body := h.get("/").Body.String()
	if n := len(cardID.FindAllString(body, -1)); n != 200 {
		t.Errorf("%d models are listed", n)
	}
	if strings.Contains(body, "<details") {
		t.Error("a long list repeats what the page of each model says")
	}
	if stopped := strings.Count(body, `<a href="/models/model`) - 200; stopped != shownFirst || !strings.Contains(body, "Show all 20 models that need attention") {
		t.Errorf("the notice at the top names %d models", stopped)
	}
	if got := h.listed("show=attention"); len(got) != 20 {
		t.Errorf("%d models need attention", len(got))
	}
	if few := h.get("/?find=model007").Body.String(); !strings.Contains(few, "<details open>") {
		t.Error("the model that was searched for is not unfolded")
	}
}

// TestWrongBox: the name of a model in the box for references leads to the model.
func TestWrongBox(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	if w := h.get("/installations?ref=redmi+note"); w.Code != 303 || w.Header().Get("Location") != "/?find=redmi+note#models" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
	}
	if w := h.get("/installations?ref=350123456789012"); w.Code != 404 {
		t.Errorf("an IMEI answers %d", w.Code)
	}
}
