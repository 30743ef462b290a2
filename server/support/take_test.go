// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"strconv"
	"strings"
	"testing"

	"landed/manifests"
)

func (h *fixture) csv(path string) (rows []map[string]string) {
	h.t.Helper()
	w := h.get(path)
	all, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") ||
		!strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment; filename=\"landed-") || len(all) == 0 {
		h.t.Fatalf("%s: %d, %v, %v", path, w.Code, err, w.Header())
	}
	for _, line := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// TestCSV: the table of a view has the figures of its JSON.
func TestCSV(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	v, rows := h.status(), h.csv("/status.csv")
	if len(rows) != len(v.Models) {
		t.Fatalf("%d rows of %d models", len(rows), len(v.Models))
	}
	for i, m := range v.Models {
		row := rows[i]
		for name, want := range map[string]int64{"installations": m.Installations, "judged": m.Judged, "proven": m.Proven,
			"kind_bad": m.Kinds["bad"], "progress_running": m.Progress["running"], "verdict_leak": m.Verdicts[leak]} {
			if row[name] != strconv.FormatInt(want, 10) {
				t.Errorf("%s of %s is %q, wanted %d", name, m.Model, row[name], want)
			}
		}
		if row["standing"] != string(m.Standing) || row["model"] != m.Model || row["as_of"] != "2014-08-14T09:30:00Z" {
			t.Errorf("%s: %v", m.Model, row)
		}
		if low := row["proven_low_percent"]; (low == "") != (m.ProvenInterval == nil) {
			t.Errorf("%s has the range from %q", m.Model, low)
		}
	}
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1))
	for path, n := range map[string]int{"/releases.csv": 1, "/releases/" + releaseName + ".csv": 7, "/models/armani.csv": 20,
		"/series.csv": 1, "/models/armani/series.csv": 1, "/releases/" + releaseName + "/series.csv": 1,
		"/installations/" + hs.ref.String() + ".csv": 1, "/zh-Hant/status.csv": 7} {
		if rows := h.csv(path); len(rows) < n {
			t.Errorf("%s has %d rows, wanted %d", path, len(rows), n)
		}
	}
}

// TestInert: no cell is a formula to a spreadsheet.
func TestInert(t *testing.T) {
	for cell, want := range map[string]string{"": "", "a": "a", "=1+1": "'=1+1", "+49": "'+49", "-1": "'-1", "@x": "'@x",
		"\tx": "'\tx", "5": "5"} {
		if got := inert(cell); got != want {
			t.Errorf("%q is %q, wanted %q", cell, got, want)
		}
	}
}

// TestFeed: who subscribes is told what happened, newest first, each once, whatever the language.
func TestFeed(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	read := func(path string) (feed atomFeed) {
		t.Helper()
		w := h.get(path)
		if err := xml.Unmarshal(w.Body.Bytes(), &feed); err != nil ||
			w.Header().Get("Content-Type") != "application/atom+xml; charset=utf-8" {
			t.Fatalf("%s: %v, %s", path, err, w.Header())
		}
		return feed
	}
	feed, chinese := read("/feed.atom"), read("/zh-Hans/feed.atom")
	if len(feed.Entries) < 8 || len(feed.Entries) > newsMost || feed.Updated != feed.Entries[0].Updated || feed.ID != chinese.ID {
		t.Fatalf("%d entries, updated %s", len(feed.Entries), feed.Updated)
	}
	seen, halted := map[string]bool{}, false
	for i, e := range feed.Entries {
		if seen[e.ID] || !strings.HasPrefix(e.ID, "urn:uuid:") || e.ID != chinese.Entries[i].ID || e.Title == "" || e.Link.Href == "" {
			t.Errorf("entry %d: %+v", i, e)
		}
		if i > 0 && e.Updated > feed.Entries[i-1].Updated {
			t.Errorf("entry %d is newer than the one before it", i)
		}
		seen[e.ID] = true
		halted = halted || e.Link.Href == "/models/pisces" && strings.Contains(e.Title, "stopped")
	}
	if !halted {
		t.Error("nobody is told that the update of a model was stopped")
	}
	if page := h.get("/").Body.String(); !strings.Contains(page, `type="application/atom+xml"`) {
		t.Error("the page does not say that there is a feed")
	}
}

// TestBadge: a badge says in words how something stands, and is a picture that any page may hold.
func TestBadge(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	for path, want := range map[string]string{
		"/badge.svg": "Landed: effect shown on 2 of 7 models, stopped on 1", "/models/pisces/badge.svg": "Mi 3 TD: Stopped",
		"/models/armani/badge.svg":                "Redmi 1S: effect shown on 99.7 % or more",
		"/releases/" + releaseName + "/badge.svg": "stopped on 1 of 7 models",
	} {
		w := h.get(path)
		body := w.Body.Bytes()
		if w.Code != 200 || w.Header().Get("Content-Type") != "image/svg+xml; charset=utf-8" || !bytes.Contains(body, []byte(want)) {
			t.Errorf("%s: %d %s", path, w.Code, body)
		}
		if err := xml.Unmarshal(body, new(struct{ XMLName xml.Name })); err != nil || bytes.Contains(body, []byte("style=")) ||
			len(body) > 2000 {
			t.Errorf("%s: %v, %d bytes", path, err, len(body))
		}
	}
	awkward := awkward(t)
	for _, m := range awkward.status().Models {
		if w := awkward.get("/models/" + m.Role + "/badge.svg"); xml.Unmarshal(w.Body.Bytes(), new(struct{ XMLName xml.Name })) != nil {
			t.Errorf("%s is no picture: %s", m.Model, w.Body)
		}
	}
}

// TestFormsOfNothing: before there is anything, each form is there, and empty.
func TestFormsOfNothing(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	if rows := h.csv("/status.csv"); len(rows) != 0 {
		t.Errorf("%v", rows)
	}
	for _, path := range []string{"/feed.atom", "/badge.svg"} {
		if w := h.get(path); w.Code != 200 || xml.Unmarshal(w.Body.Bytes(), new(struct{ XMLName xml.Name })) != nil {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := h.get("/models/nothing/badge.svg"); w.Code != 404 {
		t.Errorf("a badge of nothing: %d", w.Code)
	}
}
