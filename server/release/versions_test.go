// SPDX-License-Identifier: Apache-2.0

package release_test

import (
	"testing"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
	kit "landed/server/servertest"
)

// A change that was dropped has used up its versions: a person who signed it would be refused by
// the record of their own key if the same number came back with other content.
func TestADroppedChangeUsesUpItsVersions(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani", "dior")
	versions := func(c fleet.Change) map[string]int64 {
		found := map[string]int64{}
		for _, r := range kit.OK(tufrepo.ParseRequest(c.Request))(t).Roles {
			found[r.Role] = kit.OK(tufrepo.Read(r.Metadata))(t).Version
		}
		return found
	}
	first := h.Staged("armani", "dior")
	kit.OK(h.Releases.AddSignatures(h.Ctx, first.ID, h.Respond(first, "1"), "ann"))(t)
	for want := int64(3); want < 5; want++ {
		if err := h.Releases.DropChange(h.Ctx, first.ID, "ann", "the notes are wrong"); err != nil {
			t.Fatal(err)
		}
		first = kit.OK(h.Releases.Stage(h.Ctx, kit.OptIn, "ann"))(t)
		if got := versions(first); got["armani"] != want || got["dior"] != want {
			t.Fatalf("staged again as %v, wanted version %d", got, want)
		}
	}
	for _, n := range []string{"1", "3"} {
		kit.OK(h.Releases.AddSignatures(h.Ctx, first.ID, h.Respond(first, n), "ann"))(t)
	}
	if v := h.State().Version("armani"); v != 4 {
		t.Errorf("version %d is published, wanted 4", v)
	}
}

// What was published since a change was staged is not taken back by it, whatever its number is.
func TestAChangeIsStaleByWhatItWasMadeUpon(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	c := h.Staged("armani")
	for range 2 {
		if err := h.Releases.DropChange(h.Ctx, c.ID, "ann", "the notes are wrong"); err != nil {
			t.Fatal(err)
		}
		c = kit.OK(h.Releases.Stage(h.Ctx, kit.OptIn, "ann"))(t)
	}
	kit.OK(h.Trust.Import(h.Ctx, h.Emptied("armani"), "admin"))(t) // version 2, and the change holds 4
	_, err := h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "1"), "ann")
	kit.CheckError(t, err, "change_stale", "holds version 4 of armani, made upon version 1, and version 2 is published")
	if err := h.Releases.DropChange(h.Ctx, c.ID, "ann", "stale"); err != nil {
		t.Fatal(err)
	}
	c = kit.OK(h.Releases.Stage(h.Ctx, kit.OptIn, "ann"))(t)
	h.SignAndPublish(c)
}
