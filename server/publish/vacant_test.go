// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"testing"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// A change that was dropped has used up its versions: a person who signed it would be refused by
// the record of their own key if the same number came back with other content.
func TestADroppedChangeUsesUpItsVersions(t *testing.T) {
	h := newHouse(t)
	h.trust("armani", "dior")
	versions := func(c fleet.Change) map[string]int64 {
		found := map[string]int64{}
		for _, r := range ok(tufrepo.ParseRequest(c.Request))(t).Roles {
			found[r.Role] = ok(tufrepo.Read(r.Metadata))(t).Version
		}
		return found
	}
	first := h.staged("armani", "dior")
	ok(h.AddSignatures(h.ctx, first.ID, h.respond(first, "1"), "ann"))(t)
	for want := int64(3); want < 5; want++ {
		if err := h.Drop(h.ctx, first.ID, "ann", "the notes are wrong"); err != nil {
			t.Fatal(err)
		}
		first = ok(h.Stage(h.ctx, optIn, "ann"))(t)
		if got := versions(first); got["armani"] != want || got["dior"] != want {
			t.Fatalf("staged again as %v, wanted version %d", got, want)
		}
	}
	for _, n := range []string{"1", "3"} {
		ok(h.AddSignatures(h.ctx, first.ID, h.respond(first, n), "ann"))(t)
	}
	if v := ok(h.load(h.ctx))(t).info["armani"].Version; v != 4 {
		t.Errorf("version %d is published, wanted 4", v)
	}
}

// What was published since a change was staged is not taken back by it, whatever its number is.
func TestAChangeIsStaleByWhatItWasMadeUpon(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	c := h.staged("armani")
	for range 2 {
		if err := h.Drop(h.ctx, c.ID, "ann", "the notes are wrong"); err != nil {
			t.Fatal(err)
		}
		c = ok(h.Stage(h.ctx, optIn, "ann"))(t)
	}
	ok(h.ImportTrust(h.ctx, h.emptied(), "admin"))(t) // version 2, and the change holds 4
	_, err := h.AddSignatures(h.ctx, c.ID, h.respond(c, "1"), "ann")
	checkError(t, err, "change_stale", "holds version 4 of armani, made upon version 1, and version 2 is published")
	if err := h.Drop(h.ctx, c.ID, "ann", "stale"); err != nil {
		t.Fatal(err)
	}
	c = ok(h.Stage(h.ctx, optIn, "ann"))(t)
	for _, n := range []string{"1", "2"} {
		ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(t)
	}
}
