// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// The salt must be known before the first stage is offered, so that nobody can draw it to suit
// the stage.
func TestSaltIsPublishedBeforeTheFirstStage(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	var shares []int
	h.Published = func(map[string][]byte, func(string) bool) {
		s := h.State()
		target, have := s.Target("armani-offers", "offers/armani/stable.json")
		if !have {
			t.Fatal("no offers were published")
		}
		text := kit.OK(os.ReadFile(filepath.Join(h.Dir, "feed/targets", tufrepo.StoredTarget(target.Path, target.SHA256))))(t)
		shares = append(shares, kit.OK(offers.Parse(text))(t).Offers[0].Share)
	}
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	if len(shares) != 2 || shares[0] != 0 || shares[1] != 100 {
		t.Errorf("shares published one after the other: %v; wanted 0, then 100", shares)
	}
}

// Asking for offers again and again must cost nothing while nothing changed.
func TestUnchangedOffersPublishNothing(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	before, contents := h.State(), h.Contents()
	for range 3 {
		if err := h.Rollouts.PublishOffers(h.Ctx); err != nil {
			t.Fatal(err)
		}
	}
	if after := h.State(); after.Version("timestamp") != before.Version("timestamp") || h.Contents() != contents {
		t.Error("something was published or stored")
	}
}

// Somebody who hangs up after asking for a halt has asked for it.
func TestHaltOutlastsItsCaller(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	before := h.State().Version(tufrepo.OffersRole("armani"))
	ctx, hangUp := context.WithCancel(h.Ctx)
	defer hangUp()
	h.Event = func(context.Context, rollouts.Event) { hangUp() } // the halt is stored, and not published yet
	_, err := h.Rollouts.Halt(ctx, r.ID, "ann", "wrong build")
	if s := h.State(); s.Version(tufrepo.OffersRole("armani")) == before {
		t.Errorf("the halt is not published: %v", err)
	}
}
