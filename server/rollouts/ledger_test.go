// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// told collects what a listener is told, as "action by actor: was → is".
func told(h *kit.Rooms) *[]string {
	var lines []string
	h.Event = func(_ context.Context, e rollouts.Event) {
		alarm := ""
		if e.Alarm {
			alarm = "!"
		}
		lines = append(lines, fmt.Sprintf("%s%s by %s: %s → %s", alarm, e.Action, e.Actor, e.Was, e.Rollout.State))
		if stored := h.Rollout(e.Rollout.ID); stored.Revision != e.Rollout.Revision || stored.State != e.Rollout.State {
			h.T.Errorf("told of revision %d, %s, while revision %d, %s is stored", e.Rollout.Revision, e.Rollout.State,
				stored.Revision, stored.State)
		}
		if e.At.IsZero() || e.Reason == "" {
			h.T.Errorf("%s: at %s, because %q", e.Action, e.At, e.Reason)
		}
	}
	return &lines
}

// Every way to change a rollout is one line of the audit trail, one of the log, and one event.
func TestEveryChangeIsTold(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	lines := told(h)
	var log bytes.Buffer
	h.LogTo(&log, slog.LevelInfo)
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann", Stages: []fleet.Stage{
		{Share: 100, Soak: time.Hour}, {Share: 10_000, Soak: time.Hour},
	}}))(t)[0]
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "sue", "it burns"))(t)
	kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "sue", "it does not"))(t)
	h.Now = h.Now.Add(time.Hour)
	for range 2 { // the second look finds nothing to do
		kit.OK(h.Ledger.Advance(h.Ctx, r.ID))(t)
	}
	for range 2 { // nobody counts, so a person says when
		kit.OK(h.Rollouts.Widen(h.Ctx, r.ID, "ann", "all is well"))(t)
	}
	publishEmptied(h)
	if err := h.Rollouts.HoldUnlisted(h.Ctx); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"rollout.start by ann:  → running", "rollout.halt by sue: running → halted", "rollout.resume by sue: halted → running",
		"rollout.look by landed: running → running", "rollout.widen by ann: running → running",
		"rollout.widen by ann: running → finished",
		"!rollout.hold by landed: finished → held",
	}
	if !slices.Equal(*lines, want) {
		t.Errorf("told:\n%s", strings.Join(*lines, "\n"))
	}
	var actions []string
	h.View(func(tx fleet.Tx) error {
		trail, err := tx.Audit().OfSubject(h.Ctx, r.ID, 100)
		for _, e := range slices.Backward(trail) {
			actions = append(actions, e.Action)
		}
		return err
	})
	var logged []string
	for line := range strings.Lines(log.String()) {
		if _, rest, found := strings.Cut(line, "msg=rollout."); found {
			action, _, _ := strings.Cut(rest, " ")
			logged = append(logged, "rollout."+action)
			if alarm := strings.Contains(line, "level=ERROR"); alarm != (action == "hold") {
				t.Errorf("the level is wrong: %s", line)
			}
		}
	}
	if len(actions) != len(want) || !slices.Equal(actions, logged) {
		t.Errorf("the trail has %v, the log %v", actions, logged)
	}
}

// A change that the state machine does not know is refused, leaves nothing behind, and nobody hears of it.
func TestOnlyStepsOfTheStateMachine(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	states := []fleet.RolloutState{fleet.RolloutRunning, fleet.RolloutHeld, fleet.RolloutHalted, fleet.RolloutFinished}
	for _, from := range states {
		for _, to := range append(states, "elsewhere") {
			stored := h.Rollout(r.ID)
			stored.State = from
			h.Update(func(tx fleet.Tx) error { return tx.Rollouts().Save(h.Ctx, stored) })
			next := h.Rollout(r.ID)
			next.State, next.Changed = to, h.Now
			lines, before := told(h), h.Contents()
			why := rollouts.Cause{Action: "rollout.test", Actor: "ann", Reason: "a test"}
			err := h.Ledger.Update(h.Ctx, func(tx *rollouts.Tx) error { return tx.Change(h.Ctx, next, why) })
			may := from == to || slices.Contains(fleet.RolloutNext[from], to)
			if (err == nil) != may || len(*lines) != map[bool]int{true: 1}[may] {
				t.Errorf("%s → %s: %v, told %q", from, to, err, *lines)
			}
			if !may {
				kit.CheckError(t, err, "rollout_state", string(from)+" and cannot become "+string(to))
				if got := h.Rollout(r.ID); got.State != from || h.Contents() != before {
					t.Errorf("%s → %s was refused, and is %s", from, to, got.State)
				}
			}
			if err := h.Ledger.Update(h.Ctx, func(tx *rollouts.Tx) error {
				next, err := tx.Rollouts().Get(h.Ctx, r.ID)
				if err != nil {
					return err
				}
				next.State = to
				return tx.Restore(h.Ctx, next, why)
			}); (err == nil) != (to != "elsewhere") {
				t.Errorf("restored from %s to %s: %v", from, to, err)
			}
		}
	}
}

// A change that was decided on an older revision is a conflict, and one that is rolled back is not told.
func TestNothingIsToldOfWhatIsNotStored(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	lines := told(h)
	err := h.Ledger.Update(h.Ctx, func(tx *rollouts.Tx) error {
		next := r
		next.State, next.Changed = fleet.RolloutHalted, h.Now
		if err := tx.Change(h.Ctx, next, rollouts.Cause{Action: "rollout.halt", Actor: "ann", Reason: "first"}); err != nil {
			return err
		}
		return tx.Change(h.Ctx, next, rollouts.Cause{Action: "rollout.halt", Actor: "ann", Reason: "again"})
	})
	if !fleet.Is(err, fleet.Conflict) || len(*lines) != 0 || h.Rollout(r.ID).State != fleet.RolloutRunning {
		t.Errorf("got %v, told %q", err, *lines)
	}
}
