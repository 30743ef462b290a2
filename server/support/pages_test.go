// SPDX-License-Identifier: Apache-2.0

package support

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"landed/manifests"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

func (h *fixture) get(path string, header ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.doors.ServeHTTP(w, r)
	h.inEveryLanguage(path)
	return w
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	for _, a := range []string{"style.css", "live.js", "mark.svg"} { // the look may change without the page
		got = []byte(strings.ReplaceAll(string(got), web.Asset(a), "/static/"+a))
	}
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs from what is served; look at it, and run with -update if it is right (-want +got):\n%s", name, diff)
	}
}

// TestPages keeps every page and its JSON, word by word.
func TestPages(t *testing.T) {
	full := open(t, manifests.DefaultCatalogue())
	full.fleetOfSeven()
	hs := newHandset(1)
	full.install(hs, beforeActive, baseline(1), failed(2, report.PhaseInstall, 20), effectOf(3, 1), effectOf(5, 24), effectOf(4, 3))
	waiting := newHandset(2)
	full.install(waiting, beforeActive, baseline(1))
	empty := open(t, manifests.DefaultCatalogue())
	quiet := open(t, manifests.DefaultCatalogue())
	quiet.publish("armani", "dior")
	quiet.roll("armani", func(r *fleet.Rollout) {
		r.State, r.By, r.Held = fleet.RolloutHeld, "landed", fleet.Said("somebody asked to wait")
	})
	for _, tt := range []struct {
		from       *fixture
		path, file string
		status     int
	}{
		{full, "/", "status.html", 200}, {full, "/status.json", "status.json", 200},
		{full, "/models/pisces", "model-halted.html", 200}, {full, "/models/cancro.json", "model.json", 200},
		{full, "/installations/" + strings.ToLower(hs.ref.String()), "installation.html", 200}, {full, "/installations/" + string(hs.ref) + ".json", "installation.json", 200},
		{full, "/installations/" + waiting.ref.String() + ".json", "installation-waiting.json", 200},
		{empty, "/", "status-empty.html", 200}, {empty, "/status.json", "status-empty.json", 200}, {empty, "/models/armani", "model-empty.html", 200},
		{quiet, "/", "status-quiet.html", 200},
		{full, "/installations/0123-4567-89AB-CDEF-GHJK-MNPQ", "missing.html", 404}, {full, "/installations/350123456789012", "typo.html", 404},
		{full, "/models/nothing", "no-model.html", 404}, {full, "/models/nothing.json", "no-model.json", 404},
	} {
		t.Run(tt.file, func(t *testing.T) {
			w := tt.from.get(tt.path)
			if w.Code != tt.status {
				t.Errorf("%s answers %d, wanted %d", tt.path, w.Code, tt.status)
			}
			if gaps := missing(w.Body.String()); len(gaps) > 0 {
				t.Errorf("sentences are missing or do not fit their data: %v", gaps)
			}
			golden(t, tt.file, w.Body.Bytes())
		})
	}
}

// missing finds the brackets that stand for a sentence that is not there.
func missing(body string) (gaps []string) {
	for _, part := range strings.Split(body, "[")[1:] {
		if name, _, ok := strings.Cut(part, "]"); ok && strings.Contains(name, ".") && !strings.ContainsAny(name, " \n\"") {
			gaps = append(gaps, name)
		}
	}
	return gaps
}

// TestFiguresSum: every class is there, zeros too, and they sum to the installations.
func TestFiguresSum(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	var got Status
	if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Models) != 7 {
		t.Fatalf("%d models, wanted 7", len(got.Models))
	}
	check := func(name string, f Figures) {
		var verdicts, progress, before int64
		for _, c := range h.release.Effect.All() {
			n, ok := f.Verdicts[fleet.Class(c.Name)]
			if !ok {
				t.Errorf("%s: class %s is not listed", name, c.Name)
			}
			verdicts += n
		}
		for _, n := range f.Progress {
			progress += n
		}
		for _, n := range f.Before {
			before += n
		}
		if verdicts != f.Installations || progress != f.Installations || before != f.Installations {
			t.Errorf("%s: verdicts %d, progress %d, before %d of %d installations", name, verdicts, progress, before, f.Installations)
		}
	}
	var sum int64
	for _, m := range got.Models {
		check(m.Model, m.Figures)
		sum += m.Installations
	}
	check("totals", got.Totals)
	if sum != got.Totals.Installations {
		t.Errorf("the models sum to %d of %d", sum, got.Totals.Installations)
	}
}

