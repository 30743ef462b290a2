// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/history"
)

// remember copies the figures as the server does, so long before now.
func (h *fixture) remember(before time.Duration) {
	h.t.Helper()
	then := now.Add(-before)
	s, err := New(
		Config{View: h.store, Catalogue: func() *manifests.Catalogue { return h.lineup }, Now: func() time.Time { return then }},
	)
	if err != nil {
		h.t.Fatal(err)
	}
	k := history.New(history.Config{Store: h.store, Now: func() time.Time { return then }, Log: slog.New(slog.DiscardHandler),
		Fleet: func(ctx context.Context, tx fleet.Tx) (fleet.Counts, error) { return s.Fleet(ctx, tx) }})
	if err := k.Tick(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *fixture) series(path string) (s Series) {
	h.t.Helper()
	if err := json.Unmarshal(h.get(path).Body.Bytes(), &s); err != nil {
		h.t.Fatal(err)
	}
	return s
}

// TestSeries: figures of before are as they were copied, and the last point is what the page says, under each address.
func TestSeries(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani", "dior")
	h.roll("armani", func(r *fleet.Rollout) {
		r.Started = now.Add(-60 * time.Hour)
		r.Reached = []fleet.Reach{{At: r.Started, Share: 100}, {At: now.Add(-30 * time.Hour), Share: 1000}}
	})
	h.remember(8 * day) // of nobody: nothing to be told of
	h.count("armani", 10, unpatched, beforeActive)
	h.count("dior", 4, unpatched, beforeQuiet)
	h.remember(7*day + time.Hour)
	h.move(
		4,
		h.state("armani", unpatched, beforeActive, report.ProgressKnown),
		h.state("armani", confirmedOff, beforeActive, report.ProgressRunning),
	)
	h.remember(2 * day)
	h.move(
		1,
		h.state("armani", unpatched, beforeActive, report.ProgressKnown),
		h.state("armani", leak, beforeActive, report.ProgressRunning),
	)
	h.remember(24 * time.Hour)
	h.move(
		2,
		h.state("armani", unpatched, beforeActive, report.ProgressKnown),
		h.state("armani", confirmedOff, beforeActive, report.ProgressRunning),
	)
	h.remember(0)

	status := h.status()
	type want struct{ installations, proven, opposite int64 }
	for _, tt := range []struct {
		path   string
		points []want
		last   Figures
	}{
		{"/series.json", []want{{14, 0, 0}, {14, 4, 0}, {14, 4, 1}, {14, 6, 1}}, status.Totals},
		{"/models/armani/series.json", []want{{10, 0, 0}, {10, 4, 0}, {10, 4, 1}, {10, 6, 1}}, status.model("armani").Figures},
		{"/models/dior/series.json", []want{{4, 0, 0}, {4, 0, 0}, {4, 0, 0}, {4, 0, 0}}, status.model("dior").Figures},
		{"/releases/" + releaseName + "/series.json", []want{{14, 0, 0}, {14, 4, 0}, {14, 4, 1}, {14, 6, 1}}, status.Totals},
	} {
		s := h.series(tt.path)
		if len(s.Points) != len(tt.points) {
			t.Errorf("%s: %d points, wanted %d", tt.path, len(s.Points), len(tt.points))
			continue
		}
		for n, p := range s.Points {
			if got := (want{p.Installations, p.Proven, p.Opposite}); got != tt.points[n] || p.Kinds["good"] != p.Proven {
				t.Errorf("%s, point %d of %s: %+v, wanted %+v", tt.path, n, p.At, got, tt.points[n])
			}
		}
		last, now := s.Points[len(s.Points)-1], pointOf(now, tt.last)
		now.Release, now.Ran = last.Release, last.Ran
		is, _ := json.Marshal(last)
		page, _ := json.Marshal(now)
		if string(is) != string(page) {
			t.Errorf("%s ends with\n%s\nand the page has\n%s", tt.path, is, page)
		}
		if s.Day == nil || s.Week == nil || s.Day.Proven != last.Proven-tt.points[2].proven || s.Week.Proven != last.Proven {
			t.Errorf("%s: since a day %+v, since a week %+v", tt.path, s.Day, s.Week)
		}
	}
	s := h.series("/models/armani/series.json")
	if len(s.Stages) != 2 || s.Stages[0].Until == nil || s.Stages[1].Until != nil || s.Stages[1].Share != 1000 {
		t.Errorf("stages: %+v", s.Stages)
	}
	if len(s.Marks) != 2 || s.Marks[0].What != "publish" || s.Marks[1].What != "start" || s.Marks[1].Share != 100 {
		t.Errorf("marks: %+v", s.Marks)
	}
	for _, path := range []string{"/models/nothing/series.json", "/releases/nothing/series.json"} {
		if w := h.get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestSeriesOfTwoReleases: the points of before the second are of the first, and the whole fleet is in each.
func TestSeriesOfTwoReleases(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	h.count("armani", 8, confirmedOff, beforeActive)
	h.count("armani", 2, leak, beforeActive)
	h.remember(50 * time.Hour)
	old := h.state("armani", leak, beforeActive, report.ProgressRunning)
	h.next("corrected", secondSource)
	h.publishPackages(nextPackage("armani", "JHCMIBH46.0"))
	h.roll("armani", func(r *fleet.Rollout) { r.Started = now.Add(-40 * time.Hour) })
	h.remember(20 * time.Hour)
	h.moveOn(2, *old, h.state("armani", confirmedOff, beforeActive, report.ProgressRunning))
	s := h.series("/models/armani/series.json")
	want := []struct {
		release               string
		good, bad, unmet, all int64
	}{{releaseName, 8, 2, 0, 10}, {"corrected", 0, 0, 10, 10}, {"corrected", 2, 0, 8, 10}}
	if len(s.Points) != len(want) {
		t.Fatalf("%d points, wanted %d", len(s.Points), len(want))
	}
	for n, p := range s.Points {
		if w := want[n]; p.Release != w.release || p.Kinds["good"] != w.good || p.Kinds["bad"] != w.bad || p.Installations != w.all ||
			p.Verdicts[unpatched] != w.unmet {
			t.Errorf("point %d: %s, %v, %v; wanted %+v", n, p.Release, p.Kinds, p.Verdicts, w)
		}
	}
}

// TestSeriesWithoutMemory: before anything was copied there is what is now.
func TestSeriesWithoutMemory(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	for _, path := range []string{"/series.json", "/models/armani/series.json", "/releases/" + releaseName + "/series.json"} {
		if s := h.series(path); len(s.Points) != 1 || s.Points[0].Installations == 0 || s.Day != nil || s.Week != nil {
			t.Errorf("%s: %+v", path, s)
		}
	}
}

// remembered are 30 days of two models. On the ninth, handsets of one begin to leak; it is halted on the tenth and resumed on the
// thirteenth.
func remembered(t testing.TB) *fixture {
	h := open(t, manifests.DefaultCatalogue())
	ago := func(days int) time.Time { return now.Add(-time.Duration(30-days) * day) }
	h.made = ago(2)
	h.publish("armani", "dior")
	for _, device := range []string{"armani", "dior"} {
		h.roll(device, func(r *fleet.Rollout) {
			r.Started, r.Since, r.Stage = ago(3), ago(20), 3
			r.Reached = []fleet.Reach{
				{At: ago(3), Share: 100},
				{At: ago(6), Share: 1000},
				{At: ago(15), Share: 5000},
				{At: ago(20), Share: 10_000},
			}
		})
	}
	h.update(func(ctx context.Context, tx fleet.Tx) (err error) {
		for _, e := range []struct {
			day          int
			what, device string
		}{{6, "widen", "armani"}, {6, "widen", "dior"}, {10, "halt", "armani"}, {13, "resume", "armani"}, {15, "widen", "armani"},
			{15, "widen", "dior"}, {20, "widen", "armani"}, {20, "widen", "dior"}} {
			if err == nil {
				err = tx.Audit().
					Append(ctx, fleet.AuditEntry{At: ago(e.day).Add(3 * time.Hour), Actor: "landed", Action: "rollout." + e.what,
						Subject: releaseName + "." + e.device + ".stable", Reason: "as the story goes"})
			}
		}
		return err
	})
	h.count("armani", 800, unpatched, beforeActive)
	h.count("dior", 300, unpatched, beforeQuiet)
	at := func(device string, class fleet.Class, p report.Progress) *fleet.Installation {
		return h.state(device, class, map[string]fleet.Before{"armani": beforeActive, "dior": beforeQuiet}[device], p)
	}
	for d := range 30 {
		for _, device := range []string{"armani", "dior"} {
			waits, loads, runs := at(device, unpatched, report.ProgressKnown), at(device, unpatched, report.ProgressInstalled),
				at(device, confirmedOff, report.ProgressRunning)
			if d < 3 || device == "armani" && d >= 10 && d < 13 {
				continue
			}
			n := []int{8, 18, 30}[min(d/7, 2)]
			if device == "dior" {
				n /= 3
			}
			h.move(n, waits, loads)
			if d > 3 {
				h.move(n-2, loads, runs)
				h.move(1, loads, at(device, notExercised, report.ProgressRunning))
				h.move(1, waits, at(device, unpatched, report.ProgressFailed))
			}
			if device == "armani" && d >= 9 && d < 12 {
				h.move(12, runs, at(device, leak, report.ProgressRunning))
			}
		}
		h.remember(time.Duration(30-d) * day)
	}
	return h
}

// TestPastOnThePages: thirty points at least, the last as the page has it, a table behind each picture, and what happened.
func TestPastOnThePages(t *testing.T) {
	h := remembered(t)
	for _, path := range []string{"/", "/models/armani", "/releases/" + releaseName} {
		body := h.get(path).Body.String()
		pictures := strings.Count(body, `<svg class="series" role="img"`)
		if tables := strings.Count(body, `<table class="figures past">`); pictures < 2 || tables < pictures ||
			strings.Contains(body, "[past") {
			t.Errorf("%s: %d pictures and %d tables", path, pictures, tables)
		}
		for _, want := range []string{"Since yesterday:", "Since a week ago:", "<li class=\"halt\">", "esumed at", "published"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: nothing says %q", path, want)
			}
		}
	}
	if s := h.series("/models/armani/series.json"); len(s.Points) < 30 {
		t.Errorf("%d points of 30 days", len(s.Points))
	}
}

// TestCompare: what is chosen stands side by side, on the same axes, under an address of its own.
func TestCompare(t *testing.T) {
	h := remembered(t)
	if w := h.get("/compare?of=armani&of=" + releaseName + "&of=armani"); w.Code != http.StatusSeeOther ||
		w.Header().Get("Location") != "/compare/armani,"+releaseName {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	for path, pictures := range map[string]int{"/compare": 0, "/compare/armani,dior," + releaseName: 6} {
		body := h.get(path).Body.String()
		if n := strings.Count(body, `<svg class="series small" role="img"`); n != pictures || !strings.Contains(body, `value="dior"`) {
			t.Errorf("%s: %d pictures, wanted %d", path, n, pictures)
		}
	}
	for _, path := range []string{"/compare/nothing", "/compare/,", "/compare/a,b,c,d,e,f,g,h,i,j,k,l,m"} {
		if w := h.get(path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestSinceIsOfThatDay: what changed is told since yesterday, or a week ago, only by a copy that is about as old.
func TestSinceIsOfThatDay(t *testing.T) {
	for _, tt := range []struct {
		copied    time.Duration // before now
		day, week bool
	}{
		{23 * time.Hour, false, false},
		{24 * time.Hour, true, false},
		{26 * time.Hour, true, false},
		{26*time.Hour + time.Minute, false, false},
		{6 * day, false, false},
		{7 * day, false, true},
		{8 * day, false, true},
		{8*day + time.Minute, false, false},
	} {
		h := open(t, manifests.DefaultCatalogue())
		h.publish("armani")
		h.roll("armani", nil)
		h.count("armani", 5, confirmedOff, notSeen)
		h.remember(tt.copied)
		s := h.series("/series.json")
		if len(s.Points) != 2 || (s.Day != nil) != tt.day || (s.Week != nil) != tt.week {
			t.Errorf("copied %s ago: %d points, since a day %+v, since a week %+v", tt.copied, len(s.Points), s.Day, s.Week)
		}
		page := h.get("/").Body.String()
		if strings.Contains(page, "Since yesterday:") != tt.day || strings.Contains(page, "Since a week ago:") != tt.week {
			t.Errorf("copied %s ago: the page says since when it is otherwise", tt.copied)
		}
	}
}

// TestSharesSayOfHowMany: a picture of shares, and the table behind it, say of how many they are shares, and in which range they lie.
func TestSharesSayOfHowMany(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	h.count("armani", 2, leak, notSeen)
	h.count("armani", 9, unpatched, notSeen)
	h.remember(2 * time.Hour)
	h.count("armani", 1, leak, notSeen)
	for path, want := range map[string][]string{
		"/models/armani": {
			"Of the handsets that could be judged, over time (3 now)", `<th scope="col" class="num">Could be judged</th>`,
			`<td class="num">3</td><td class="num">100 % <span class="range">43–100 %</span></td>`,
			`<td class="num">2</td><td class="num">100 % <span class="range">34–100 %</span></td>`,
			`<b>100 %</b><span class="range"> (43–100 %)</span></li>`,
		},
		"/compare/armani": {
			"What handsets show, as shares of all of them (12 now)", "How far the update is, as shares of all of them (12 now)",
			`<td class="num">12</td><td class="num">25 % <span class="range">8–54 %</span></td>`,
		},
	} {
		page := strings.ReplaceAll(h.get(path).Body.String(), "\u00a0", " ")
		for _, words := range want {
			if !strings.Contains(page, words) {
				t.Errorf("%s does not say %q", path, words)
			}
		}
	}
}
