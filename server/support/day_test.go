// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/report"
)

// ago names the day so many days before now.
func ago(days int) string { return now.Add(-time.Duration(days) * day).Format(time.DateOnly) }

func read[T any](h *fixture, path string) (v T) {
	h.t.Helper()
	w := h.get(path)
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != http.StatusOK {
		h.t.Fatalf("%s: %d, %v\n%s", path, w.Code, err, w.Body)
	}
	return v
}

// pointOn is the last point of a series on a day.
func pointOn(t *testing.T, s Series, day string) (last Point) {
	t.Helper()
	for _, p := range s.Points {
		if p.At.Format(time.DateOnly) == day {
			last = p
		}
	}
	if last.At.IsZero() {
		t.Fatalf("no point of %s", day)
	}
	return last
}

// TestDay asks for the days of a story of thirty.
func TestDay(t *testing.T) {
	h := remembered(t)
	dayFigures(t, h)
	dayPages(t, h)
	dayStays(t, h)
}

// dayFigures: of every day the pages have what the copies of its end have, under each address.
func dayFigures(t *testing.T, h *fixture) {
	fleet, armani, release := h.series(
		"/series.json",
	), h.series(
		"/models/armani/series.json",
	), h.series(
		"/releases/"+releaseName+"/series.json",
	)
	same := func(day string, f Figures, of Series) {
		t.Helper()
		want := pointOn(t, of, day)
		if got := pointOf(want.At, f); got.Parts != want.Parts || !maps.Equal(got.Kinds, want.Kinds) ||
			!maps.Equal(got.Progress, want.Progress) {
			t.Errorf("%s: %+v %v, wanted %+v %v", day, got.Parts, got.Kinds, want.Parts, want.Kinds)
		}
	}
	for _, n := range []int{1, 2, 10, 18, 20, 26, 28} {
		day := ago(n)
		status := read[Status](h, "/status.json?on="+day)
		same(day, status.Totals, fleet)
		same(day, status.model("armani").Figures, armani)
		same(day, read[ModelPage](h, "/models/armani.json?on="+day).Figures, armani)
		same(day, read[ReleasePage](h, "/releases/"+releaseName+".json?on="+day).Totals, release)
		if status.On == nil || status.On.Day != day || !status.On.At.Equal(pointOn(t, fleet, day).At) {
			t.Errorf("%s: %+v", day, status.On)
		}
		for _, m := range status.Models {
			if m.Standing != "" || m.Say != "" || len(m.Rollouts)+len(m.Checks) > 0 {
				t.Errorf("%s: a copy does not know that: %+v", day, m)
			}
		}
	}
	rows, err := csv.NewReader(h.get("/status.csv?on=" + ago(10)).Body).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][0] != pointOn(t, fleet, ago(10)).At.Format(time.RFC3339) {
		t.Errorf("%v, %v", rows, err)
	}
	if name := h.get("/status.csv?on=" + ago(10)).Header().Get("Content-Disposition"); !strings.Contains(name, ago(10)) {
		t.Error(name)
	}
}

// dayPages say that they are of the past, of which copy, and what there is beside it, in every language; they do not follow
// the figures.
func dayPages(t *testing.T, h *fixture) {
	day := ago(5)
	for _, path := range []string{"/", "/models/armani", "/releases/" + releaseName} {
		body := h.get(path + "?on=" + day).Body.String()
		for _, want := range []string{"This is the past.", "?on=" + ago(4), "?on=" + ago(6),
			`href="` + path + `">The figures of now`, "on=" + day + `" lang="zh-Hans"`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: nothing says %q", path, want)
			}
		}
		if strings.Contains(body, "live.js") || strings.Contains(body, "Figures as of") {
			t.Errorf("%s is live", path)
		}
		if gaps := missing(body); len(gaps) > 0 {
			t.Errorf("%s: sentences are missing or do not fit their data: %v", path, gaps)
		}
		if body := h.get(path).Body.String(); !strings.Contains(body, `<a href="`+path+"?on="+day+`"><time`) ||
			strings.Contains(body, "on="+now.Format(time.DateOnly)) {
			t.Errorf("%s: the table behind the charts has no link to the day, or one to today", path)
		}
	}
	if body := h.get("/zh-Hans/models/armani?on=" + day).Body.String(); !strings.Contains(body, `href="/zh-Hans/?on=`+day) {
		t.Error("the links leave the language")
	}
	if body := h.get("/?on=" + day + "&find=armani").Body.String(); !strings.Contains(body, "Redmi Note 4G") {
		t.Error("a list of the past is not searched")
	}
}

