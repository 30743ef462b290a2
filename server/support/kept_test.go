// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/manifests"
	v1 "landed/manifests/report/v1"
	"landed/server/fleet"
	"landed/server/support/wall"
)

// counting is a store that counts how often it is read, and can be made to wait.
type counting struct {
	fleet.Viewer
	views atomic.Int64
	gate  chan struct{} // nil: none
}

func (c *counting) View(ctx context.Context, fn func(fleet.Tx) error) error {
	c.views.Add(1)
	if c.gate != nil {
		<-c.gate
	}
	return c.Viewer.View(ctx, fn)
}

// watched are the pages of h over a store that counts, fresh for so long; the time is what clock says.
func watched(t testing.TB, h *fixture, fresh time.Duration, clock func() time.Time) *counting {
	t.Helper()
	c := &counting{Viewer: h.store}
	h.english = true // what is counted is what the test asks for
	s, err := New(Config{
		View: c, Version: h.store.Version, Fresh: fresh, Now: clock,
		Catalogue: func() *manifests.Catalogue { return h.lineup },
	})
	if err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Group(s.Routes())
	h.support, h.doors = s, router
	return c
}

func atNow() time.Time { return now }

func sevenModels() int { return 7 }

// TestFreshFor: an answer about a long line-up is given for longer, and never for more than some seconds.
func TestFreshFor(t *testing.T) {
	c := newKept(nil, time.Second, &clock{now: atNow}, sevenModels, slog.New(slog.DiscardHandler))
	for models, want := range map[int]time.Duration{0: 1, 7: 1, 79: 1, 80: 2, 200: 5, 2000: 5} {
		if got := c.freshFor(models); got != want*time.Second {
			t.Errorf("of %d models: %s", models, got)
		}
	}
}

// oneModel is a store with figures of a model, and a way to move them.
func oneModel(t *testing.T) (h *fixture, move func()) {
	t.Helper()
	h = open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	return h, func() { h.count("armani", 1, "confirmed_off", notSeen) }
}

// TestComputedOnce: whoever asks while a page is being computed waits for that.
func TestComputedOnce(t *testing.T) {
	h, _ := oneModel(t)
	c := watched(t, h, time.Hour, atNow)
	c.gate = make(chan struct{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { h.get("/") })
	}
	for c.views.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	gone, leave := context.WithCancel(context.Background()) // a reader who leaves spoils nothing
	leave()
	h.doors.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, http.MethodGet, "/", nil))
	close(c.gate)
	all.Wait()
	if n := c.views.Load(); n != 1 {
		t.Errorf("the store was read %d times", n)
	}
}

// TestComputedAhead: in the last part of the time for which an answer may be given, whoever asks is given it and waits for nothing,
// while the next one is made, once; after that time nobody is given it.
func TestComputedAhead(t *testing.T) {
	h, move := oneModel(t)
	moment := atNow()
	c := watched(t, h, time.Hour, func() time.Time { return moment })
	first := h.get("/status.json").Body.String()
	move()
	moment = moment.Add(57 * time.Minute) // past `ahead`, and before the hour is over
	c.gate = make(chan struct{})
	for range 3 {
		if again := h.get("/status.json").Body.String(); again != first {
			t.Errorf("another answer before the next one could be made: %s", again)
		}
	}
	close(c.gate)
	for deadline := time.Now().Add(patience); h.get("/status.json").Body.String() == first; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the next answer was not made")
		}
	}
	if n := c.views.Load(); n != 2 {
		t.Errorf("the store was read %d times", n)
	}
	second := h.get("/status.json").Body.String()
	move()
	moment = moment.Add(time.Hour)
	if late := h.get("/status.json").Body.String(); late == second {
		t.Error("an answer was given after its time")
	}
}

