// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// slow is a store that counts a fleet for as long as a test wants: how large one is, strangers decide.
type slow struct {
	fleet.Store
	counting chan struct{} // told when it begins
	free     chan struct{} // closed when it may end
}

// View implements fleet.Store.
func (s slow) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return s.Store.View(ctx, func(tx fleet.Tx) error { return fn(slowTx{tx, s}) })
}

// Update implements fleet.Store.
func (s slow) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	return s.Store.Update(ctx, func(tx fleet.Tx) error { return fn(slowTx{tx, s}) })
}

type slowTx struct {
	fleet.Tx
	slow slow
}

// Installations implements fleet.Tx.
func (t slowTx) Installations() fleet.Installations {
	return slowInstallations{t.Tx.Installations(), t.slow}
}

type slowInstallations struct {
	fleet.Installations
	slow slow
}

// Muster implements fleet.Installations.
func (i slowInstallations) Muster(ctx context.Context, model, channel string, at time.Time) ([]fleet.Muster, error) {
	i.slow.counting <- struct{}{}
	<-i.slow.free
	return i.Installations.Muster(ctx, model, channel, at)
}

// TestHaltWaitsForNoStart: a rollout that starts counts its fleet, which takes as long as strangers like; whoever halts
// meanwhile is not kept waiting.
func TestHaltWaitsForNoStart(t *testing.T) {
	is := slow{counting: make(chan struct{}, 100), free: make(chan struct{})}
	h := kit.New(t, func(c *rooms.Config) {
		is.Store = c.Store
		c.Store = is
	})
	h.Released("armani", "cancro")
	open := make(chan struct{})
	go func() { // the first start may count
		defer close(open)
		<-is.counting
		is.free <- struct{}{}
	}()
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, Models: []string{"armani"}, By: "ann"}))(t)[0]
	<-open
	started := make(chan error, 1)
	go func() {
		_, err := h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, Models: []string{"cancro"}, By: "ann"})
		started <- err
	}()
	<-is.counting
	halted := make(chan error, 1)
	go func() { _, err := h.Rollouts.Halt(h.Ctx, r.ID, "sue", "it burns"); halted <- err }()
	select {
	case err := <-halted:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute): // it would be for ever
		t.Error("the halt waits for a start that counts its fleet")
	}
	close(is.free)
	if err := <-started; err != nil {
		t.Error(err)
	}
	if got := h.Rollout(r.ID).State; got != fleet.RolloutHalted {
		t.Errorf("it is %s", got)
	}
}

// TestStagesOfWhoCounts: the usual stages follow from the counted fleet, so that nobody makes them by making keys.
func TestStagesOfWhoCounts(t *testing.T) {
	h := kit.New(t)
	h.Released("armani", "cancro")
	put := func(model string, n int, admitted time.Time) {
		kit.UpdateReports(h, func(tx fleet.Tx) error {
			var all []fleet.Installation
			for k := range n {
				all = append(all, fleet.Installation{Ref: report.Reference(fmt.Sprint(model, k, admitted.IsZero())), Current: true, Model: model,
					Channel: "stable", Kind: effect.Unjudged, First: h.Now.Add(-20 * kit.Day), Last: h.Now, Admitted: admitted, Drawn: -1})
			}
			return tx.Installations().Put(h.Ctx, all...)
		})
	}
	put("armani", 600, h.Now.Add(-kit.Day))
	put("armani", 12_000, time.Time{})
	put("cancro", 12_000, time.Time{})
	for _, r := range kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t) {
		stages, known := fleet.DefaultStages(600), int64(600)
		if r.Model == "cancro" { // where nobody counts, of all that are known
			stages, known = fleet.DefaultStages(12_000), 0
		}
		if !slices.Equal(r.Stages, stages) || r.Known != known {
			t.Errorf("%s: %+v for %d counted ones; wanted %+v for %d", r.Model, r.Stages, r.Known, stages, known)
		}
	}
}