// dayStays as it was whatever happens later; and one copy is read once for all who ask.
func dayStays(t *testing.T, h *fixture) {
	paths := []string{"/", "/status.json", "/status.csv", "/models/armani", "/releases/" + releaseName}
	before := map[string]string{}
	for _, path := range paths {
		w := h.get(path + "?on=" + ago(5))
		if before[path] = w.Body.String(); w.Code != http.StatusOK || w.Header().Get("ETag") == h.get(path).Header().Get("ETag") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	h.move(
		20,
		h.state("armani", confirmedOff, beforeActive, report.ProgressRunning),
		h.state("armani", leak, beforeActive, report.ProgressRunning),
	)
	h.show(h.store, nil)
	for _, path := range paths {
		if body := h.get(path + "?on=" + ago(5)).Body.String(); body != before[path] {
			t.Errorf("%s was\n%s\nand is\n%s", path, before[path], body)
		}
	}
	c := watched(t, h, time.Nanosecond, atNow)
	for range 5 {
		etag := h.get("/?on=" + ago(5)).Header().Get("ETag")
		if w := h.get("/?on="+ago(5), "If-None-Match", etag); w.Code != http.StatusNotModified {
			t.Errorf("%d", w.Code)
		}
		h.count("armani", 1, confirmedOff, beforeActive)
	}
	if n := c.views.Load(); n != 1 {
		t.Errorf("the store was read %d times for one day", n)
	}
}

// TestNoDay: where there is no copy it is said why, and of which days there is one.
func TestNoDay(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	for _, path := range []string{"/?on=2014-08-01", "/?on=x"} {
		if w := h.get(path); w.Code < 400 || w.Code >= 500 || strings.Contains(w.Body.String(), "Days of which") {
			t.Errorf("%s of no copies: %d", path, w.Code)
		}
	}
	h.remember(10 * 24 * time.Hour)
	h.fleetOfSeven()
	h.remember(5 * 24 * time.Hour)
	h.remember(0)
	for _, tt := range []struct {
		on, code string
		status   int
		nearest  []string
	}{
		{ago(7), "day_without_copy", 404, []string{ago(10), ago(5)}}, {ago(3), "day_without_copy", 404, []string{ago(5)}},
		{ago(400), "day_without_copy", 404, []string{ago(10)}}, {ago(0), "day_not_over", 404, []string{ago(5)}},
		{ago(-1), "day_not_over", 404, []string{ago(5)}}, {"9999-12-31", "day_not_over", 404, []string{ago(5)}},
		{"", "day_unreadable", 422, []string{ago(5)}}, {"2014-02-30", "day_unreadable", 422, []string{ago(5)}},
		{"%3Cb%3E", "day_unreadable", 422, []string{ago(5)}}, {strings.Repeat("2", 3000), "day_unreadable", 422, []string{ago(5)}},
	} {
		var problem struct {
			Code    string   `json:"code"`
			Nearest []string `json:"nearest_days"`
		}
		w := h.get("/status.json?on=" + tt.on)
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != tt.status || problem.Code != tt.code ||
			strings.Join(problem.Nearest, " ") != strings.Join(tt.nearest, " ") {
			t.Errorf("on=%.20s: %d %v, %v\n%s", tt.on, w.Code, problem, err, w.Body)
		}
		for _, page := range []string{"/", "/models/armani", "/releases/" + releaseName} {
			w := h.get(page + "?on=" + tt.on)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), page+"?on="+tt.nearest[0]) ||
				len(missing(w.Body.String())) > 0 {
				t.Errorf("%s on %.20s: %d\n%s", page, tt.on, w.Code, w.Body)
			}
		}
	}
	for on, kept := range map[string]bool{ago(7): true, "x": false, "2014-02-30": false} { // the page in another language is of the same day
		link := `href="/zh-Hans/models/armani`
		if kept {
			link += "?on=" + on
		}
		if body := h.get("/models/armani?on=" + on).Body.String(); !strings.Contains(body, link+`"`) {
			t.Errorf("on=%s: no %s in\n%s", on, link, body)
		}
	}
	if w := h.get("/releases/" + releaseName + "?on=" + ago(10)); w.Code != http.StatusNotFound ||
		!strings.Contains(w.Body.String(), "no such release yet") {
		t.Errorf("%d", w.Code)
	}
	if w := h.get("/?on=" + ago(10)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Nothing was published") {
		t.Errorf("%d", w.Code)
	}
	if w := h.get("/models/nothing?on=" + ago(5)); w.Code != http.StatusNotFound {
		t.Errorf("%d", w.Code)
	}
}