// TestComputedOnceASecond: what changed is shown when an answer is no longer fresh, and not before.
func TestComputedOnceASecond(t *testing.T) {
	h, move := oneModel(t)
	moment := atNow()
	c := watched(t, h, time.Hour, func() time.Time { return moment })
	first := h.get("/status.json").Body.String()
	move()
	if again := h.get("/status.json").Body.String(); again != first || c.views.Load() != 1 {
		t.Errorf("the store was read %d times within the time", c.views.Load())
	}
	moment = moment.Add(time.Hour)
	if moved := installationsIn(t, h); moved != 1 || c.views.Load() != 2 {
		t.Errorf("after it: %d installations, the store was read %d times", moved, c.views.Load())
	}
	moment = moment.Add(-2 * time.Hour) // also a clock that goes back keeps nothing
	if installationsIn(t, h); c.views.Load() != 3 {
		t.Errorf("with a clock that went back the store was read %d times", c.views.Load())
	}
}

func installationsIn(t *testing.T, h *fixture) int64 {
	t.Helper()
	var page Status
	if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	return page.Totals.Installations
}

// TestUnchangedStands: while nothing is committed, nothing is read; after a commit, everything is, at once.
func TestUnchangedStands(t *testing.T) {
	h, move := oneModel(t)
	move()
	h.install(newHandset(1), notSeen, effectOf(1, 24))
	moment := atNow()
	c := watched(t, h, time.Nanosecond, func() time.Time { moment = moment.Add(time.Second); return moment })
	paths := []string{"/", "/status.json", "/models/armani.json", "/releases", "/installations/" + newHandset(1).ref.String()}
	etags := map[string]string{}
	for _, path := range paths {
		h.get(path) // the version is seen for the first time
		etags[path] = h.get(path).Header().Get("ETag")
	}
	read := c.views.Load()
	for _, path := range paths {
		if w := h.get(path, "If-None-Match", etags[path]); w.Code != http.StatusNotModified {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if n := c.views.Load(); n != read {
		t.Errorf("the store was read %d times although nothing changed", n-read)
	}
	if moment = moment.Add(time.Hour); h.get("/") != nil && c.views.Load() == read {
		t.Error("the store was not read, although figures age by the hour")
	}
	move()
	if n := installationsIn(t, h); n != 2 {
		t.Errorf("%d installations are shown after a commit, wanted 2", n)
	}
	if w := h.get("/", "If-None-Match", etags["/"]); w.Code != http.StatusOK {
		t.Errorf("after a commit the page answers %d", w.Code)
	}
}

// TestTimeLeftIsNotKept: a page that says how long a stage lasts yet is computed although nothing was committed.
func TestTimeLeftIsNotKept(t *testing.T) {
	h, _ := oneModel(t)
	h.roll("armani", func(*fleet.Rollout) {})
	moment := atNow()
	c := watched(t, h, time.Nanosecond, func() time.Time { return moment })
	waits := func() string {
		var page ModelPage
		if err := json.Unmarshal(h.get("/models/armani.json").Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		return strings.Join(page.Rollouts[0].Waiting, "; ")
	}
	waits()
	before := waits()
	read := c.views.Load()
	moment = moment.Add(29 * time.Second)
	if waits(); c.views.Load() != read {
		t.Error("it says minutes, and was computed again within one")
	}
	moment = moment.Add(31 * time.Second)
	if waits(); c.views.Load() == read {
		t.Error("it was not computed again in the next minute")
	}
	moment = moment.Add(10 * time.Hour)
	if after := waits(); after == before {
		t.Errorf("ten hours later it still waits for %q", after)
	}
}

// TestFaultsAreNotKept: an answer that failed is tried again, and a fault of ours meets those who asked alone.
func TestFaultsAreNotKept(t *testing.T) {
	h, _ := oneModel(t)
	watched(t, h, time.Hour, atNow)
	ref := newHandset(7)
	if w := h.get("/installations/" + ref.ref.String()); w.Code != http.StatusNotFound {
		t.Fatalf("an unknown installation: %d", w.Code)
	}
	h.install(ref, notSeen, effectOf(1, 24))
	if w := h.get("/installations/" + ref.ref.String()); w.Code != http.StatusOK {
		t.Errorf("one that is known now: %d", w.Code)
	}
	c := newKept(nil, time.Hour, &clock{now: atNow}, sevenModels, slog.New(slog.DiscardHandler))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic was swallowed")
			}
		}()
		_, _ = c.of(r, key{}, allReaders, func(*http.Request) (*answer, error) { panic("a fault") })
	}()
	if _, err := c.of(r, key{}, allReaders, func(*http.Request) (*answer, error) { return &answer{}, nil }); err != nil {
		t.Error(err)
	}
}

