// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
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
		"show=shown&find=note":     {"dior"},
		"show=nonsense&order=best": lineUp, // not understood is not said
		"order=attention":          {"pisces", "cancro", "fuxi", "hm2013023", "lcsh92_wet_jb9", "armani", "dior"},
		"order=name":               {"pisces", "cancro", "hm2013023", "armani", "dior", "lcsh92_wet_jb9", "fuxi"},
		"order=handsets&find=note": {"dior", "lcsh92_wet_jb9"},
	} {
		if diff := cmp.Diff(want, h.listed(query)); diff != "" {
			t.Errorf("/?%s (-want +got):\n%s", query, diff)
		}
	}
	if body := h.get("/?find=nokia").Body.String(); !strings.Contains(body, "No model here goes by “nokia”") ||
		!strings.Contains(body, `href="/#models"`) {
		t.Error("a search without a find does not say so, or not how to go on")
	}
	if body := h.get("/?find=2013061").Body.String(); strings.Count(body, "<details open>") != 1 {
		t.Error("what was searched for is not unfolded")
	}
	if w := h.get("/?find=" + url.QueryEscape(strings.Repeat("x", 5000)+"\u202E<b>")); w.Code != 200 ||
		strings.Contains(w.Body.String(), strings.Repeat("x", 81)) {
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
	if first, again := h.get("/?find=dior"), h.get("/"); !strings.Contains(again.Body.String(), `id="model-armani"`) ||
		strings.Contains(first.Body.String(), `id="model-armani"`) {
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
	want := map[string]int64{"": 7, "attention": 2, "halted": 1, "not_shown": 1, "waiting": 1, "shown": 2, "spreading": 2}
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
	if stopped := strings.Count(body, `<a href="/models/model`) - 200; stopped != shownFirst ||
		!strings.Contains(body, "Show all 20 models that need attention") {
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
}

// TestTypedIsPosted: what is typed leads on, by the address of a model or of an installation. A number of a person leads nowhere, and
// stands on no page, in no address and in no log.
func TestTypedIsPosted(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	var said bytes.Buffer
	h.show(h.store, slog.New(slog.NewTextHandler(&said, nil)))
	ref := "0123-4567-89AB-CDEF-GHJK-MNPQ"
	post := func(form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/find", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.doors.ServeHTTP(w, r)
		return w
	}
	for _, tt := range []struct {
		form  url.Values
		where string
	}{
		{url.Values{"find": {"Mi 3"}}, "/?find=Mi+3#models"},
		{url.Values{"find": {"红米 1S"}, "order": {"handsets"}}, "/?find=%E7%BA%A2%E7%B1%B3+1S&order=handsets#models"},
		{url.Values{"find": {" "}}, "/#models"},
		{url.Values{"find": {ref}}, "/installations/" + ref},
		{url.Values{"ref": {strings.ToLower(ref)}}, "/installations/" + ref},
		{url.Values{"ref": {"HM 1S"}}, "/?find=HM+1S#models"},
	} {
		if w := post(tt.form); w.Code != 303 || w.Header().Get("Location") != tt.where {
			t.Errorf("%v: %d %s, wanted %s", tt.form, w.Code, w.Header().Get("Location"), tt.where)
		}
	}
	for _, number := range []string{"861234567890123", "86 123456 789012 3", "+86 138 0013 8000", "mei@example.org"} {
		for _, box := range []string{"find", "ref"} {
			if w := post(url.Values{box: {number}}); w.Code != 422 || w.Header().Get("Location") != "" ||
				strings.Contains(w.Body.String(), number) ||
				!strings.Contains(w.Body.String(), "That is not needed here") ||
				!strings.Contains(w.Body.String(), `id="ref"`) {
				t.Errorf("%s in the box %s: %d to %q, %s", number, box, w.Code, w.Header().Get("Location"), w.Body)
			}
			for _, path := range []string{"/?", "/installations?"} {
				if w := h.get(path + url.Values{box: {number}}.Encode()); strings.Contains(w.Body.String(), number) ||
					strings.Contains(w.Header().Get("Location"), "86") {
					t.Errorf("%s in an old address repeats it: %d", number, w.Code)
				}
			}
		}
	}
	if strings.Contains(said.String(), "861234567890123") {
		t.Errorf("the log repeats it: %s", &said)
	}
	if w := post(url.Values{"find": {strings.Repeat("x", 1<<20)}}); w.Code != 422 {
		t.Errorf("a megabyte: %d", w.Code)
	}
}

// TestSearchByBuild: a part of a build that is published finds its models, in the list and typed into either box.
func TestSearchByBuild(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani", "dior")
	h.next("second", plainSource)
	h.publishPackages(nextPackage("dior", "JHCMIBH77.0"))
	h.show(h.store, nil)
	if w := h.get("/installations?ref=IBH77.0"); w.Code != 303 || w.Header().Get("Location") != "/?find=IBH77.0#models" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
	}
	for typed, want := range map[string]string{
		"IBH77.0": "dior", "jhcmibh45": "armani dior", "BH77.0:user/release-keys": "dior", "IBH99.0": "",
		"Xiaomi/armani/armani:4.3": "armani",
	} {
		got := h.listed(url.Values{"find": {typed}}.Encode())
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %v, wanted %s", typed, got, want)
		}
	}
}
