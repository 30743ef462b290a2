// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"strings"
	"testing"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// emptied is what a rotation on an old trust file makes: the next armani, without any build.
func (h *house) emptied() tufrepo.Bundle {
	h.t.Helper()
	version := ok(h.load(h.ctx))(h.t).info["armani"].Version + 1
	role := ok(tufrepo.NewRole(version, h.now.Add(180*day), nil))(h.t)
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{"1.root.json": h.firstRoot()}}
	b.Files[tufrepo.MetadataFile("armani", version)] = ok(tufrepo.Sign(role, keyOf("armani1"), keyOf("armani2")))(h.t)
	return b
}

func TestImportTakesOutNothingThatIsOffered(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)[0]
	b := h.emptied()

	_, err := h.ImportTrust(h.ctx, b, "admin")
	checkError(t, err, "takes_out_offered", ".zip, which rollout "+r.ID+" offers (running)")
	device := newClient(t, h.plain(), h.firstRoot())
	if o := h.offer(device); o.Rollout != r.ID {
		t.Errorf("after the refusal the offer is %+v", o)
	}

	ok(h.Halt(h.ctx, r.ID, "ann", "the build burns"))(t)
	ok(h.ImportTrust(h.ctx, b, "admin"))(t) // halted: on purpose
	_, err = h.Resume(h.ctx, r.ID, "ann", "it does not burn")
	checkError(t, err, "build_unlisted", "does not list")
	if got := h.rollout(r.ID); got.State != fleet.RolloutHalted {
		t.Errorf("after the refusal the rollout is %s", got.State)
	}
}

func TestNoRolloutOfWhatIsNotListed(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	ok(h.ImportTrust(h.ctx, h.emptied(), "admin"))(t) // nothing offers it yet
	_, err := h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"})
	checkError(t, err, "build_unlisted", "version 3 of armani, which the signers signed, does not list")
	if _, err := h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}); err == nil || strings.Contains(err.Error(), "exists") {
		t.Errorf("the refused rollout left something behind: %v", err)
	}
}

// A rollout that outlived its build, however that came about, is not shown as running.
func TestUnlistedIsHeld(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)[0]
	role := h.emptied().Files["3.armani.json"]
	if err := h.publish(h.ctx, func(state) (edit, error) { return edit{roles: map[string][]byte{"armani": role}}, nil }); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to say
		h.renew()
	}
	got := h.rollout(r.ID)
	if got.State != fleet.RolloutHeld || !strings.Contains(got.Held.Values[fleet.TextValue], "does not list") {
		t.Errorf("the rollout is %s, held %v", got.State, got.Held)
	}
	if got.Revision != r.Revision+1 {
		t.Errorf("it was saved %d times", got.Revision-r.Revision)
	}
	_, err := h.Resume(h.ctx, r.ID, "ann", "try again")
	checkError(t, err, "build_unlisted", "reach nobody")
}
