// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"landed/manifests/offers"
	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// block puts a file where the feed folder is, so that nothing can be written there, until the test lets it.
func block(t *testing.T, h *kit.Rooms) (free func()) {
	t.Helper()
	feed := filepath.Join(h.Dir, "feed")
	if err := errors.Join(os.Rename(feed, feed+"-away"), os.WriteFile(feed, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := errors.Join(os.Remove(feed), os.Rename(feed+"-away", feed)); err != nil {
			t.Fatal(err)
		}
	}
}

// served is the state of the first offer that a client gets from the folder.
func served(h *kit.Rooms) offers.State { return h.Offers(h.Client(), "armani").Offers[0].State }

// reasons are those of the audit trail of a rollout, oldest first.
func trail(h *kit.Rooms, id string) (lines []string) {
	h.View(func(tx fleet.Tx) error {
		all, err := tx.Audit().OfSubject(h.Ctx, id, 100)
		for _, e := range slices.Backward(all) {
			lines = append(lines, e.Actor+" "+e.Action+": "+e.Reason)
		}
		return err
	})
	return lines
}

// A rollout is halted once its handsets are told so, and halting until then. To ask again is safe.
func TestHaltingUntilServed(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	wantRunning := func() {
		t.Helper()
		if is := h.Rollouts.Standing(h.Ctx, h.Rollout(r.ID)); is != (rollouts.Standing{State: fleet.RolloutRunning}) {
			t.Errorf("it is %+v", is)
		}
	}
	wantRunning()
	free := block(t, h)
	for _, reason := range []string{"it burns", "it still burns", "it still burns"} {
		_, err := h.Rollouts.Halt(h.Ctx, r.ID, "sue", reason)
		kit.CheckError(t, err, repo.NotPublished, "rollout.halt of "+r.ID+" is stored and on the audit trail, but not published: "+
			"the served offers of armani on stable still say running")
		if !fleet.Is(err, fleet.Pending) {
			t.Errorf("the kind of %v", err)
		}
		stored := h.Rollout(r.ID)
		is := h.Rollouts.Standing(h.Ctx, stored)
		if stored.State != fleet.RolloutHalted || is.State != fleet.RolloutHalting || !strings.Contains(is.Missing, "still say running: ") {
			t.Errorf("stored %s, shown %+v", stored.State, is)
		}
	}
	if ids := kit.OK(h.Rollouts.Halting(h.Ctx))(t); !slices.Equal(ids, []string{r.ID}) {
		t.Errorf("halting: %q", ids)
	}
	if since, err := h.Rollouts.Unpublished(); since.IsZero() || err == nil {
		t.Error("nothing is told of it")
	}
	free()
	if served(h) != offers.StateRunning {
		t.Error("the test is no test: the folder says halted already")
	}
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "tom", "done?"))(t)
	if is := h.Rollouts.Standing(h.Ctx, h.Rollout(r.ID)); is != (rollouts.Standing{State: fleet.RolloutHalted}) || served(h) != offers.StateHalted {
		t.Errorf("shown %+v, served %s", is, served(h))
	}
	stored := h.Rollout(r.ID)
	if stored.By != "sue" || stored.Reason.Values[fleet.TextValue] != "it burns" {
		t.Errorf("the first reason is gone: %s %v", stored.By, stored.Reason)
	}

	free = block(t, h)
	_, err := h.Rollouts.Resume(h.Ctx, r.ID, "sue", "put out")
	kit.CheckError(t, err, repo.NotPublished, "rollout.resume of "+r.ID+" is stored")
	if is := h.Rollouts.Standing(h.Ctx, h.Rollout(r.ID)); is.State != fleet.RolloutRunning || !strings.Contains(is.Missing, "still say halted") {
		t.Errorf("shown %+v", is)
	}
	free()
	kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "sue", "put out"))(t)
	wantRunning()
	want := []string{"ann rollout.start: stage 1 of 4: 1 % of the fleet", "sue rollout.halt: it burns", "sue rollout.halt: it still burns",
		"sue rollout.halt: it still burns", "tom rollout.halt: done?", "sue rollout.resume: put out"}
	if got := trail(h, r.ID); !slices.Equal(got, want) {
		t.Errorf("the trail:\n%s", strings.Join(got, "\n"))
	}
	if _, err := h.Rollouts.Unpublished(); err != nil {
		t.Error(err)
	}
}

// What is halted and cannot be published is published as soon as it can be, without a tick; a person hears of it meanwhile.
func TestHaltIsTriedAgain(t *testing.T) {
	h := kit.New(t, func(c *rooms.Config) { c.Again = true })
	var log lockedLog
	h.LogTo(&log, slog.LevelInfo)
	h.Rollouts.AlarmAfter(0)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	free := block(t, h)
	_, err := h.Rollouts.Halt(h.Ctx, r.ID, "sue", "it burns")
	kit.CheckError(t, err, repo.NotPublished, "")
	eventually(t, "an alarm", func() bool {
		return strings.Contains(log.String(), "level=ERROR msg=\"a change of the rollouts is stored and cannot be published")
	})
	free()
	eventually(t, "halted", func() bool { return h.Rollouts.Standing(h.Ctx, h.Rollout(r.ID)).State == fleet.RolloutHalted })
	if served(h) != offers.StateHalted {
		t.Errorf("served: %s", served(h))
	}
	eventually(t, "nothing left", func() bool { _, err := h.Rollouts.Unpublished(); return err == nil })
}

// A server that starts while its feed cannot be written says halting, and lets a rollout be halted.
func TestStartWithoutAFeed(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	lies := filepath.Join(h.Dir, "feed", "metadata", "timestamp.json")
	h.Shut()
	// What is in the place of the timestamp cannot be replaced.
	if err := errors.Join(os.Remove(lies), os.MkdirAll(filepath.Join(lies, "x"), 0o755)); err != nil {
		t.Fatal(err)
	}
	h.Reopen()
	if h.Repo.Failing() == nil {
		t.Fatal("the test is no test: the feed was written")
	}
	_, err := h.Rollouts.Halt(h.Ctx, r.ID, "sue", "it burns")
	kit.CheckError(t, err, repo.NotPublished, "not written since the server started")
	if is := h.Rollouts.Standing(h.Ctx, h.Rollout(r.ID)); is.State != fleet.RolloutHalting {
		t.Errorf("shown %+v", is)
	}
	if err := os.RemoveAll(lies); err != nil {
		t.Fatal(err)
	}
	h.MustRenew()
	if is := h.Rollouts.Standing(h.Ctx, h.Rollout(r.ID)); is != (rollouts.Standing{State: fleet.RolloutHalted}) || served(h) != offers.StateHalted {
		t.Errorf("shown %+v, served %s", is, served(h))
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(fmt.Sprint("never came: ", what))
		}
	}
}

// lockedLog may be read while it is written.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
