// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/store/storetest"
)

// The fleet: of armani so many have shown the effect and so many wait, and of dior there are few.
const (
	armaniGood, armaniWaits, diorWaits = 413, 17, 13
	hidden                             = 20 // numbers below are not shown
)

// world is a house with a fleet of real reports, which tells the public of no number below 20.
type world struct {
	*house
	now  time.Time
	door http.Handler // of the public
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: testNow}
	w.house = newHouse(t, w.config)
	w.door = w.Server.Public()
	ctx := t.Context()
	source := []byte("schema: 1\nrelease: one\ncounter: 1\neffect: {name: cloud-messaging-opt-in, feature: 1, " +
		"migration: switch_off, prompt_day: \"2014-08-01\"}\nnotes: {en: x, zh-Hans: x, zh-Hant: x}\n")
	release := fleet.Release{Name: "one", Counter: 1, State: fleet.ReleasePublished, Source: source, At: testNow.AddDate(0, 0, -9)}
	err := w.db.Update(ctx, func(tx fleet.Tx) (err error) {
		for n, device := range []string{"armani", "dior"} {
			pkg := fleet.Package{SHA256: strings.Repeat(fmt.Sprint(n+1), 64), Model: device, Variant: device, Channel: "stable",
				Family: "file", Build: buildFor(device), At: testNow.AddDate(0, 0, -9)}
			release.Packages = append(release.Packages, pkg.Ref())
			err = errors.Join(err, tx.Packages().Put(ctx, pkg))
		}
		return errors.Join(err, tx.Releases().Create(ctx, release), tx.Rollouts().Create(ctx, fleet.Rollout{ID: "one.dior.stable",
			Release: "one", Model: "dior", Channel: "stable", Salt: strings.Repeat("00", 16), Stages: fleet.DefaultStages(0),
			State: fleet.RolloutHalted, By: "landed", Forgiven: 17, Since: testNow.AddDate(0, 0, -8), Started: testNow.AddDate(0, 0, -8),
			Changed: testNow.AddDate(0, 0, -1), Reason: fleet.Reason{Code: reasons.LeaksHalt, Values: map[string]string{"n": "17"}}}))
	})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for part := range 8 { // reports that come together are stored together
		all.Go(func() {
			for n := part; n < armaniGood+armaniWaits+diorWaits; n += 8 {
				device, fine := "armani", n < armaniGood
				if n >= armaniGood+armaniWaits {
					device = "dior"
				}
				w.report(n, 1, device, fine)
			}
		})
	}
	all.Wait()
	w.day()
	return w
}

func (w *world) config(c *Config) { c.Now, c.SmallCells = func() time.Time { return w.now }, hidden }