// TestConditional: an unchanged page costs a 304; any change of figures is a new page.
func TestConditional(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1))
	for _, path := range []string{"/", "/status.json", "/models/armani", "/models/armani.json", "/installations/" + hs.ref.String(), "/installations/" + hs.ref.String() + ".json"} {
		first := h.get(path)
		etag := first.Header().Get("ETag")
		if again := h.get(path, "If-None-Match", etag); first.Code != 200 || again.Code != 304 || again.Body.Len() != 0 || again.Header().Get("ETag") != etag {
			t.Errorf("%s: %d with ETag %s, then %d with %d bytes", path, first.Code, etag, again.Code, again.Body.Len())
		}
		if other := h.get(path, "If-None-Match", `W/"other"`); other.Code != 200 || other.Body.String() != first.Body.String() {
			t.Errorf("%s: with another ETag %d, and the same body: %v", path, other.Code, other.Body.String() == first.Body.String())
		}
		if cc := first.Header().Get("Cache-Control"); !strings.Contains(cc, "no-cache") {
			t.Errorf("%s: Cache-Control %q lets a cache answer with old figures", path, cc)
		}
	}
	before := h.get("/").Header().Get("ETag")
	h.count("armani", 1, confirmedOff, beforeActive)
	if w := h.get("/", "If-None-Match", before); w.Code != 200 || !strings.Contains(w.Body.String(), "<b>1</b> Proven off") {
		t.Errorf("after a new verdict: %d without the new figure", w.Code)
	}
}

// TestCompressed: whoever takes gzip gets the same page in fewer bytes, and a 304 stays one.
func TestCompressed(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	for _, path := range []string{"/", "/status.json", web.Asset("style.css")} {
		plain, small := h.get(path), h.get(path, "Accept-Encoding", "gzip")
		if small.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(small.Header().Get("Vary"), "Accept-Encoding") || small.Body.Len()*3 > plain.Body.Len() {
			t.Fatalf("%s: %v, %d bytes of %d", path, small.Header(), small.Body.Len(), plain.Body.Len())
		}
		unpacked, err := gzip.NewReader(small.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(unpacked); err != nil || string(body) != plain.Body.String() {
			t.Errorf("%s: another page inside, %v", path, err)
		}
		if etag := plain.Header().Get("ETag"); etag != "" {
			if w := h.get(path, "Accept-Encoding", "gzip", "If-None-Match", etag); w.Code != 304 || w.Body.Len() != 0 {
				t.Errorf("%s: %d with %d bytes", path, w.Code, w.Body.Len())
			}
		}
	}
	for _, refused := range []string{"gzip;q=0", "deflate", "identity"} {
		if w := h.get("/", "Accept-Encoding", refused); w.Header().Get("Content-Encoding") != "" || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %v", refused, w.Header())
		}
	}
	if w := h.get(web.Asset("style.css"), "Accept-Encoding", "gzip", "Range", "bytes=0-9"); w.Code != 206 || w.Header().Get("Content-Encoding") != "" || w.Body.Len() != 10 {
		t.Errorf("a part of a file: %d, %d bytes, %q", w.Code, w.Body.Len(), w.Header().Get("Content-Encoding"))
	}
}

// TestHostileText: what people and handsets wrote is shown as text, whatever is in it.
func TestHostileText(t *testing.T) {
	catalogue, err := manifests.ParseCatalogue([]byte("schema: 1\nmodels: [{device: evil, product: \"<script>alert(1)</script>\\u202Elive\", numbers: [], rom_names: [], variants: [evil], android: '4', profile: {family: file, legacy_recovery: true}}]"))
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, catalogue)
	h.english = true // and so is much of what is hostile
	h.publish("evil")
	h.roll("evil", func(r *fleet.Rollout) {
		r.State, r.By = fleet.RolloutHalted, "\"><img src=x onerror=alert(2)>\u2066"
		r.Reason = fleet.Said("</main><script>alert(3)</script>\u202E\x00 {{.Release}}")
	})
	h.count("evil", 3, leak, beforeActive)
	for _, path := range []string{"/", "/models/evil", "/status.json", "/models/evil.json", "/installations?ref=%3Cscript%3Ealert(4)%3C/script%3E%E2%80%AE", "/installations/%3Cscript%3E"} {
		body := h.get(path).Body.String()
		for _, bad := range []string{"<script>", "<img src=x", "</main><s", "\u202E", "\u2066", "\x00"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %q as it came", path, bad)
			}
		}
	}
	if body := h.get("/").Body.String(); !strings.Contains(body, "&lt;script&gt;alert(3)") {
		t.Error("the reason is not shown at all")
	}
}

// TestLookUp takes references as people type them.
func TestLookUp(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	hs := newHandset(1)
	h.publish("armani")
	h.install(hs, beforeActive, baseline(1))
	typed := strings.NewReplacer("1", "l", "0", "o", "-", "+").Replace(strings.ToLower(hs.ref.String()))
	w := h.get("/installations?ref=++" + typed + "+")
	if w.Code != 303 || w.Header().Get("Location") != "/installations/"+hs.ref.String() {
		t.Errorf("%q leads to %d %s", typed, w.Code, w.Header().Get("Location"))
	}
	if w := h.get("/installations?ref=hello"); w.Code != 404 || !strings.Contains(w.Body.String(), `value="hello"`) {
		t.Errorf("a typing mistake answers %d, and the form does not keep it", w.Code)
	}
	if w := h.get("/installations"); w.Code != 303 || w.Header().Get("Location") != "/#lookup" {
		t.Errorf("nothing typed leads to %d %s", w.Code, w.Header().Get("Location"))
	}
}

