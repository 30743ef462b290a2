// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/retain"
	"landed/server/store/storetest"
)

// old makes a keeper whose reports are old enough for a rule of 90 days, which is made.
func old(t *testing.T, many int) *keeper {
	t.Helper()
	k := newKeeper(t, storetest.OpenDB(t))
	k.lives(t, many)
	k.rollout(t, fleet.RolloutFinished)
	k.seal(t)
	k.clock.advance(120 * day)
	k.ruled(t, 90)
	return k
}

func (k *keeper) ruled(t *testing.T, days int) {
	t.Helper()
	if err := k.rule(ctx, days, true); err != nil {
		t.Fatal(err)
	}
}

// halfSettled makes a cut of which one step is done.
func (k *keeper) halfSettled(t *testing.T) {
	t.Helper()
	room := retain.New(retain.Config{Store: k.db, Settler: &stuck{Cutter: intake.Cutter{Rules: k.Rules}, until: 1}, Now: k.clock.now,
		Log: slog.New(slog.DiscardHandler)})
	untilItFails(t, room)
}

// mostTicks is more than any machine needs: what a tick gets done depends on it.
const mostTicks = 400

// untilItFails ticks until the first step fails.
func untilItFails(t *testing.T, room *retain.Room) {
	t.Helper()
	for range mostTicks {
		if err := room.Tick(ctx); errors.Is(err, errFailing) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("no step failed")
}

// decided ticks until the cut stands on the trail.
func (k *keeper) decided(t *testing.T) {
	t.Helper()
	for range mostTicks {
		if _, cuts, err := k.room.List(ctx); err != nil || len(cuts) == 1 && cuts[0].Root != nil {
			return
		}
		if err := k.room.Tick(ctx); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("no cut was decided")
}

// passes lets some hours pass, with a tick each half of one.
func (k *keeper) passes(t *testing.T, hours int) {
	t.Helper()
	for range 2 * hours {
		k.seal(t)
		k.clock.advance(30 * time.Minute)
		if err := k.room.Tick(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// ends lets time pass until a cut is done.
func (k *keeper) ends(t *testing.T, n int) {
	t.Helper()
	for range mostTicks {
		k.passes(t, 1)
		if _, cuts, err := k.room.List(ctx); err != nil || n < len(cuts) && !cuts[n].Done.IsZero() {
			return
		}
	}
	_, cuts, err := k.room.List(ctx)
	t.Fatalf("the cut %d is not done: %+v, %v", n+1, cuts, err)
}

func (k *keeper) nothingGone(t *testing.T) {
	t.Helper()
	if done, faults := k.faults(t); done.Dropped > 0 || len(faults) > 0 {
		t.Errorf("%d bodies were dropped; %q", done.Dropped, faults)
	}
}

// TestLongerRuleKeeps: a cut that is not on the trail ends when its rule becomes longer than it may be.
func TestLongerRuleKeeps(t *testing.T) {
	k := old(t, 110)
	k.halfSettled(t)
	k.ruled(t, 365)
	k.passes(t, 20)
	k.nothingGone(t)
	if _, cuts, err := k.room.List(ctx); err != nil || len(cuts) > 0 {
		t.Errorf("%+v, %v", cuts, err)
	}
}

// TestCutRests: a cut that is on the trail lets no body go while its rule is longer or taken back, or a rollout runs, and
// goes on afterwards.
func TestCutRests(t *testing.T) {
	k := old(t, 20)
	k.decided(t)
	k.ruled(t, 0)
	k.passes(t, 20)
	k.nothingGone(t)
	k.ruled(t, 365)
	k.passes(t, 20)
	k.nothingGone(t)
	k.rollout(t, fleet.RolloutFinished)
	k.ruled(t, 90)
	k.rollout(t, fleet.RolloutRunning)
	k.passes(t, 20)
	k.nothingGone(t)
	k.rollout(t, fleet.RolloutFinished)
	k.drops(t, k.room, 1)
	if done, faults := k.faults(t); done.Dropped == 0 || len(faults) > 0 {
		t.Errorf("%+v, %q", done, faults)
	}
}

// failsAt fails at an installation of which bodies would go.
type failsAt struct {
	intake.Cutter
	after int
}

func (s *failsAt) Droppable(ctx context.Context, tx fleet.Tx, c fleet.Cut, of fleet.Settled) ([]int64, error) {
	if s.after--; s.after == 0 {
		return nil, errFailing
	}
	return s.Cutter.Droppable(ctx, tx, c, of)
}

// TestRestingCutHoldsUpNobody: while a cut of which half is dropped rests, another release is cut; what is left of the first
// goes when its rule is back, and all follows from what was settled.
func TestRestingCutHoldsUpNobody(t *testing.T) {
	k := old(t, 60)
	for n := range 60 {
		for seq := int64(20); seq < 25; seq++ {
			k.send(t, waits, n, seq, "two")
		}
	}
	k.clock.advance(100 * day)
	k.seal(t)
	k.decided(t)
	half := &failsAt{Cutter: intake.Cutter{Rules: k.Rules}, after: 30}
	room := retain.New(retain.Config{Store: k.db, Settler: half, Now: k.clock.now, Log: slog.New(slog.DiscardHandler)})
	for range mostTicks {
		k.seal(t)
		k.clock.advance(30 * time.Minute)
		if err := room.Tick(ctx); errors.Is(err, errFailing) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	then, faults := k.faults(t)
	if half.after > 0 || then.Dropped == 0 || len(faults) > 0 {
		_, cuts, _ := k.room.List(ctx)
		t.Fatalf("%+v, %+v, %q, %d", cuts, then, faults, half.after)
	}
	k.ruled(t, 0)
	k.finishes(t, "two")
	if _, err := k.room.Set(ctx, retain.Wish{Release: "two", Keep: 95 * day, By: "mei", Reason: "the disk", Sure: true}); err != nil {
		t.Fatal(err)
	}
	k.ends(t, 1)
	done, faults := k.faults(t)
	_, cuts, _ := k.room.List(ctx)
	if len(faults) > 0 || done.Dropped <= then.Dropped || len(cuts) != 2 || cuts[1].Done.IsZero() || !cuts[0].Done.IsZero() {
		t.Fatalf("%+v, %+v, %q", done, cuts, faults)
	}
	k.ruled(t, 90)
	k.clock.advance(40 * day)
	k.ends(t, 0)
	again, faults := k.faults(t)
	if _, cuts, _ = k.room.List(ctx); len(faults) > 0 || again.Dropped <= done.Dropped || cuts[0].Done.IsZero() {
		t.Errorf("%+v, %+v, %q", again, cuts, faults)
	}
	k.again(t)
	k.rejudged(t, 60)
}

// finishes adds a finished rollout of a release.
func (k *keeper) finishes(t *testing.T, release string) {
	t.Helper()
	if err := k.db.Update(ctx, func(tx fleet.Tx) error {
		return tx.Rollouts().Create(ctx, fleet.Rollout{ID: release + ".armani.lab", Release: release, Model: "armani", Channel: "lab",
			State: fleet.RolloutFinished, Stages: []fleet.Stage{{Share: 10_000}}, Started: storetest.Now.Add(-time.Hour)})
	}); err != nil {
		t.Fatal(err)
	}
}

// TestNothingGoesAfterARestore: while nobody has said what a restored database lost, no cut begins, is decided, or goes on.
func TestNothingGoesAfterARestore(t *testing.T) {
	for name, before := range map[string]func(*keeper, *testing.T){
		"nothing is begun": func(*keeper, *testing.T) {}, "half settled": (*keeper).halfSettled, "decided": (*keeper).decided,
	} {
		t.Run(name, func(t *testing.T) {
			k := old(t, 110)
			before(k, t)
			_, was, err := k.room.List(ctx)
			line := func(action string) {
				t.Helper()
				if err := k.db.Update(ctx, func(tx fleet.Tx) error {
					return tx.Audit().Append(ctx, fleet.AuditEntry{At: k.clock.now(), Actor: "landed", Action: action,
						Subject: fleet.RestoreSubject, Reason: "x"})
				}); err != nil {
					t.Fatal(err)
				}
			}
			line(fleet.ActionRestored)
			k.passes(t, 5)
			k.nothingGone(t)
			if _, cuts, err2 := k.room.List(ctx); err != nil || err2 != nil || !cmp.Equal(was, cuts) {
				t.Errorf("%+v, %v, %v", cuts, err, err2)
			}
			line(fleet.ActionLost)
			k.drops(t, k.room, 1)
		})
	}
}

// TestOlderReportsUnderACut: reports that were restored from the middle of a cut, under a trail that has it whole, are no fault;
// the cut is let go of, and one with another number takes its place.
func TestOlderReportsUnderACut(t *testing.T) {
	k := old(t, 110)
	k.halfSettled(t)
	if err := k.db.Update(ctx, func(tx fleet.Tx) error {
		all, err := tx.Cuts().List(ctx)
		c := all[0]
		c.At, c.States, c.Root = k.clock.now(), 88, make([]byte, 32)
		return errors.Join(err, tx.Audit().Append(ctx, fleet.AuditEntry{At: c.At, Actor: "landed", Action: fleet.ActionCut,
			Subject: fleet.CutSubject(1), Reason: "cut " + c.Line()}))
	}); err != nil {
		t.Fatal(err)
	}
	k.nothingGone(t)
	k.drops(t, k.room, 1)
	done, faults := k.faults(t)
	if _, cuts, err := k.room.List(ctx); err != nil || cuts[0].Number != 2 || done.Dropped == 0 || len(faults) > 0 {
		t.Errorf("%+v, %+v, %q, %v", cuts, done, faults, err)
	}
	k.again(t)
}
