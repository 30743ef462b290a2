// SPDX-License-Identifier: Apache-2.0

package history_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/history"
	"landed/server/store"
	"landed/server/store/storetest"
)

var ctx = context.Background()

// house is a Keeper over a real store.
type house struct {
	t    *testing.T
	db   store.Database
	now  time.Time
	log  bytes.Buffer
	keep *history.Keeper
}

func open(t *testing.T) *house {
	h := &house{t: t, db: storetest.OpenDB(t), now: storetest.Now}
	h.start()
	return h
}

func (h *house) start() {
	h.keep = history.New(history.Config{Store: h.db, Now: func() time.Time { return h.now },
		Log: slog.New(slog.NewTextHandler(&h.log, nil)),
		Fleet: func(ctx context.Context, tx fleet.Tx) (fleet.Counts, error) {
			all, err := tx.Counts().Totals(ctx)
			sum := fleet.Counts{Figures: fleet.NewFigures(), Counted: fleet.NewFigures(), Quarantined: fleet.NewFigures()}
			for _, c := range all {
				sum.Add(c)
			}
			return sum, err
		}})
}

func (h *house) tick(later time.Duration) {
	h.t.Helper()
	h.now = h.now.Add(later)
	if err := h.keep.Tick(ctx); err != nil {
		h.t.Fatal(err)
	}
}

