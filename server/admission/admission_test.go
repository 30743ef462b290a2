// SPDX-License-Identifier: Apache-2.0

package admission_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"landed/internal/race"
	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/admission"
	"landed/server/fleet"
	"landed/server/proposals"
	"landed/server/store"
	"landed/server/store/storetest"
)

const day = 24 * time.Hour

var ctx = context.Background()

// world is a store with installations, and a clock.
type world struct {
	*admission.Admission
	db  store.Database
	now time.Time
	// what Apply does: it admits those whose lots are drawn, as intake does
	applied int
}

func newWorld(t *testing.T, change ...func(*admission.Config)) *world {
	t.Helper()
	w := &world{db: storetest.OpenDB(t), now: storetest.Now}
	cfg := admission.Config{Store: w.db, Now: func() time.Time { return w.now }, Random: rand.Reader, Apply: w.apply}
	for _, c := range change {
		c(&cfg)
	}
	w.Admission = admission.New(cfg)
	return w
}

// tokens are those of people, two days old.
func (w *world) tokens(t *testing.T, names ...string) {
	t.Helper()
	if err := w.db.Update(ctx, func(tx fleet.Tx) (err error) {
		for _, name := range names {
			err = errors.Join(err, tx.Tokens().Put(ctx, fleet.Token{Name: name, Role: fleet.RoleEngineer, Hash: []byte(name),
				At: w.now.Add(-2 * day)}))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) apply(ctx context.Context) error {
	w.applied++
	return w.db.UpdateReports(ctx, func(tx fleet.Tx) error {
		entries, err := tx.Admissions().List(ctx)
		if err != nil {
			return err
		}
		refs, err := tx.Installations().Refs(ctx, "", 1_000_000)
		if err != nil {
			return err
		}
		states, err := tx.Installations().Of(ctx, refs...)
		if err != nil {
			return err
		}
		for _, all := range states {
			was, i := all[0], all[0]
			for _, e := range entries {
				if e.Model == i.Model && e.Channel == i.Channel && i.Candidate(e.At) && fleet.Lot(e.Key, i.Ref) <= e.Cutoff {
					i.Admitted = e.At
				}
			}
			if !was.Admitted.Equal(i.Admitted) {
				if err := errors.Join(tx.Counts().Move(ctx, &was, &i), tx.Installations().Put(ctx, i)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// put adds n installations of a model, known for so long; the newest report came now.
func (w *world) put(t *testing.T, model string, n int, known time.Duration, change ...func(*fleet.Installation)) {
	t.Helper()
	var all []fleet.Installation
	for k := range n {
		i := fleet.Installation{Ref: report.Reference(fmt.Sprintf("%s-%s-%d", model, known, k)), Release: "one", Current: true, Model: model,
			Channel: "stable", Verdict: storetest.Unpatched, Kind: effect.Unjudged, First: w.now.Add(-known), Last: w.now, Drawn: -1}
		for _, c := range change {
			c(&i)
		}
		all = append(all, i)
	}
	if err := w.db.UpdateReports(ctx, func(tx fleet.Tx) error {
		for k := range all {
			if err := tx.Counts().Move(ctx, nil, &all[k]); err != nil {
				return err
			}
		}
		return tx.Installations().Put(ctx, all...)
	}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) muster(t *testing.T, model string) fleet.Muster {
	t.Helper()
	all, err := w.Show(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.Model == model {
			return m.Muster
		}
	}
	return fleet.Muster{}
}

func (w *world) trail(t *testing.T) string {
	t.Helper()
	var lines []string
	if err := w.db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Audit().List(ctx, 0, 100)
		for _, e := range all {
			lines = append(lines, e.Actor+" "+e.Action+" "+e.Subject+": "+e.Reason)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// TestAdmit: a person vouches for a size, and is told in words what came of it.
func TestAdmit(t *testing.T) {
	w := newWorld(t)
	w.put(t, "armani", 50, 20*day)
	w.put(t, "armani", 7, 3*day)
	w.put(t, "dior", 5, 20*day)
	admit := func(upTo, admitted, counted int64, words string) {
		t.Helper()
		done, err := w.Admit(ctx, admission.Wish{Model: "armani", UpTo: upTo, By: "mei", Reason: "we sold as many"})
		if err != nil || done.Admission.Admitted != admitted || !done.Applied || !strings.Contains(done.Words(upTo), words) {
			t.Errorf("%d: %d admitted, %v: %s", upTo, done.Admission.Admitted, err, done.Words(upTo))
		}
		if m := w.muster(t, "armani"); m.Counted != counted {
			t.Errorf("%d: %d are counted, wanted %d", upTo, m.Counted, counted)
		}
	}
	admit(30, 30, 30, "30 of 50 candidates were admitted: the counted fleet of armani on stable was 0, and is 30 now")
	admit(30, 0, 30, "nobody was admitted: the counted fleet of armani on stable was 30, and you vouch for 30")
	admit(60, 20, 50, "20 were admitted, and 30 were asked for: the counted fleet of armani on stable was 30, and there were no more "+
		"than 20 candidates. The other 7 ")
	if m := w.muster(t, "dior"); m.Counted != 0 {
		t.Errorf("another model: %+v", m)
	}
	if trail := w.trail(t); !strings.Contains(trail, "mei fleet.admit armani.stable: 30 of 50 candidates") {
		t.Error(trail)
	}
	for code, wish := range map[string]admission.Wish{"fleet_unknown": {Model: "x", UpTo: 1, Reason: "r"}, "up_to": {Model: "armani", Reason: "r"},
		"reason_missing": {Model: "armani", UpTo: 1}} {
		_, err := w.Admit(ctx, wish)
		if e, ok := errors.AsType[*fleet.Error](err); !ok || e.Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// TestBudget: one percent, at least one, looked at daily, until a person vouches; restarts and time give nobody more.
func TestBudget(t *testing.T) {
	w := newWorld(t)
	w.put(t, "armani", 1_000, 20*day)
	w.put(t, "dior", 3, 20*day)
	vouch := func(upTo int64) {
		t.Helper()
		if _, err := w.Admit(ctx, admission.Wish{Model: "armani", UpTo: upTo, By: "mei", Reason: "sold"}); err != nil {
			t.Fatal(err)
		}
	}
	tick := func(what string, armani, dior int64) {
		t.Helper()
		if err := w.Tick(ctx); err != nil {
			t.Fatal(err)
		}
		if a, d := w.muster(t, "armani"), w.muster(t, "dior"); a.Counted != armani || d.Counted != dior {
			t.Errorf("%s: %d and %d, wanted %d and %d", what, a.Counted, d.Counted, armani, dior)
		}
	}
	vouch(300)
	tick("at once", 303, 1)
	tick("again", 303, 1)
	w.now = w.now.Add(day)
	w.Admission = admission.New(w.Config)
	tick("the next day, after a restart", 303, 1)
	w.now = w.now.Add(27 * day)
	tick("28 days later", 303, 1)
	vouch(200)
	tick("once the fleet is vouched for again, on the same day", 303, 1)
	w.now = w.now.Add(-3 * day)
	tick("with a clock that was set back", 306, 1)
	if trail := w.trail(t); !strings.Contains(trail, "landed fleet.admit armani.stable: 3 of 700 candidates, by the budget of one "+
		"percent of 300 until a person vouches") {
		t.Error(trail)
	}
}

// TestPatientAttacker: whoever keeps as many keys as there are handsets, for half a year, is one percent of the counted
// fleet, while a percent of the handsets is reset each month.
func TestPatientAttacker(t *testing.T) {
	if race.Detector {
		t.Skip("one goroutine for minutes: told without the race detector")
	}
	const size = 200
	w := newWorld(t)
	forged := func(i *fleet.Installation) { i.Ref = "F" + i.Ref }
	w.put(t, "armani", size, 20*day)
	if _, err := w.Admit(ctx, admission.Wish{Model: "armani", UpTo: size, By: "mei", Reason: "sold"}); err != nil {
		t.Fatal(err)
	}
	w.put(t, "armani", size, 0, forged)
	for week := range 26 {
		w.now = w.now.Add(7 * day)
		if week%4 == 3 {
			w.put(t, "armani", size/100, 0, func(i *fleet.Installation) { i.Ref += report.Reference(fmt.Sprint("-", week)) })
		}
		w.heard(t)
		if err := w.Tick(ctx); err != nil {
			t.Fatal(err)
		}
	}
	counted, bad := 0, 0
	for _, i := range w.heard(t) {
		if i.Member() {
			counted++
			if i.Ref[0] == 'F' {
				bad++
			}
		}
	}
	if counted != size+size/100 || bad > size/100 {
		t.Errorf("%d are counted, %d of them forged", counted, bad)
	}
}

// heard has everybody report now.
func (w *world) heard(t *testing.T) (all []fleet.Installation) {
	t.Helper()
	if err := w.db.UpdateReports(ctx, func(tx fleet.Tx) error {
		refs, err1 := tx.Installations().Refs(ctx, "", 10_000)
		states, err2 := tx.Installations().Of(ctx, refs...)
		for _, s := range states {
			s[0].Last = w.now
			all = append(all, s[0])
		}
		return errors.Join(err1, err2, tx.Installations().Put(ctx, all...))
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDrawnAtRandom: whoever makes references at his leisure is drawn no more often for it: keys are made when the candidates
// are there.
func TestDrawnAtRandom(t *testing.T) {
	if race.Detector {
		t.Skip("one goroutine for minutes: told without the race detector")
	}
	const honest, forged, rounds = 100, 100, 20
	drawn := 0
	for range rounds {
		w := newWorld(t)
		w.put(t, "armani", honest, 20*day)
		n := 0
		w.put(t, "armani", forged, 30*day, func(i *fleet.Installation) {
			i.Ref = report.Reference(fmt.Sprintf("000-%04d", n)) // as small as he can grind them
			n++
		})
		if _, err := w.Admit(ctx, admission.Wish{Model: "armani", UpTo: 20, By: "mei", Reason: "sold"}); err != nil {
			t.Fatal(err)
		}
		if err := w.db.View(ctx, func(tx fleet.Tx) error {
			refs, err1 := tx.Installations().Refs(ctx, "", 1_000)
			states, err2 := tx.Installations().Of(ctx, refs...)
			for ref, s := range states {
				if strings.HasPrefix(string(ref), "000-") && s[0].Member() {
					drawn++
				}
			}
			return errors.Join(err1, err2)
		}); err != nil {
			t.Fatal(err)
		}
	}
	// 400 places, half of them: 200, and more than 5 standard deviations beside it.
	if drawn < 150 || drawn > 250 {
		t.Errorf("%d of %d places went to forged installations, which are half of the candidates", drawn, 20*rounds)
	}
}

// TestQuarantine: by first-seen alone, on record, lifted once; where it takes something bad away, a second person is asked.
func TestQuarantine(t *testing.T) {
	w := newWorld(t, func(c *admission.Config) {
		c.Policy, c.Desk = proposals.Policy{Leaks: true}, &proposals.Desk{Store: c.Store, Now: c.Now}
	})
	w.tokens(t, "mei", "bo")
	w.put(t, "armani", 4, 10*day)
	w.put(t, "armani", 3, 20*day, func(i *fleet.Installation) { i.Leaked = true })
	flood := admission.Flood{From: w.now.Add(-11 * day), To: w.now.Add(-9 * day), By: "mei", Reason: "a flood"}
	done, err := w.Quarantine(ctx, flood)
	if err != nil || done.Installations != 4 || done.NeedsSecond {
		t.Errorf("%+v, %v", done, err)
	}
	bad := flood
	bad.From = w.now.Add(-30 * day)
	for range 2 { // by herself she may ask as often as she likes
		if _, err := w.Quarantine(ctx, bad); !proposals.Proposes(err) {
			t.Errorf("one person: %v", err)
		}
	}
	if all, err := w.Quarantines(ctx); err != nil || len(all) != 1 {
		t.Errorf("while it waits: %+v, %v", all, err)
	}
	bad.By = "bo"
	if again, err := w.Quarantine(ctx, bad); err != nil || !again.NeedsSecond || again.Bad != 3 || again.Installations != 7 ||
		again.By != "mei and bo" {
		t.Errorf("%+v, %v", again, err)
	}
	lifted, err := w.Lift(ctx, done.ID, "bo", "they are ours")
	if err != nil || lifted.Lifted.IsZero() {
		t.Errorf("%+v, %v", lifted, err)
	}
	if all, err := w.Quarantines(ctx); err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	if trail := w.trail(t); !strings.Contains(trail, "4 installations, 0 of them bad: a flood") ||
		!strings.Contains(trail, "a flood (proposed by mei, approved by bo)") || !strings.Contains(trail, "bo reports.lift") {
		t.Error(trail)
	}
	none := flood
	none.From, none.To = w.now.Add(-50*day), w.now.Add(-40*day)
	back, ahead := flood, flood
	back.From, back.To = flood.To, flood.From
	ahead.From, ahead.To = w.now.Add(time.Hour), w.now.Add(day)
	for code, fn := range map[string]func() error{
		"already_lifted":     func() error { _, err := w.Lift(ctx, done.ID, "bo", "again"); return err },
		"quarantine_unknown": func() error { _, err := w.Lift(ctx, "ffffffff", "bo", "x"); return err },
		"nobody_covered":     func() error { _, err := w.Quarantine(ctx, none); return err },
		"first_seen":         func() error { _, err := w.Quarantine(ctx, back); return err },
		"first_seen ":        func() error { _, err := w.Quarantine(ctx, ahead); return err },
		"reason_missing":     func() error { _, err := w.Lift(ctx, done.ID, "bo", " "); return err },
	} {
		if e, ok := errors.AsType[*fleet.Error](fn()); !ok || e.Code != strings.TrimSpace(code) {
			t.Errorf("%s: %v", code, fn())
		}
	}
}

// TestQuarantineOfTimesToCome: nobody is taken out before anybody has looked; who proposed a time that was to come meant
// those who had been heard of then.
func TestQuarantineOfTimesToCome(t *testing.T) {
	w := newWorld(t, func(c *admission.Config) {
		c.Policy, c.Desk = proposals.Policy{Leaks: true}, &proposals.Desk{Store: c.Store, Now: c.Now}
	})
	w.tokens(t, "mei", "bo")
	w.put(t, "armani", 4, 10*day)
	flood := admission.Flood{From: w.now.Add(-20 * day), To: w.now.Add(3650 * day), By: "mei", Reason: "tidy"}
	done, err := w.Quarantine(ctx, flood)
	if err != nil || !done.To.Equal(w.now) || done.Installations != 4 {
		t.Fatalf("%+v, %v", done, err)
	}
	if all, err := w.Quarantines(ctx); err != nil || !all[0].To.Equal(w.now) {
		t.Errorf("%+v, %v", all, err)
	}
	w.put(t, "armani", 2, 15*day, func(i *fleet.Installation) { i.Leaked = true })
	_, err = w.Quarantine(ctx, flood)
	waits, ok := errors.AsType[*proposals.Waiting](err)
	if !ok {
		t.Fatalf("one person: %v", err)
	}
	proposed := w.now
	w.now = w.now.Add(time.Hour)
	if _, err := w.Desk.Approve(ctx, waits.Proposal.ID, "bo", ""); err != nil {
		t.Fatal(err)
	}
	all, err := w.Quarantines(ctx)
	if err != nil || len(all) != 2 || !all[1].To.Equal(proposed) || all[1].Bad != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	// Asked for the same by two: each means all until now.
	if _, err := w.Quarantine(ctx, flood); !proposals.Proposes(err) {
		t.Errorf("one person: %v", err)
	}
	w.now = w.now.Add(time.Hour)
	flood.By = "bo"
	if done, err := w.Quarantine(ctx, flood); err != nil || !done.To.Equal(w.now) || done.By != "mei and bo" {
		t.Errorf("%+v, %v", done, err)
	}
}
