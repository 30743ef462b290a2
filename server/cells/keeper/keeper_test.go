// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/server/cells"
	"landed/server/cells/keeper"
	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/storetest"
)

var ctx = context.Background()

// house is a keeper over a real store.
type house struct {
	t          *testing.T
	db         store.Database
	now        time.Time
	exact      []cells.Exact
	distrusted bool
	keep       *keeper.Keeper
}

func open(t *testing.T, threshold int64) *house {
	h := &house{t: t, db: storetest.OpenDB(t), now: storetest.Now}
	h.start(threshold)
	return h
}

func (h *house) start(threshold int64) {
	h.keep = keeper.New(keeper.Config{Store: h.db, Threshold: threshold, Now: func() time.Time { return h.now },
		Draw:       rand.New(rand.NewPCG(7, 8)).Int64N,
		Exact:      func(context.Context, fleet.Tx) ([]cells.Exact, error) { return h.exact, nil },
		HasRoom:    func() error { return nil },
		Distrusted: func() bool { return h.distrusted }})
}

func (h *house) good(n int64) {
	h.exact = []cells.Exact{{Model: "armani", Kinds: map[fleet.Kind]int64{effect.Good: n}}}
}

func (h *house) tick(later time.Duration) {
	h.t.Helper()
	h.now = h.now.Add(later)
	if err := h.keep.Tick(ctx); err != nil {
		h.t.Fatal(err)
	}
}

// shown is what the public sees of good ones.
func (h *house) shown(threshold int64) (c fleet.PublicCell) {
	h.t.Helper()
	if err := h.db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.PublicCells().Shown(ctx, threshold)
		for _, one := range all {
			if one.Kind == effect.Good {
				c = one
			}
		}
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return c
}

const day = 24 * time.Hour

func TestKeeper(t *testing.T) {
	h := open(t, 20)
	h.good(400)
	h.distrusted = true
	h.tick(0)
	if c := h.shown(20); c.Shown {
		t.Errorf("by a clock that nobody believes: %+v", c)
	}
	h.distrusted = false
	h.tick(0)
	if c := h.shown(20); !c.Shown || c.Number != 400 || !c.At.Equal(h.now) {
		t.Errorf("at first: %+v", c)
	}
	h.good(700)
	h.tick(time.Minute)
	h.start(20)
	h.tick(time.Minute)
	if c := h.shown(20); c.Number != 400 {
		t.Errorf("later on that day, and after a new start: %+v", c)
	}
	h.tick(day)
	if c := h.shown(20); c.Number != 700 {
		t.Errorf("the next day: %+v", c)
	}
	if faults, err := h.db.Recount(ctx); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
}

// TestFirstRelease: a day that began before anything was published is not done with, and what comes later that day is shown.
func TestFirstRelease(t *testing.T) {
	h := open(t, 20)
	h.tick(0)
	h.good(400)
	h.tick(time.Minute)
	if c := h.shown(20); c.Number != 400 || !c.At.Equal(h.now) {
		t.Errorf("a minute after nothing was there: %+v", c)
	}
	h.good(700)
	h.tick(time.Minute)
	if c := h.shown(20); c.Number != 400 {
		t.Errorf("later on that day: %+v", c)
	}
}

// TestFlag: a higher threshold hides at once, before the loop did anything, and lets go of nothing by itself.
func TestFlag(t *testing.T) {
	h := open(t, 20)
	h.good(62)
	h.tick(0)
	if c := h.shown(20); c.Number != 60 {
		t.Errorf("at first: %+v", c)
	}
	if c := h.shown(100); c.Shown || c.Number != 0 {
		t.Errorf("under a higher threshold: %+v", c)
	}
	h.start(100)
	h.tick(time.Minute)
	if c := h.shown(20); c.Shown {
		t.Errorf("made anew under a higher one, and then asked for under the lower: %+v", c)
	}
	h.start(20)
	h.tick(day)
	h.tick(day)
	if c := h.shown(20); c.Shown {
		t.Errorf("what was hidden moved by 62, and stood for 100: %+v", c)
	}
	h.good(260)
	h.tick(day)
	if c := h.shown(20); c.Number != 260 {
		t.Errorf("in the end: %+v", c)
	}
}

// TestLost: whoever loses the table shows nothing for a while, and nothing that was hidden.
func TestLost(t *testing.T) {
	h := open(t, 20)
	h.good(31)
	for range 40 {
		h.tick(day)
	}
	shown := h.shown(20)
	h.db = storetest.OpenDB(t)
	h.start(20)
	h.good(17)
	for range 40 {
		h.tick(day)
	}
	if c := h.shown(20); c.Shown {
		t.Errorf("17 are shown as %+v; before they were %+v", c, shown)
	}
}