// TestFaultBehindTheBack: a fault of ours that no reader meets is in the log, once; one that a reader meets is his.
func TestFaultBehindTheBack(t *testing.T) {
	for name, tt := range map[string]struct {
		waits, leaves bool
		logged        int
	}{
		"nobody waits":      {false, false, 1},
		"a reader waits":    {true, false, 0},
		"a reader has left": {true, true, 1},
	} {
		var said bytes.Buffer
		c := newKept(nil, time.Hour, &clock{now: atNow}, sevenModels, slog.New(slog.NewTextHandler(&said, nil)))
		if !tt.waits { // an answer stands, and the next is due
			c.shelves[allReaders].keep(key{},
				&answer{moment: moment{began: time.Now().Add(-time.Duration((1 + ahead) / 2 * float64(time.Hour))),
					asOf: atNow(), fresh: time.Hour}})
		}
		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		gate, met := make(chan struct{}), make(chan any)
		go func() {
			defer func() { met <- recover() }()
			_, _ = c.of(r, key{}, allReaders, func(*http.Request) (*answer, error) {
				<-gate
				panic(wall.Refusal("figures"))
			})
		}()
		var now *computing
		for now == nil {
			c.mu.Lock()
			now = c.under[key{}]
			c.mu.Unlock()
			time.Sleep(time.Millisecond)
		}
		if tt.leaves {
			leave()
		}
		var fault any
		if tt.waits && !tt.leaves {
			close(gate)
			fault = <-met
		} else {
			fault = <-met
			close(gate)
		}
		<-now.done
		leave()
		if (fault != nil) != (tt.logged == 0) {
			t.Errorf("%s: met %v", name, fault)
		}
		log := said.String()
		if strings.Count(log, "level=ERROR msg=panic") != tt.logged || tt.logged > 0 && !strings.Contains(log, "asked for figures") {
			t.Errorf("%s: the log says %q", name, log)
		}
	}
}

// TestAnswersKeptAreBounded: whoever asks for ever more pages does not fill the memory, and throws away nothing of what others ask for.
func TestAnswersKeptAreBounded(t *testing.T) {
	c := newKept(nil, time.Hour, &clock{now: atNow}, sevenModels, slog.New(slog.DiscardHandler))
	const size = keptBytes / 100
	c.shelves[frontReaders].keep(key{page: "front"}, &answer{size: size})
	for by, s := range c.shelves {
		asked := key{page: "asked for all the time", before: by}
		s.keep(asked, &answer{size: size})
		for i := range 5 * keptAnswers {
			s.keep(key{before: i}, &answer{size: i * 1000 % size})
			if s.find(asked) == nil {
				t.Fatalf("of readers %d, the one that is asked for all the time is gone", by)
			}
			if c.shelves[frontReaders].find(key{page: "front"}) == nil {
				t.Fatalf("readers %d threw the front away", by)
			}
		}
		if n := len(s.young) + len(s.old); n > 2*s.most {
			t.Errorf("%d answers are kept for readers %d, wanted at most %d", n, by, 2*s.most)
		}
	}
	if n := heldBy(c.shelves, func(a *answer) int { return a.size }); n > keptBytes {
		t.Errorf("%d bytes are kept, wanted at most %d", n, keptBytes)
	}
	large := c.shelves[oneReader]
	for i := range 3 {
		if large.keep(key{before: i}, &answer{size: keptBytes}); large.find(key{before: i}) == nil || len(large.young) > 1 {
			t.Errorf("an answer that is too large is one of %d", len(large.young))
		}
	}
}

// heldBy sums up over all that is kept.
func heldBy(shelves [kindsOfReaders]*shelf, of func(*answer) int) (n int) {
	seen := map[*answer]bool{}
	for _, s := range shelves {
		for _, generation := range []map[key]*answer{s.young, s.old} {
			for _, a := range generation {
				if !seen[a] {
					n += of(a)
				}
				seen[a] = true
			}
		}
	}
	return n
}

