// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/server/cells"
	"landed/server/cells/keeper"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/web"
)

// outlined has the pages be those for everybody, where nothing below a threshold is told, after a day's keeping.
func (h *fixture) outlined(threshold int64) {
	h.t.Helper()
	h.ask(threshold, now)
	s, err := New(Config{View: h.store, Catalogue: func() *manifests.Catalogue { return h.lineup },
		Now: func() time.Time { return now }, Fresh: 1, Threshold: threshold})
	if err != nil {
		h.t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Group(s.Routes())
	router.NotFound(s.Missing)
	h.doors = router
}

// ask keeps the numbers of a day, for which it asks the pages of staff.
func (h *fixture) ask(threshold int64, at time.Time) {
	h.t.Helper()
	k := keeper.New(keeper.Config{Store: h.store, Threshold: threshold, Now: func() time.Time { return at },
		Draw:  rand.New(rand.NewPCG(1, 2)).Int64N,
		Exact: func(ctx context.Context, tx fleet.Tx) ([]cells.Exact, error) { return h.support.Exact(ctx, tx) }, HasRoom: func() error { return nil },
		Distrusted: func() bool { return false }})
	if err := k.Tick(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

var outlineDevices = []string{"armani", "dior", "pisces", "cancro", "HM2013023"}

// outlineFleet has a model of many, one of three, one that leaks, one that is stopped, and one on which an older program wrote
// why.
func (h *fixture) outlineFleet() {
	counts := map[string]string{"n": "17", "share": "100"}
	h.roll("armani", func(r *fleet.Rollout) {
		r.State, r.Stage, r.Known, r.Forgiven = fleet.RolloutFinished, len(r.Stages)-1, 417, 17
	})
	h.count("armani", 1604, confirmedOff, beforeActive)
	h.count("armani", 17, carriedOver, beforeQuiet)
	h.count("armani", 106, unpatched, beforeQuiet)
	h.roll("dior", func(r *fleet.Rollout) {
		r.State, r.Held, r.By = fleet.RolloutHeld, fleet.Reason{Code: reasons.LeaksFound, Values: counts}, "landed"
	})
	h.count("dior", 3, confirmedOff, beforeActive)
	h.roll("pisces", nil)
	h.count("pisces", 213, confirmedOff, beforeActive)
	h.count("pisces", 19, leak, beforeActive)
	h.roll("cancro", func(r *fleet.Rollout) {
		r.State, r.Reason, r.By = fleet.RolloutHalted, fleet.Recorded("17 of them got hot"), "landed"
	})
	h.count("cancro", 61, carriedOver, beforeQuiet)
	h.count("cancro", 44, confirmedOff, beforeQuiet)
}

func (h *fixture) json(path string, into any) {
	h.t.Helper()
	w := h.get(path)
	if w.Code != http.StatusOK {
		h.t.Fatalf("%s answers %d: %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		h.t.Fatalf("%s: %v", path, err)
	}
}

// outlinePictures are pages for everybody.
func outlinePictures(t *testing.T) (list []picture) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish(outlineDevices...)
	for n, at := range []time.Time{now.AddDate(0, 0, -9), now.AddDate(0, 0, -6), now.AddDate(0, 0, -3)} {
		h.count("armani", 40+40*n, unpatched, beforeQuiet)
		h.ask(20, at)
	}
	h.outlineFleet()
	h.outlined(20)
	url := h.serve()
	for name, path := range map[string]string{"status": "/", "model": "/models/armani", "few": "/models/dior", "leaking": "/models/pisces",
		"release": "/releases/" + h.release.Name, "releases": "/releases", "staff": "/compare", "verify": "/verify"} {
		list = append(list, picture{"outline-" + name, url + path, ""}, picture{"outline-" + name + "-zh-Hans", url + "/zh-Hans" + path, ""})
	}
	return append(list, picture{"outline-status-print", url + "/", "print"})
}

// TestOutline: what everybody sees of models with many handsets, and with few.
func TestOutline(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish(outlineDevices...)
	h.outlineFleet()
	h.outlined(20)
	var v Outline
	h.json("/status.json", &v)
	type seen struct {
		standing Standing
		opposite Reported
		kinds    string
	}
	want := map[string]seen{
		"armani":    {Shown, NotReported, "good 1600 open - bad - unjudged 110"},
		"dior":      {Offered, NotReported, "good - open - bad - unjudged -"},
		"pisces":    {Leaking, Unconfirmed, "good 210 open - bad - unjudged -"},
		"cancro":    {Halted, NotReported, "good 40 open 60 bad - unjudged -"},
		"HM2013023": {NotOffered, NotReported, "good - open - bad - unjudged -"},
	}
	for _, m := range v.Models {
		kinds := ""
		for _, k := range []fleet.Kind{effect.Good, effect.Open, effect.Bad, effect.Unjudged} {
			kinds += " " + string(k) + " "
			if n := m.Kinds[k]; n != nil {
				kinds += count(*n)
			} else {
				kinds += "-"
			}
		}
		if got := (seen{m.Standing, m.Opposite, kinds[1:]}); got != want[m.Model] {
			t.Errorf("%s: %v, wanted %v", m.Model, got, want[m.Model])
		}
	}
	if v.Schema != OutlineSchema || v.Threshold != 20 || v.Totals.Hidden != 2 || v.Totals.Kinds[effect.Good] != 1850 || len(v.Models) != 5 {
		t.Errorf("%d, %d, %+v", v.Schema, v.Threshold, v.Totals)
	}
}

// TestOutlineHolds: one handset is enough for a hold, so everybody is told that it is held, on what day, and no more, until the day's
// keeping says what handsets report. What a halt says at once is no other thing than what the model says.
func TestOutlineHolds(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("dior", "pisces")
	counts := map[string]string{"n": "3", "share": "100"}
	h.roll("dior", func(r *fleet.Rollout) {
		r.State, r.Held, r.By, r.Changed = fleet.RolloutHeld, fleet.Reason{Code: reasons.LeaksFound, Values: counts}, "landed", now
	})
	h.roll("pisces", func(r *fleet.Rollout) {
		r.State, r.Reason, r.By = fleet.RolloutHalted, fleet.Reason{Code: reasons.LeaksHalt, Values: counts}, "landed"
	})
	h.outlined(20)
	var v OutlineModelPage
	h.json("/models/dior.json", &v)
	day := now.UTC().Truncate(24 * time.Hour)
	if r := v.Rollouts[0]; v.Opposite != NotReported || r.Held != "the stage is held until the staff have looked into it" || !r.Changed.Equal(day) {
		t.Errorf("%q, held because %q at %s", v.Opposite, r.Held, r.Changed)
	}
	if e := v.Timeline[0]; e.Action != "rollout.hold" || !e.At.Equal(day) || e.Reason != "" {
		t.Errorf("the trail has %+v", e)
	}
	if body := h.get("/models/dior").Body.String(); strings.Contains(body, "report the opposite") || !strings.Contains(body, "the staff have looked") {
		t.Error("the page tells more than that it is held")
	}
	h.json("/models/pisces.json", &v)
	if r := v.Rollouts[0]; v.Opposite != Unconfirmed || r.Reason != "handsets show the opposite of the effect" {
		t.Errorf("%q, halted because %q", v.Opposite, r.Reason)
	}
}

// planted are what no page for everybody may say; noNumbers are digits that count nothing.
var (
	planted   = regexp.MustCompile(`.{0,40}(?:\b(?:1604|1,604|417|17|19|213|106|61|44)\b|about 0|no value|got hot|/compare|/report").{0,40}`)
	noNumbers = regexp.MustCompile(`[0-9a-f]{12,64}|urn:uuid:[0-9a-f-]+|(?:width|textLength)="[0-9.]+%?"|[xy0-9]+="[-0-9.%]+"|d="[^"]*"`)
)

// TestOutlinePages: every page is there, in every language and form, has no number that is too small, and says what it does not
// show.
func TestOutlinePages(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish(outlineDevices...)
	h.outlineFleet()
	h.outlined(20)
	name := h.release.Name
	for _, path := range []string{"/", "/status.json", "/status.csv", "/releases", "/releases.json", "/releases.csv", "/releases/" + name,
		"/releases/" + name + ".json", "/releases/" + name + ".csv", "/releases/" + name + "/badge.svg", "/models/armani",
		"/models/armani.json", "/models/armani.csv", "/models/armani/badge.svg", "/models/armani/series.json", "/models/armani/series.csv",
		"/models/dior", "/models/dior.json", "/models/pisces", "/models/cancro", "/models/hm2013023", "/badge.svg", "/feed.atom",
		"/series.json", "/series.csv", "/verify", "/?find=mi+3", "/?show=attention&order=handsets"} {
		w := h.get(path)
		body := w.Body.String()
		if w.Code != http.StatusOK {
			t.Errorf("%s answers %d: %.300s", path, w.Code, body)
		}
		if gaps := missing(body); len(gaps) > 0 {
			t.Errorf("%s: sentences are missing or do not fit their data: %v", path, gaps)
		}
		if found := planted.FindString(noNumbers.ReplaceAllString(body, "")); found != "" {
			t.Errorf("%s has %q", path, found)
		}
	}
	for _, path := range []string{"/compare", "/compare/armani", "/releases/" + name + "/report", "/releases/" + name + "/report.json",
		"/releases/" + name + "/series.json", "/releases/" + name + "/series.csv", "/?on=2014-08-13", "/models/armani?on=2014-08-13",
		"/status.json?on=2014-08-13", "/releases/" + name + ".csv?on=2014-08-13"} {
		if w := h.get(path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "staff") {
			t.Errorf("%s answers %d: %.200s", path, w.Code, w.Body)
		}
	}
}

// TestOutlineStandings: a model stands as it does both if all that is not shown speaks against it, and if all of it speaks for it.
func TestOutlineStandings(t *testing.T) {
	lex := newDictionary(englishOf(t)).plain
	lex.effect = &effect.Effect{}
	says := outliner{describer{words: newDictionary(englishOf(t))}}
	n := func(good, open, bad, unjudged int64) *Outlined { // -1: not shown
		of := map[fleet.Kind]fleet.PublicCell{}
		for k, n := range map[fleet.Kind]int64{effect.Good: good, effect.Open: open, effect.Bad: bad, effect.Unjudged: unjudged} {
			of[k] = fleet.PublicCell{Shown: n >= 0, Number: max(n, 0)}
		}
		snap := &snapshot{public: &publicCells{20, map[string]map[fleet.Kind]fleet.PublicCell{"armani": of}}}
		return says.outline(snap, "", "armani", Model{})
	}
	offered := []Rollout{{State: fleet.RolloutRunning}}
	reported := n(4000, -1, -1, 100)
	reported.Opposite = Unconfirmed
	for name, tt := range map[string]struct {
		of       *Outlined
		rollouts []Rollout
		retired  bool
		want     Standing
	}{
		"nothing":                        {n(-1, -1, -1, -1), offered, false, Offered},
		"nothing, and not offered":       {n(-1, -1, -1, -1), nil, false, NotOffered},
		"halted":                         {n(-1, -1, -1, -1), []Rollout{{State: fleet.RolloutHalted}}, false, Halted},
		"retired":                        {n(-1, -1, -1, -1), offered, true, Retired},
		"so many that few are no matter": {n(4000, -1, -1, 100), offered, false, Shown},
		"shown numbers may be off":       {n(500, 40, -1, -1), offered, false, Testing},
		"enough, however far off":        {n(1400, 40, -1, -1), offered, false, Shown},
		"contradictory ones are hidden":  {n(1200, 40, -1, -1), offered, false, Testing},
		"not so many":                    {n(100, -1, -1, 100), offered, false, Testing},
		"where it runs":                  {n(4000, -1, -1, 9000), offered, false, Spreading},
		"none of what is shown":          {n(-1, 30, -1, 100), offered, false, Testing},
		"hardly any, whatever is hidden": {n(-1, 900, -1, 100), offered, false, NotShown},
		"only who says nothing":          {n(-1, -1, -1, 900), offered, false, Offered},
		"on some":                        {n(5000, 2000, -1, 100), offered, false, Partly},
		"one report of the opposite":     {reported, offered, false, Leaking},
	} {
		if got := tt.of.stands(lex, tt.rollouts, tt.retired); got != tt.want {
			t.Errorf("%s: %s, wanted %s", name, got, tt.want)
		}
	}
}

// TestOfferedNamesWhatIsFew: of a model of which a number is shown, nobody is told that too few have reported.
func TestOfferedNamesWhatIsFew(t *testing.T) {
	for tag, want := range map[string][2]string{
		"en":      {"too few of its handsets have reported", "too few of its handsets could be judged"},
		"zh-Hans": {"有报告的手机太少", "可判定的手机太少"},
		"zh-Hant": {"有回報的手機太少", "可判定的手機太少"},
	} {
		l, err := web.NewLocale(tag)
		if err != nil {
			t.Fatal(err)
		}
		for i, rows := range [][]web.Row{nil, {{Key: string(effect.Unjudged), Count: 40}}} {
			say := l.Say("say.offered", sayData{Model: Model{Product: "Mi 3", Public: &Outlined{Rows: rows}}})
			if !strings.Contains(say, want[i]) || strings.Contains(say, want[1-i]) {
				t.Errorf("%s: %q, wanted %q", tag, say, want[i])
			}
		}
	}
}

// TestOutlineIsBlind: what makes the pages for everybody names no figures. What it is given has none (package wall).
func TestOutlineIsBlind(t *testing.T) {
	files, _ := filepath.Glob("outline*.go")
	files = slices.DeleteFunc(append(files, "outlined.go"), func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	if len(files) < 3 {
		t.Fatalf("only %v make the pages for everybody", files)
	}
	forbidden := []string{"Counts", "History", "Admissions", "Quarantines", "Outages", "Installations", "whole", "own", "today", "totals", "load"}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if of, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains(forbidden, of.Sel.Name) {
				if x, ok := of.X.(*ast.Ident); !ok || x.Name != "o" { // outlinePages.load is behind the wall
					t.Errorf("%s calls %s", file, of.Sel.Name)
				}
			}
			return true
		})
	}
}

func englishOf(t *testing.T) *web.Locale {
	t.Helper()
	l, err := web.NewLocale(inEnglish)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
