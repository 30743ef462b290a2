// SPDX-License-Identifier: Apache-2.0

package server

import (
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"landed/server/datadir"
	"landed/server/evidence"
	"landed/server/fleet"
	"landed/server/grounds"
	"landed/server/reasons"
	"landed/server/rollout"
)

// hand is a clock that a test sets, and lets time pass on.
type hand struct {
	mu     sync.Mutex
	wall   time.Time
	passed time.Duration
}

func (c *hand) Read() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall, c.passed
}

func (c *hand) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.passed = c.wall.Add(d), c.passed+d
}

func (c *hand) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(by)
}

// onHand is a house whose clock is in the hand of the test, with a rollout that goes wider by time alone.
func onHand(t *testing.T) (*house, *hand) {
	clock := &hand{wall: testNow}
	h := newHouse(t, func(c *Config) { c.Now, c.Clock = nil, clock })
	if err := h.db.Update(t.Context(), func(tx fleet.Tx) error {
		return tx.Rollouts().Create(t.Context(), fleet.Rollout{ID: "one.armani.stable", Release: "one", Model: "armani",
			Channel: "stable", State: fleet.RolloutRunning, Stages: []fleet.Stage{{Share: 100, Soak: 48 * time.Hour}, {Share: 10_000, Soak: time.Hour}},
			Since: testNow, Started: testNow, Changed: testNow, By: "ann"})
	}); err != nil {
		t.Fatal(err)
	}
	h.tick()
	return h, clock
}

// goesOn lets time pass with ticks, each minute or, for days, each hour.
func (h *house) goesOn(c *hand, d time.Duration) {
	h.t.Helper()
	step := time.Minute
	if d > 2*time.Hour {
		step = time.Hour
	}
	for ; d > 0; d -= step {
		c.pass(min(d, step))
		h.tick()
	}
}