// change has n installations of a model go from one kind to another; "" is that there are none yet.
func (h *house) change(n int, model string, from, to fleet.Kind) {
	h.t.Helper()
	state := func(k fleet.Kind) *fleet.Installation {
		if k == "" {
			return nil
		}
		return &fleet.Installation{
			Release:  "one",
			Model:    model,
			Channel:  "stable",
			Current:  true,
			Verdict:  fleet.Class("of_" + k),
			Kind:     k,
			Progress: report.ProgressRunning,
			Before:   "quiet",
		}
	}
	if err := h.db.UpdateReports(ctx, func(tx fleet.Tx) (err error) {
		for range n {
			err = errors.Join(err, tx.Counts().Move(ctx, state(from), state(to)))
		}
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) moments() (all []fleet.Moment) {
	h.t.Helper()
	if err := h.db.View(ctx, func(tx fleet.Tx) (err error) {
		all, err = tx.History().Moments(ctx)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return all
}

func (h *house) at(at time.Time, cell fleet.Cell) fleet.Counts {
	h.t.Helper()
	var c fleet.Counts
	if err := h.db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.History().Stood(ctx, []time.Time{at}, cell)
		if err == nil {
			c = all[0][0].Counts
		}
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// TestKeeper copies every hour, thins, begins anew after its end, and lets go of what a wrong clock made.
func TestKeeper(t *testing.T) {
	h := open(t)
	first := h.now
	h.change(5, "armani", "", effect.Good)
	h.change(3, "dior", "", effect.Bad)
	h.tick(0)
	h.change(2, "armani", effect.Good, effect.Bad)
	h.tick(time.Minute)
	if n := len(h.moments()); n != 1 {
		t.Fatalf("%d copies of one hour", n)
	}
	for range 13 * 24 {
		h.tick(time.Hour)
	}
	for _, tt := range []struct {
		of        fleet.Cell
		good, bad int64
	}{{fleet.Cell{Model: "armani", Release: "one", Channel: "stable"}, 5, 0}, {fleet.Cell{Model: "dior", Channel: "stable"}, 0, 3},
		{fleet.Cell{Release: "one"}, 5, 3}, {fleet.Cell{}, 5, 3}} {
		if c := h.at(first, tt.of); c.Kinds[effect.Good] != tt.good || c.Kinds[effect.Bad] != tt.bad {
			t.Errorf("%v, when it was copied first: %v, wanted %d and %d", tt.of, c.Kinds, tt.good, tt.bad)
		}
	}
	if c := h.at(h.now, fleet.Cell{}); c.Kinds[effect.Good] != 3 || c.Kinds[effect.Bad] != 5 {
		t.Errorf("now: %v", c.Kinds)
	}
	h.start()
	for range 7 * 24 {
		h.tick(time.Hour)
	}
	if n := len(h.moments()); n < 14*24 || n > 14*24+24+7 {
		t.Errorf("after 20 days there are %d moments", n)
	}
	if found, err := h.db.Recount(ctx); err != nil || len(found) > 0 && strings.Contains(found[0], "copy") {
		t.Errorf("%v, %v", found, err)
	}
	h.tick(-5 * day)
	all := h.moments()
	if !all[len(all)-1].At.Equal(h.now) || !strings.Contains(h.log.String(), "still to come") {
		t.Errorf("the clock was five days ahead: the newest copy is of %s, now is %s\n%s", all[len(all)-1].At, h.now, h.log.String())
	}
}

const day = 24 * time.Hour

// TestRegressionIsTold within a minute, once while it lasts, and again when it comes again.
func TestRegressionIsTold(t *testing.T) {
	h := open(t)
	h.change(100, "armani", "", effect.Good)
	h.tick(0)
	h.change(40, "armani", effect.Good, effect.Bad)
	told := func(want int) {
		t.Helper()
		if got := strings.Count(h.log.String(), "worse than it was"); got != want {
			t.Errorf("it was told %d times, wanted %d\n%s", got, want, h.log.String())
		}
	}
	h.tick(time.Minute)
	told(1)
	for range 6 {
		h.tick(time.Hour)
	}
	told(1)
	if n := h.keep.Regressions(); n != 1 {
		t.Errorf("%d regressions, wanted 1", n)
	}
	h.change(40, "armani", effect.Bad, effect.Good)
	h.tick(time.Minute)
	if n := h.keep.Regressions(); n != 0 {
		t.Errorf("%d regressions of what is as it was", n)
	}
	h.tick(2 * day)
	h.change(50, "armani", effect.Good, effect.Bad)
	h.tick(time.Minute)
	told(2)
}

// TestNotByAWrongClock: while the clock is not believed, or there is no room, nothing is copied.
func TestNotByAWrongClock(t *testing.T) {
	h := open(t)
	distrusted, full := true, error(nil)
	h.keep.Distrusted, h.keep.HasRoom = func() bool { return distrusted }, func() error { return full }
	h.change(1, "armani", "", effect.Good)
	h.tick(0)
	distrusted, full = false, errors.New("full")
	h.tick(time.Hour)
	if n := len(h.moments()); n != 0 {
		t.Fatalf("%d copies", n)
	}
	full = nil
	if h.tick(0); len(h.moments()) != 1 {
		t.Error("nothing is copied afterwards either")
	}
}

// TestSilenceOfMany: a walk that one Tick does not end goes on with the next, and the copy follows it. So does one that was cut off.
func TestSilenceOfMany(t *testing.T) {
	h := open(t)
	const all = 130
	if err := h.db.UpdateReports(ctx, func(tx fleet.Tx) (err error) {
		for n := range all {
			i := fleet.Installation{Ref: report.Reference(fmt.Sprintf("R%023d", n)), Release: "one", Model: "armani",
				Channel: "stable", Current: true,
				Verdict: "off", Kind: effect.Good, Progress: report.ProgressRunning, Before: "quiet", Drawn: -1,
				Last: h.now.Add(-time.Duration(n) * day)}
			err = errors.Join(err, tx.Installations().Put(ctx, i), tx.Counts().Move(ctx, nil, &i))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	h.keep.Page = 20
	h.tick(0)
	if n := len(h.moments()); n != 0 {
		t.Fatalf("%d copies before the walk is over", n)
	}
	h.tick(time.Second)
	want := fleet.Heard{Of: all, Silent: [3]int64{all - 15, all - 29, all - 57}}
	for _, of := range []fleet.Cell{{Model: "armani", Release: "one", Channel: "stable"}, {Model: "armani", Channel: "stable"},
		{Release: "one"}, {}} {
		if got := h.at(h.now, of).Figures.Heard; got == nil || *got != want {
			t.Errorf("%v: %+v, wanted %+v", of, got, want)
		}
	}
	h.tick(time.Hour)
	h.start() // in the middle of a walk
	h.keep.Page = 20
	h.tick(time.Second)
	h.tick(time.Second)
	if n := len(h.moments()); n != 2 {
		t.Errorf("%d copies, wanted 2", n)
	}
}