// TestPagesWithoutDays: what is of now alone says so to whoever asks for a day, in every language, behind a path, and where small numbers
// are not shown; what it does not know otherwise, it passes over.
func TestPagesWithoutDays(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1))
	release, installation := "/releases/"+releaseName, "/installations/"+hs.ref.String()
	shown := []string{"/releases", "/releases.json", "/releases.csv", "/badge.svg", "/feed.atom", "/series.json", "/series.csv",
		release + "/badge.svg", "/models/armani/badge.svg", "/models/armani/series.json", "/models/armani/series.csv", installation,
		installation + ".json", installation + ".csv"}
	exact := []string{release + "/report", release + "/report.json", release + "/series.json", release + "/series.csv", "/compare",
		"/compare/armani", "/compare?of=armani"}
	ask := func(base string, status int, code string, paths ...string) {
		t.Helper()
		for _, path := range paths {
			and := "?"
			if strings.Contains(path, "?") {
				and = "&"
			}
			for _, on := range []string{"2014-08-01", "2026-12-01", ""} {
				w := h.get(base + path + and + "utm_source=x&on=" + on)
				if w.Code != status || w.Header().Get("ETag") != "" || len(missing(w.Body.String())) > 0 ||
					code != "" && !strings.Contains(w.Body.String(), code) {
					t.Errorf("%s%s on %q: %d\n%.500s", base, path, on, w.Code, w.Body)
				}
			}
			if w := h.get(base + path + and + "utm_source=x"); w.Code >= 400 && code != "" {
				t.Errorf("%s%s, with another parameter: %d", base, path, w.Code)
			}
		}
	}
	ask("", http.StatusUnprocessableEntity, "", slices.Concat(shown, exact)...)
	ask("/en", http.StatusUnprocessableEntity, "This page is of now alone", "/releases", "/compare", "/series.csv", installation)
	h.outside(t, "/landed", "")
	for start, has := range map[string]string{"/landed": "/landed/models/{role}", "/landed/zh-Hant": "/landed/zh-Hant/models/{role}"} {
		ask(start, http.StatusUnprocessableEntity, "day_not_kept", "/releases.json", "/series.json", installation+".json")
		ask(start, http.StatusUnprocessableEntity, has, "/releases.json")
	}
	h.outlined(20)
	ask("", http.StatusUnprocessableEntity, "day_not_kept", installation+".json")
	for _, path := range append(shown, exact...) {
		and := map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]
		if w := h.get(path + and + "on=2014-08-01"); w.Code != 404 && w.Code != 422 {
			t.Errorf("%s, for everybody: %d", path, w.Code)
		}
	}
}