// TestSizeOfAnswers: an answer is no larger than it is counted, in whatever ways it was asked for; and comparisons, which have no end,
// fill no more than what is set aside for them.
func TestSizeOfAnswers(t *testing.T) {
	h := remembered(t)
	hs := newHandset(1)
	h.install(hs, notSeen, baseline(1), effectOf(2, 24))
	moment := atNow()
	watched(t, h, time.Hour, func() time.Time { return moment })
	installation, release := "/installations/"+hs.ref.String(), "/releases/"+releaseName
	paths := []string{"/", "/status.json", "/status.csv", "/badge.svg", "/feed.atom", "/models/armani", "/models/armani.json", release,
		release + "/report", "/series.json", "/series.csv", installation, installation + ".json", "/compare/armani,dior"}
	for range 2 {
		for _, path := range paths {
			h.get(path)
			h.get(path, "Accept-Encoding", "gzip")
		}
		moment = moment.Add(time.Minute)
	}
	counted := func(s *shelf) (sizes int) {
		for k, a := range s.young {
			held := cap(a.body.plain) + cap(a.body.small) + cap(a.body.facts) + len(a.body.before) + len(a.body.after)
			if sizes += a.size; held > a.size || held == 0 {
				t.Errorf("%s%s holds %d bytes and counts as %d", k.path, k.page, held, a.size)
			}
		}
		return sizes
	}
	for _, by := range []readers{allReaders, installationReaders, oneReader} {
		counted(h.support.kept.shelves[by])
	}
	names := []string{"armani", "dior", releaseName}
	for _, start := range []string{"", "/en", "/zh-Hans", "/zh-Hant"} {
		for n := range 1 << len(names) {
			var of []string
			for i, name := range names {
				if n>>i&1 == 1 {
					of = append(of, name)
				}
			}
			h.get(start + "/compare/" + strings.Join(of, ","))
		}
	}
	s := h.support.kept.shelves[oneReader]
	if n := len(s.young) + len(s.old); n > 2*s.most || counted(s) > s.bytes {
		t.Errorf("%d comparisons of %d bytes are kept", n, counted(s))
	}
}

// TestOneFormOfAComparison: the same names in another order, or more than once, are no other page, in whatever language and behind whatever
// path; and a parameter that a page does not know makes no other page of it.
func TestOneFormOfAComparison(t *testing.T) {
	h := remembered(t)
	h.outside(t, "/landed", "")
	twelve := strings.TrimSuffix(strings.Repeat("dior,armani,", 6), ",")
	for _, start := range []string{"/landed", "/landed/zh-Hans"} {
		for _, names := range []string{"dior,armani", "armani,armani,dior", twelve, ",dior,,armani", twelve + "," + twelve} {
			w := h.get(start + "/compare/" + names)
			if to := w.Header().Get("Location"); w.Code != http.StatusSeeOther || to != start+"/compare/armani,dior" ||
				h.get(to).Code != 200 {
				t.Errorf("%s/compare/%s: %d to %q", start, names, w.Code, to)
			}
		}
	}
	for n := range 5 {
		h.get(fmt.Sprintf("/landed/compare/armani,dior?before=%d", n))
		h.get(fmt.Sprintf("/landed/status.json?before=%d", n))
	}
	if n := len(h.support.kept.shelves[oneReader].young); n != 2 {
		t.Errorf("%d comparisons are kept, wanted one in each language", n)
	}
	if n := len(h.support.kept.shelves[frontReaders].young); n != 1 {
		t.Errorf("%d status pages are kept", n)
	}
}

