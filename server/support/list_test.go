// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"

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
	if w := h.get("/installations?ref=redmi+note"); w.Code != 303 || w.Header().Get("Location") != "/?find=Redmi+Note#models" {
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
		{url.Values{"find": {"红米 1S"}, "order": {"handsets"}}, "/?find=Redmi+1S&order=handsets#models"},
		{url.Values{"find": {" "}}, "/#models"},
		{url.Values{"find": {ref}}, "/installations/" + ref},
		{url.Values{"ref": {strings.ToLower(ref)}}, "/installations/" + ref},
		{url.Values{"ref": {"HM 1S"}}, "/?find=Redmi+1S#models"},
		{url.Values{"find": {strings.ToUpper(releaseName) + " "}}, "/releases/" + releaseName},
		{url.Values{"ref": {releaseName}}, "/releases/" + releaseName},
		{url.Values{"find": {"2014-018"}, "order": {"+86"}}, "/?find=2014018#models"},
		{url.Values{"find": {"mi 3", "13800138000"}}, "/?find=Mi+3#models"},
	} {
		if w := post(tt.form); w.Code != 303 || w.Header().Get("Location") != tt.where {
			t.Errorf("%v: %d %s, wanted %s", tt.form, w.Code, w.Header().Get("Location"), tt.where)
		}
	}
	for _, number := range []string{"861234567890123", "86 123456 789012 3", "+86 138 0013 8000", "mei@example.org", "13800138000的手机",
		"我的号码13800138000是小米3", "IMEI 861234567890123和2014018", "861234567890123b", "A100002B7F0A2C",
		"a1 00002b 7f0a2c", "٨٦١٢٣٤٥٦٧٨٩٠١٢٣",
		"⁸⁶¹²³⁴⁵⁶⁷⁸⁹⁰¹²³", "861234567890123456789012"} {
		for _, box := range []string{"find", "ref"} {
			if w := post(url.Values{box: {number}}); w.Code != 422 || w.Header().Get("Location") != "" ||
				repeats(w, number) ||
				!strings.Contains(w.Body.String(), "That is not needed here") ||
				!strings.Contains(w.Body.String(), `id="ref"`) {
				t.Errorf("%s in the box %s: %d to %q, %s", number, box, w.Code, w.Header().Get("Location"), w.Body)
			}
			for _, path := range []string{"/?", "/installations?"} {
				w := h.get(path + url.Values{box: {number}}.Encode())
				if repeats(w, number) || strings.Contains(w.Header().Get("Location"), "86") {
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

// repeats says if an answer has a text anywhere, as it is, escaped or in a link.
func repeats(w *httptest.ResponseRecorder, text string) bool {
	said := w.Body.String()
	for _, lines := range w.Header() {
		said += strings.Join(lines, "\n")
	}
	return strings.Contains(html.UnescapeString(said), text) || strings.Contains(said, url.QueryEscape(text)) ||
		strings.Contains(said, url.PathEscape(text))
}

// TestNamesNothing: what names nothing of the line-up is answered where it was posted, with the forms to try again, and is repeated nowhere:
// in every language, behind a path, and where small numbers are not shown.
func TestNamesNothing(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	var said bytes.Buffer
	h.show(h.store, slog.New(slog.NewTextHandler(&said, nil)))
	post := func(path, box, typed string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{box: {typed}, "order": {"name"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.doors.ServeHTTP(w, r)
		return w
	}
	nothing := func(start string) {
		t.Helper()
		for _, typed := range []string{"nokia", "一三八零零一三八零零零", "my neighbour Mei", "13 80 01 nothing", "<b>x</b>"} {
			w := post(start+"/find", "find", typed)
			if body := w.Body.String(); w.Code != 404 || repeats(w, typed) || w.Header().Get("Location") != "" ||
				len(missing(body)) > 0 ||
				!strings.Contains(body, `id="find-model" name="find" value=""`) || !strings.Contains(body, `name="order" value="name"`) ||
				!strings.Contains(body, `action="`+start+`/find"`) || !strings.Contains(body, `id="ref"`) {
				t.Errorf("%s behind %q: %d to %q\n%s", typed, start, w.Code, w.Header().Get("Location"), body)
			}
		}
		if w := post(start+"/find", "find", "hongmi 1s, 红米"); w.Header().Get("Location") != start+"/?find=Redmi+1S&order=name#models" {
			t.Errorf("behind %q: %d to %q", start, w.Code, w.Header().Get("Location"))
		}
		for _, box := range []string{"find", "ref"} {
			if w := post(start+"/find", box, "13800138000的手机"); w.Code != 422 || repeats(w, "13800138000") {
				t.Errorf("behind %q: %d\n%s", start, w.Code, w.Body)
			}
		}
	}
	for _, start := range []string{"", "/en", "/zh-Hans", "/zh-Hant"} {
		nothing(start)
	}
	h.outlined(20)
	nothing("")
	h.outside(t, "/landed", "")
	nothing("/landed/zh-Hans")
	if strings.Contains(said.String(), "nokia") {
		t.Errorf("the log has it: %s", &said)
	}
}

// FuzzTyped: a long number that was typed into either box, in digits of any script, is on no page and in no address.
func FuzzTyped(f *testing.F) {
	for _, typed := range []string{"13800138000的手机", "IMEI 861234567890123和2014018", "861234567890123b",
		"٨٦١٢٣٤٥٦٧٨٩٠١٢٣ mi 3", "a1\x00800138000",
		"KXDMIBJ13800138000", "861234567890123456789012", "Mi 3", "8612345678901230abcdefgh", "1380013800a0 Xiaomi/armani", releaseName} {
		f.Add(typed)
	}
	h := open(f, manifests.DefaultCatalogue())
	h.publish("armani", "dior")
	numbers := regexp.MustCompile(`[0-9]{11,}`)
	f.Fuzz(func(t *testing.T, typed string) {
		post := httptest.NewRequest(http.MethodPost, "/find", strings.NewReader(url.Values{"find": {typed}, "order": {typed}}.Encode()))
		into := httptest.NewRequest(http.MethodPost, "/find", strings.NewReader(url.Values{"ref": {typed}}.Encode()))
		old := httptest.NewRequest(http.MethodGet, "/installations?"+url.Values{"ref": {typed}}.Encode(), nil)
		list := httptest.NewRequest(http.MethodGet, "/?"+url.Values{"find": {typed}}.Encode(), nil)
		for _, r := range []*http.Request{post, into, old, list} {
			if r.Method == http.MethodPost {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			w := httptest.NewRecorder()
			if h.doors.ServeHTTP(w, r); w.Code >= 500 {
				t.Fatalf("%q: %d", typed, w.Code)
			}
			said := w.Body.String() + w.Header().Get("Location")
			if to, err := url.QueryUnescape(w.Header().Get("Location")); err == nil {
				said += to
			}
			for _, number := range numbers.FindAllString(asDigits(typed), -1) {
				if strings.Contains(asDigits(html.UnescapeString(said)), number) {
					t.Errorf("%q: %s %s repeats %s", typed, r.Method, r.URL.Path, number)
				}
			}
		}
	})
}

// asDigits has the digits of every script, and those above a line, as those of ASCII.
func asDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII && unicode.IsDigit(r) {
			zero := r
			for zero > r-9 && unicode.IsDigit(zero-1) {
				zero--
			}
			return '0' + r - zero
		}
		return r
	}, norm.NFKC.String(text))
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