// end ends the house of a world; its folder stays.
func (w *world) end() {
	w.t.Helper()
	if err := w.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// other is a copy of a world that ended, which goes on by itself.
func (w *world) other(t *testing.T) *world {
	t.Helper()
	next := &world{house: &house{t: t, dir: filepath.Join(t.TempDir(), "data"), log: &record{}, tokens: w.tokens}, now: w.now}
	if said, err := exec.Command("cp", "-a", w.dir, next.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	c := Config{DataDir: next.dir, Log: slog.New(slog.NewTextHandler(next.log, nil))}
	next.config(&c)
	var err error
	if next.Server, err = New(c); err != nil {
		t.Fatal(err)
	}
	next.serve()
	next.door = next.Server.Public()
	return next
}

func buildFor(device string) manifests.Build {
	return manifests.Build{Fingerprint: "Xiaomi/" + device + "/" + device + ":4.3/JLS36C/JHCMIBH46.0:user/release-keys",
		Incremental: "JHCMIBH46.0", UTC: 1_407_600_000}
}

func keyOf(n int) ed25519.PrivateKey {
	_, key := storetest.Report(n, 1)
	return key
}

// report has an installation report: that it runs the update and is quiet, or that it waits.
func (w *world) report(n int, seq int64, device string, fine bool) {
	w.t.Helper()
	r, key := storetest.Report(n, seq)
	r.Model, r.Variant = device, device
	if fine {
		r.Kind, r.Progress, r.Answers = report.KindEffect, report.ProgressRunning, storetest.Quiet()
		r.Build, r.BuildUTC, r.PreviousBuild = buildFor(device).Fingerprint, buildFor(device).UTC, report.BuildOther
		r.DrawCommit, r.Draw, r.Attempt = "", hex.EncodeToString(offers.DrawSecret(key.Seed(), r.Release)), 1
	}
	text, _, err := envelope.Seal(r, key)
	if err != nil {
		w.t.Error(err)
		return
	}
	sent := httptest.NewRequest(http.MethodPost, "/v1/reports", bytes.NewReader(text))
	sent.Header.Set("Content-Type", "application/json")
	said := httptest.NewRecorder()
	if w.door.ServeHTTP(said, sent); said.Code != http.StatusOK {
		w.t.Errorf("report %d: %d, %s", n, said.Code, said.Body)
	}
}

// day goes on to the next day, and does what is due.
func (w *world) day() {
	w.t.Helper()
	w.now = w.now.AddDate(0, 0, 1)
	if err := w.Tick(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// asked is what a handler answers.
func asked(door http.Handler, path string) (int, []byte) {
	w := httptest.NewRecorder()
	door.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.Bytes()
}

// addresses are all that everybody may ask for, with what is filled in where an address has a place for it.
func (w *world) addresses() (all []string) {
	w.t.Helper()
	fill := []struct {
		place  string
		values []string
	}{{"{name}", []string{"one"}}, {"{role}", []string{"armani", "dior"}},
		{"{ref}", []string{string(report.ReferenceOf(keyOf(7).Public().(ed25519.PublicKey)))}}, {"{id}", []string{"x"}},
		{"{names}", []string{"armani,dior"}}, {"/static/*", []string{"/static/style.css"}}}
	err := chi.Walk(w.routes(false, w.Server.public), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if method != http.MethodGet || strings.HasPrefix(route, "/v1/") {
			return nil
		}
		paths := []string{route}
		for _, f := range fill {
			var next []string
			for _, p := range paths {
				if !strings.Contains(p, f.place) {
					next = append(next, p)
					continue
				}
				for _, v := range f.values {
					next = append(next, strings.ReplaceAll(p, f.place, v))
				}
			}
			paths = next
		}
		for _, p := range paths {
			if all = append(all, p); !strings.HasPrefix(p, "/zh-") && !strings.HasPrefix(p, "/en") { // the same doors behind a language
				all = append(all, p+"?on="+testNow.Format(time.DateOnly), p+"?as_of=tally", p+"?find=mi")
			}
		}
		return nil
	})
	if err != nil || len(all) < 200 {
		w.t.Fatalf("%d addresses, %v", len(all), err)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// requests are the only thing that differs between two equal answers.
var requests = regexp.MustCompile(`"request":"[A-Z0-9]+",`)

// everything is what everybody is answered at every address.
func (w *world) everything() map[string]string {
	w.t.Helper()
	door, all := w.door, map[string]string{}
	for _, path := range w.addresses() {
		code, body := asked(door, path)
		if code >= http.StatusInternalServerError {
			w.t.Errorf("%s answers %d: %.300s", path, code, body)
		}
		all[path] = fmt.Sprint(code, " ", requests.ReplaceAllString(string(body), ""))
	}
	return all
}

// digits are such as count nothing.
var digits = regexp.MustCompile(`[0-9a-f]{8,64}|\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?|\d{1,2} [A-Z][a-z]{2,}|\d+月\d+日|` +
	`\b[a-zA-Z0-9]+="[-0-9.% ]+"|\bd="[^"]*"`)

// planted are the numbers of the fleet as no public answer may have them.
var planted = regexp.MustCompile(`\b(?:413|17|13|430|443|426)\b`)

// TestSmallCells: whatever one installation does, of a model that has few or of one that has many, no byte of any public answer
// is another one by it. Worlds go on from one, and in one of them nobody did anything; their clocks are the same.
func TestSmallCells(t *testing.T) {
	w := newWorld(t)
	_, staff := asked(w.Admin(), "/status.json")
	if !bytes.Contains(staff, []byte(`"proven": 413`)) || !bytes.Contains(staff, []byte(`"installations": 13`)) {
		t.Errorf("staff are not told all: %.2000s", staff)
	}
	if _, shared := asked(w.Handler(), "/status.json"); bytes.Contains(shared, []byte(`"installations"`)) {
		t.Errorf("where there is one listener, everybody is told: %.500s", shared)
	}
	w.end()
	still := w.other(t)
	still.day()
	was := still.everything()
	if !strings.Contains(was["/models/armani.json"], `"good": 410`) || !strings.Contains(was["/models/dior.json"], `"about": 0`) {
		t.Errorf("of many: %.2000s\nof few: %.2000s", was["/models/armani.json"], was["/models/dior.json"])
	}
	for path, text := range was {
		if strings.HasPrefix(path, "/static/") || strings.Contains(path, "/installations/") {
			continue // of looks, and of one installation alone
		}
		text = digits.ReplaceAllString(text, "")
		if at := planted.FindStringIndex(text); at != nil {
			t.Errorf("%s has %q", path, text[max(0, at[0]-60):min(len(text), at[1]+60)])
		}
	}
	still.end()
	for what, move := range map[string]func(*world){
		"one of few":  func(w *world) { w.report(armaniGood+armaniWaits+2, 2, "dior", true) },
		"one of many": func(w *world) { w.report(armaniGood+2, 2, "armani", true) },
		"a new one":   func(w *world) { w.report(9999, 1, "dior", false) },
	} {
		t.Run(what, func(t *testing.T) {
			moved := w.other(t)
			move(moved)
			moved.day()
			if _, now := asked(moved.Admin(), "/status.json"); bytes.Contains(now, []byte(`"proven": 413`)) && bytes.Contains(now,
				[]byte(`"unjudged": 13`)) {
				t.Error("nothing moved")
			}
			now := moved.everything()
			for _, path := range slices.Sorted(maps.Keys(now)) {
				if was[path] != now[path] {
					t.Errorf("%s is another one:\n%.1500s", path, cmp.Diff(was[path], now[path]))
				}
			}
			moved.end()
		})
	}
}

// TestSmallCellsFlag: the flag shows and hides at once, and goes with no public reports.
func TestSmallCellsFlag(t *testing.T) {
	w := newWorld(t)
	h := w.house
	for _, tt := range []struct {
		small int64
		want  string
	}{{hidden, `"good": 410`}, {0, `"proven": 413`}, {500, `"good": null`}, {0, `"proven": 413`}} {
		h = h.again(func(c *Config) { c.SmallCells, c.Now, c.Clock = tt.small, func() time.Time { return w.now }, nil })
		if _, body := asked(h.Server.Public(), "/models/armani.json"); !bytes.Contains(body, []byte(tt.want)) {
			t.Errorf("below %d: wanted %s: %.1500s", tt.small, tt.want, body)
		}
	}
	for name, c := range map[string]Config{"below nothing": {DataDir: "x", SmallCells: -1},
		"below one": {DataDir: "x", SmallCells: 1}, "of next to nothing": {DataDir: "x", SmallCells: 9},
		"of more than there are": {DataDir: "x", SmallCells: 1_000_001},
		"with every report":      {DataDir: "x", SmallCells: 20, OpenReports: true}} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "below") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, n := range []int64{0, 10, 1_000_000} {
		if err := (Config{DataDir: "x", SmallCells: n}).Validate(); err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("below %d: %v", n, err)
		}
	}
}