// TestInstallationWaitsForNoComparison: whoever keeps the place of comparisons and searches taken keeps nobody from an installation.
func TestInstallationWaitsForNoComparison(t *testing.T) {
	h, _ := oneModel(t)
	hs := newHandset(1)
	h.install(hs, notSeen, baseline(1))
	watched(t, h, time.Hour, atNow)
	h.support.kept.turns[oneReader] <- struct{}{}
	for _, path := range []string{"", ".json", ".csv", "?before=1"} {
		if w := h.get("/installations/" + hs.ref.String() + path); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestSearchIsOfTheSameFigures: a search reads nothing of its own, and has a tag of its own.
func TestSearchIsOfTheSameFigures(t *testing.T) {
	h, _ := oneModel(t)
	c := watched(t, h, time.Hour, atNow)
	all := h.get("/")
	one := h.get("/?find=nothing+of+that+name")
	if c.views.Load() != 1 || one.Header().Get("ETag") == all.Header().Get("ETag") || one.Body.String() == all.Body.String() {
		t.Errorf("the store was read %d times, tags %s and %s", c.views.Load(), all.Header().Get("ETag"), one.Header().Get("ETag"))
	}
	if h.get("/").Body.String() != all.Body.String() {
		t.Error("a search changed the page of all")
	}
}

// TestReportsByTheTwenty: a page opens its newest reports alone, and leads to the others; all of them are met once.
func TestReportsByTheTwenty(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(1)
	bodies := []v1.Body{baseline(1)}
	for seq := int64(2); seq <= 45; seq++ {
		bodies = append(bodies, effectOf(seq, 24))
	}
	h.install(hs, notSeen, bodies...)
	path := "/installations/" + hs.ref.String() + ".json"
	var seqs []int64
	for pages := 0; path != ""; pages++ {
		if pages > 3 {
			t.Fatal("the pages have no end")
		}
		var got InstallationPage
		if err := json.Unmarshal(h.get(path).Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Reports) > reportsShown {
			t.Errorf("%s has %d reports", path, len(got.Reports))
		}
		for i := len(got.Reports) - 1; i >= 0; i-- {
			seqs = append(seqs, got.Reports[i].Seq)
			if first := got.Reports[i].Seq == 1; first != (len(got.Reports[i].Changed) == len(got.Reports[i].Said)) {
				t.Errorf("report %d: %d of %d sentences are new", got.Reports[i].Seq, len(got.Reports[i].Changed), len(got.Reports[i].Said))
			}
		}
		path = got.Next
	}
	for i, seq := range seqs {
		if seq != int64(45-i) {
			t.Fatalf("the reports come as %v", seqs)
		}
	}
	if len(seqs) != 45 {
		t.Errorf("%d reports were met", len(seqs))
	}
	if body := h.get("/installations/" + hs.ref.String()).Body.String(); !strings.Contains(body, "?before=25") {
		t.Error("the page does not lead to earlier reports")
	}
	for _, odd := range []string{"x", "-1", "0", "99999999999999999999"} {
		if w := h.get("/installations/" + hs.ref.String() + "?before=" + odd); w.Code != http.StatusOK {
			t.Errorf("before=%s: %d", odd, w.Code)
		}
	}
}

// TestSilenceIsShownInTime: who falls silent is told from the day on which it does, though nothing was written.
func TestSilenceIsShownInTime(t *testing.T) {
	h, _ := oneModel(t)
	h.count("armani", 3, unpatched, notSeen)
	moment := atNow()
	watched(t, h, time.Nanosecond, func() time.Time { return moment })
	h.install(newHandset(1), notSeen, baseline(1))
	silent := func() int64 {
		var page Status
		if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		var one InstallationPage
		if err := json.Unmarshal(h.get("/installations/"+string(newHandset(1).ref)+".json").Body.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		if (page.Totals.Verdicts[unknown] > 0) != (one.Verdict == unknown) {
			t.Errorf("at %s: %d are unknown in all, and one is %s", moment, page.Totals.Verdicts[unknown], one.Verdict)
		}
		return page.Totals.Verdicts[unknown]
	}
	for _, step := range []struct {
		days int
		want int64
	}{{0, 0}, {14, 0}, {2, 3}, {-10, 0}} {
		if moment = moment.AddDate(0, 0, step.days); silent() != step.want {
			t.Errorf("at %s: %d are silent, wanted %d", moment, silent(), step.want)
		}
	}
}
