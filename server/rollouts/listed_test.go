// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"strings"
	"testing"

	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

func TestImportTakesOutNothingThatIsOffered(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	b := h.Emptied("armani")

	_, err := h.Trust.Import(h.Ctx, b, "admin")
	kit.CheckError(t, err, "takes_out_offered", ".zip, which rollout "+r.ID+" offers (running)")
	device := h.Client()
	if o := h.Offer(device); o.Rollout != r.ID {
		t.Errorf("after the refusal the offer is %+v", o)
	}

	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "the build burns"))(t)
	kit.OK(h.Trust.Import(h.Ctx, b, "admin"))(t) // halted: on purpose
	_, err = h.Rollouts.Resume(h.Ctx, r.ID, "ann", "it does not burn")
	kit.CheckError(t, err, "build_unlisted", "does not list")
	if got := h.Rollout(r.ID); got.State != fleet.RolloutHalted {
		t.Errorf("after the refusal the rollout is %s", got.State)
	}
}

func TestNoRolloutOfWhatIsNotListed(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	kit.OK(h.Trust.Import(h.Ctx, h.Emptied("armani"), "admin"))(t) // nothing offers it yet
	_, err := h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"})
	kit.CheckError(t, err, "build_unlisted", "version 3 of armani, which the signers signed, does not list")
	if _, err := h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}); err == nil ||
		strings.Contains(err.Error(), "exists") {
		t.Errorf("the refused rollout left something behind: %v", err)
	}
}

// A rollout that outlived its build, however that came about, is not shown as running.
func TestUnlistedIsHeld(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	publishEmptied(h)
	for range 2 { // the second time there is nothing to say
		h.MustRenew()
	}
	got := h.Rollout(r.ID)
	if got.State != fleet.RolloutHeld || !strings.Contains(got.Held.Values[fleet.TextValue], "does not list") {
		t.Errorf("the rollout is %s, held %v", got.State, got.Held)
	}
	if got.Revision != r.Revision+1 {
		t.Errorf("it was saved %d times", got.Revision-r.Revision)
	}
	_, err := h.Rollouts.Resume(h.Ctx, r.ID, "ann", "try again")
	kit.CheckError(t, err, "build_unlisted", "reach nobody")
}

// publishEmptied publishes an armani without builds, as no import would.
func publishEmptied(h *kit.Rooms) {
	h.T.Helper()
	role := h.Emptied("armani").Files["3.armani.json"]
	if err := h.Repo.Publish(h.Ctx, func(repo.State) (repo.Edit, error) {
		return repo.Edit{Roles: map[string][]byte{"armani": role}}, nil
	}); err != nil {
		h.T.Fatal(err)
	}
}