func (h *house) rollout() (r fleet.Rollout) {
	h.t.Helper()
	if err := h.db.View(h.t.Context(), func(tx fleet.Tx) (err error) {
		r, err = tx.Rollouts().Get(h.t.Context(), "one.armani.stable")
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return r
}

// untouched wants the rollout as it was, and gives its waiting.
func (h *house) untouched(was fleet.Rollout, when string) string {
	h.t.Helper()
	if now := h.rollout(); now.Revision != was.Revision || now.Stage != was.Stage || now.State != was.State {
		h.t.Errorf("%s: %s, stage %d, revision %d", when, now.State, now.Stage+1, now.Revision)
	}
	var waits []string
	if err := h.db.View(h.t.Context(), func(tx fleet.Tx) error {
		known, err := grounds.Of(h.t.Context(), tx, new(evidence.Reader), was, h.cfg.Now(), h.uptime.Distrusted())
		waits = reasons.All(rollout.Waiting(h.cfg.Now(), was, known))
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(waits, ", and ")
}

// TestClockAheadForASecond: 30 days ahead for one second changes nothing, and is told.
func TestClockAheadForASecond(t *testing.T) {
	h, clock := onHand(t)
	h.goesOn(clock, time.Hour)
	was := h.rollout()
	clock.set(30 * 24 * time.Hour)
	h.tick()
	clock.pass(time.Second)
	h.tick()
	if waits := h.untouched(was, "30 days ahead"); !strings.Contains(waits, "the clock of the server, which jumped") ||
		!strings.Contains(waits, "another 47 hours") {
		t.Errorf("waits until %s", waits)
	}
	h.wantReadyz("clock")
	if now := h.cfg.Now(); !now.Equal(testNow.Add(time.Hour + time.Second)) {
		t.Errorf("the server goes by %s", now)
	}
	clock.set(-30 * 24 * time.Hour)
	h.tick()
	h.wantReadyz("clock") // it has agreed for a moment
	h.goesOn(clock, 11*time.Minute)
	h.wantReadyz("")
	if waits := h.untouched(was, "right again"); !strings.Contains(waits, "another 47 hours have passed, since 11 minutes in") {
		t.Errorf("waits until %s", waits)
	}
	log := h.log.String()
	if strings.Count(log, "the clock jumped; no rollout") != 1 || strings.Count(log, "the clock is believed again") != 1 {
		t.Errorf("the log:\n%s", log)
	}
	h.goesOn(clock, 47*time.Hour)
	if r := h.rollout(); r.Looked.Before(testNow.Add(48 * time.Hour)) { // its gates are looked at, and wait for people
		t.Errorf("after it soaked: stage %d, looked at %s", r.Stage+1, r.Looked)
	}
}

// TestClockAYearBack: it is believed when a person says so, and her name is on the trail. Leaks and people are heard
// meanwhile.
func TestClockAYearBack(t *testing.T) {
	h, clock := onHand(t)
	h.goesOn(clock, 5*time.Minute)
	was := h.rollout()
	if resp, answer := h.do(fleet.RoleEngineer, "POST", "/v1/clock/accept", `{"reason": "early"}`); resp.StatusCode != http.StatusConflict {
		t.Errorf("a clock that is right: %s %v", resp.Status, answer)
	}
	clock.set(-365 * 24 * time.Hour)
	h.tick()
	h.goesOn(clock, 49*time.Hour)
	h.untouched(was, "a year back")
	h.wantReadyz("clock")
	if _, answer := h.do(fleet.RoleSupport, "GET", "/v1/clock", ""); answer["distrusted"] != true || answer["by"] != "-8760h0m0s" || answer["left"] != nil {
		t.Errorf("the clock: %v", answer)
	}
	if resp, answer := h.do(fleet.RoleEngineer, "POST", "/v1/clock/accept", `{"reason": " "}`); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: %s %v", resp.Status, answer)
	}
	if resp, _ := h.do(fleet.RoleSupport, "POST", "/v1/clock/accept", `{"reason": "me"}`); resp.StatusCode != http.StatusForbidden {
		t.Errorf("by support: %s", resp.Status)
	}
	if resp, answer := h.do(fleet.RoleEngineer, "POST", "/v1/clock/accept", `{"reason": "it was a year ahead before"}`); resp.StatusCode != http.StatusOK ||
		answer["distrusted"] != false {
		t.Errorf("accepted: %s %v", resp.Status, answer)
	}
	h.tick()
	h.wantReadyz("")
	if now := h.cfg.Now(); !now.Equal(testNow.AddDate(-1, 0, 0).Add(49*time.Hour + 5*time.Minute)) {
		t.Errorf("the server goes by %s", now)
	}
	_, answer := h.do(fleet.RoleSupport, "GET", "/v1/audit?subject=clock", "")
	trail, _ := json.Marshal(answer)
	if text := string(trail); !strings.Contains(text, `"clock.jump"`) || !strings.Contains(text, "it was a year ahead before (it shows 2013-08-22") ||
		!strings.Contains(text, `"a-engineer"`) {
		t.Errorf("the trail: %s", text)
	}
}

// TestStartWithAWrongClock: a server that starts a year off, either way, decides nothing by time; one that was off for
// three days goes on where it stood.
func TestStartWithAWrongClock(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		off   time.Duration
		ready string
		waits string
	}{
		"a year ahead":       {365 * day, "clock", "the clock of the server, which jumped"},
		"a year back":        {-365 * day, "clock", "the clock of the server, which jumped"},
		"off for three days": {3 * day, "", "another 47 hours have passed, since 3 days in which no reports could come do not count"},
	} {
		h, clock := onHand(t)
		h.goesOn(clock, time.Hour)
		was := h.rollout()
		again := h.again(func(c *Config) { c.Clock = &hand{wall: testNow.Add(time.Hour + tt.off), passed: 5} })
		again.tick()
		if waits := again.untouched(was, name); !strings.Contains(waits, tt.waits) {
			t.Errorf("%s: waits until %s", name, waits)
		}
		again.wantReadyz(tt.ready)
		if want := testNow.Add(time.Hour); tt.ready != "" && !again.cfg.Now().Equal(want) {
			t.Errorf("%s: goes by %s, wanted %s", name, again.cfg.Now(), want)
		}
	}
}

// again is the house after its server ended and another one started on its data folder.
func (h *house) again(change func(*Config)) *house {
	h.t.Helper()
	if err := h.Close(); err != nil {
		h.t.Fatal(err)
	}
	c := Config{DataDir: h.dir, Log: slog.New(slog.NewTextHandler(h.log, nil)), MaxUpload: 4 << 20}
	change(&c)
	next := &house{t: h.t, dir: h.dir, log: h.log, tokens: h.tokens}
	var err error
	if next.Server, err = New(c); err != nil {
		h.t.Fatal(err)
	}
	next.serve()
	return next
}

// TestOutageOfAnotherHand: that the clock is distrusted the guard says, and no row of a table; one that another hand wrote
// holds no rollout up, and ends.
func TestOutageOfAnotherHand(t *testing.T) {
	h, clock := onHand(t)
	h.goesOn(clock, 10*time.Minute)
	db, err := sql.Open("sqlite", datadir.Dir(h.dir).Database()+"?_pragma=busy_timeout(60000)") // the server may be writing
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ahead := h.cfg.Now().Add(time.Minute).UnixMilli()
	if _, err := db.Exec(`INSERT INTO outages (cause, since, until) VALUES ('clock', $1, 0), ('clock', $2, $2)`,
		h.cfg.Now().UnixMilli(), ahead); err != nil {
		t.Fatal(err)
	}
	if waits := h.untouched(h.rollout(), "another hand wrote"); strings.Contains(waits, "the clock of the server") {
		t.Errorf("waits until %s", waits)
	}
	h.goesOn(clock, 2*time.Minute)
	if err := h.db.View(t.Context(), func(tx fleet.Tx) error {
		all, err := tx.Outages().Since(t.Context(), time.Time{})
		if fleet.Distrusted(all) || len(all) != 2 {
			t.Errorf("on record are %v", all)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if log := h.log.String(); strings.Count(log, "another hand than this program's wrote that") != 1 {
		t.Errorf("the log:\n%s", log)
	}
	clock.set(30 * 24 * time.Hour)
	h.tick()
	for range 3 { // an outage that the guard does know lasts
		clock.pass(time.Minute)
		h.tick()
	}
	if waits := h.untouched(h.rollout(), "it jumped"); !strings.Contains(waits, "the clock of the server, which jumped") {
		t.Errorf("waits until %s", waits)
	}
	again := h.again(func(c *Config) { c.Clock = &hand{wall: clock.wall, passed: 5} })
	again.wantReadyz("clock")
}

// TestTimeThatDoesNotCount: while there is no room for reports, or more than a tenth of them are sent away, no stage soaks.
func TestTimeThatDoesNotCount(t *testing.T) {
	h, clock := onHand(t)
	var full error
	var all, away int64
	h.uptime.Room, h.uptime.Asked = func() error { return full }, func() (int64, int64) { return all, away }
	h.goesOn(clock, time.Minute)
	all, away = 1000, 100 // a tenth is borne
	h.goesOn(clock, time.Minute)
	if got := h.outages(); len(got) != 0 {
		t.Errorf("a tenth was sent away: %v", got)
	}
	all, away = 1100, 111
	h.goesOn(clock, time.Minute)
	full = errors.New("the disk is full")
	h.goesOn(clock, 10*time.Minute)
	full = nil
	h.goesOn(clock, 10*time.Minute)
	at := func(minutes int) time.Time { return testNow.Add(time.Duration(minutes) * time.Minute) }
	got := h.outages()
	want := []fleet.Outage{{Cause: fleet.OutageOverload, From: at(2), To: at(3)}, {Cause: fleet.OutageDisk, From: at(3), To: at(13)}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("outages %v, wanted %v", got, want)
	}
	if waits := h.untouched(h.rollout(), "later"); !strings.Contains(waits, "since 11 minutes in which no reports could come do not count") {
		t.Errorf("waits until %s", waits)
	}
}