// TestEnvelope hands out a report exactly as it was signed, so that anybody can check it.
func TestEnvelope(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	hs := newHandset(1)
	h.publish("armani")
	h.install(hs, beforeActive, baseline(1))
	w := h.get("/installations/" + string(hs.ref) + "/reports/" + baseline(1).ID)
	r, ref, err := envelope.Open(w.Body.Bytes())
	if err != nil || ref != hs.ref || r.Seq != 1 || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("got %v by %s, %v, %q", r.Seq, ref, err, w.Header().Get("Content-Disposition"))
	}
	for _, path := range []string{"/installations/" + string(hs.ref) + "/reports/00", "/installations/" + string(newHandset(2).ref) + "/reports/" + baseline(1).ID} {
		if w := h.get(path); w.Code != 404 {
			t.Errorf("%s answers %d", path, w.Code)
		}
	}
}

// TestGuards: nothing from elsewhere may load, on no answer of this door.
func TestGuards(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	for _, path := range []string{"/", "/status.json", "/models/armani", "/models/x", "/installations?ref=x", "/installations/x.json"} {
		header := h.get(path).Header()
		if csp := header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	w := h.get(web.Asset("style.css"))
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("the style sheet: %d, %q", w.Code, w.Header().Get("Cache-Control"))
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		w := httptest.NewRecorder()
		h.doors.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s / answers %d; this door only reads", method, w.Code)
		}
	}
}

// TestFaultsNameNoInstallation: the log of a fault says nothing of whose page was asked for.
func TestFaultsNameNoInstallation(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	var log strings.Builder
	h.show(faulty{}, slog.New(slog.NewTextHandler(&log, nil)))
	const ref = "0123-4567-89AB-CDEF-GHJK-MNPQ"
	if w := h.get("/installations/" + ref); w.Code != 500 {
		t.Fatalf("got %d", w.Code)
	}
	if said := log.String(); said == "" || strings.Contains(said, "0123") {
		t.Errorf("the log says %q", said)
	}
}

// faulty is a store whose disk fails.
type faulty struct{}

func (faulty) View(context.Context, func(fleet.Tx) error) error {
	return errors.New("input/output error")
}

// TestDamagedStore: a store that fails is a page in words, and no figures.
func TestDamagedStore(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.show(faulty{}, nil)
	if w := h.get("/"); w.Code != 500 || !strings.Contains(w.Body.String(), "cannot be shown just now") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := h.get("/status.json"); w.Code != 500 || !strings.Contains(w.Body.String(), `"internal"`) || w.Header().Get("ETag") != "" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestAStartIsNoResumption(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	if page := h.get("/").Body.String(); strings.Contains(page, "Resumed by") {
		t.Error("the page says that a rollout was resumed, which was only started")
	}
}

// TestNotice: what whoever runs the server wants known is on every page and in every JSON, as text.
func TestNotice(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1))
	etag := h.get("/").Header().Get("ETag")
	rehearsal, err := New(Config{View: h.store, Catalogue: manifests.DefaultCatalogue, Now: func() time.Time { return now }, Notice: "A <b>rehearsal</b>\u202E."})
	if err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Group(rehearsal.Routes())
	h.doors = router
	for _, path := range []string{"/", "/models/armani", "/models/x", "/installations/" + hs.ref.String()} {
		if body := h.get(path).Body.String(); !strings.Contains(body, "<p class=\"notice\" role=\"note\"><bdi>A &lt;b&gt;rehearsal&lt;/b&gt;\uFFFD.</bdi></p>") {
			t.Errorf("%s does not show the notice:\n%s", path, body)
		}
	}
	for _, path := range []string{"/status.json", "/models/armani.json", "/installations/" + hs.ref.String() + ".json"} {
		var got struct{ Notice string }
		if err := json.Unmarshal(h.get(path).Body.Bytes(), &got); err != nil || got.Notice != "A <b>rehearsal</b>\uFFFD." {
			t.Errorf("%s: notice %q, %v", path, got.Notice, err)
		}
	}
	if w := h.get("/", "If-None-Match", etag); w.Code != 200 {
		t.Errorf("a page without the notice is still taken as fresh: %d", w.Code)
	}
}

// TestRolloutFirst: what became of the rollout, and why, stands above the long table, in which
// every class stays, zeros too.
func TestRolloutFirst(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	body := h.get("/models/pisces").Body.String()
	rollout, table := strings.Index(body, `id="rollout"`), strings.Index(body, `<table class="figures deep">`)
	if rollout < 0 || table < rollout {
		t.Errorf("the rollout is at %d, the table at %d", rollout, table)
	}
	deep, _, _ := strings.Cut(body[table:], "</table>")
	for _, c := range optIn(t).classes {
		want, row := "", `"><th scope="row"><i class="dot c-`+c.colour+`"></i>`
		if !map[string]bool{"leak": true, "not_exercised": true, "unpatched": true, "unknown": true}[c.key] {
			want = "zero"
		}
		if !strings.Contains(deep, `<tr class="`+want+row) {
			t.Errorf("there is no row of %s marked %q", c.key, want)
		}
	}
}
