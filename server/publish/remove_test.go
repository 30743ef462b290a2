// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/server/blob"
	"landed/server/blob/blobtest"
	"landed/server/fleet"
)

// stored says whether a package is known, and whether its bytes are there. Known without bytes is damage.
func (h *house) stored(sha256 string) (known, bytes bool) {
	h.t.Helper()
	err := h.db.View(h.ctx, func(tx fleet.Tx) error {
		_, err := tx.Packages().Get(h.ctx, fleet.PackageRef{SHA256: sha256})
		known = err == nil
		if fleet.Is(err, fleet.NotFound) {
			err = nil
		}
		return err
	})
	_, missing := h.blobs.Stat(h.ctx, blob.Ref(sha256))
	if err != nil || missing != nil && !errors.Is(missing, blob.ErrNotFound) {
		h.t.Fatal(err, missing)
	}
	return known, missing == nil
}

func (h *house) wantStored(when, sha256 string, known, bytes bool) {
	h.t.Helper()
	if k, b := h.stored(sha256); k != known || b != bytes {
		h.t.Errorf("%s: known %t, bytes %t; wanted %t and %t", when, k, b, known, bytes)
	}
}

// sound wants fsck to find nothing.
func (h *house) sound() {
	h.t.Helper()
	faults, err := h.Check(h.ctx, nil)
	if err != nil || len(faults) > 0 {
		h.t.Errorf("fsck: %v, %v", faults, err)
	}
}

func TestRemove(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	pkg := h.upload("armani", fixtures.Patched)
	other := h.upload("dior", fixtures.Patched)
	removed, err := h.Remove(h.ctx, pkg.SHA256, "bo", "wrong file")
	if err != nil || removed.Name != pkg.Name {
		t.Fatalf("%+v, %v", removed, err)
	}
	h.wantStored("removed", pkg.SHA256, false, false)
	h.wantStored("another one", other.SHA256, true, true)
	if left := ok(h.leftovers(h.ctx))(t); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	if err := h.db.View(h.ctx, func(tx fleet.Tx) error {
		trail, err := tx.Audit().OfSubject(h.ctx, pkg.SHA256, 1)
		if len(trail) != 1 || trail[0].Action != "package.remove" || trail[0].Actor != "bo" || !strings.HasSuffix(trail[0].Reason, "armani_global on stable: wrong file") {
			t.Errorf("the trail says %+v", trail)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	before := h.contents()
	_, err = h.Remove(h.ctx, pkg.SHA256, "bo", "")
	checkError(t, err, "package_unknown", pkg.SHA256)
	_, err = h.Remove(h.ctx, "../../landed.db", "bo", "")
	checkError(t, err, "package_unknown", "")
	if h.contents() != before {
		t.Error("a refusal changed something")
	}
	if again := h.upload("armani", fixtures.Patched); again.SHA256 != pkg.SHA256 {
		t.Error("the same bytes are another package")
	}
	h.wantStored("uploaded again", pkg.SHA256, true, true)
	h.sound()
}

// Whatever names a package keeps it, and says so.
func TestNamedPackagesStay(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	pkg := h.upload("armani", fixtures.Patched)
	refused := func(state, words string) {
		t.Helper()
		_, err := h.Remove(h.ctx, pkg.SHA256, "bo", "")
		checkError(t, err, "package_in_use", optIn+" ("+state+")")
		checkError(t, err, "package_in_use", words)
		h.wantStored(state, pkg.SHA256, true, true)
	}
	ok(h.CreateRelease(h.ctx, releaseSource("1", optIn), []string{pkg.SHA256}, "ann"))(t)
	refused("draft", "drop what names it")
	c := ok(h.Stage(h.ctx, optIn, "ann"))(t)
	refused("staged", "drop what names it")
	if err := h.Drop(h.ctx, c.ID, "ann", "why"); err != nil {
		t.Fatal(err)
	}
	refused("staged", "drop what names it")
	c = ok(h.Stage(h.ctx, optIn, "ann"))(t)
	for _, n := range []string{"1", "2"} {
		ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(t)
	}
	refused("published", "stays")
	ok(h.CreateRelease(h.ctx, releaseSource("2", "second"), []string{pkg.SHA256}, "ann"))(t)
	_, err := h.Remove(h.ctx, pkg.SHA256, "bo", "")
	checkError(t, err, "package_in_use", "second (draft)")
	checkError(t, err, "package_in_use", optIn+" (published)")
	h.sound()
}

// A process that ends between the row and the bytes leaves nothing that stays.
func TestKilledWhileRemoving(t *testing.T) {
	for _, tt := range []struct {
		after string
		bytes bool // are still there
	}{{"row", true}, {"bytes", false}} {
		t.Run(tt.after, func(t *testing.T) {
			h := newHouse(t)
			h.trust("armani")
			pkg := h.upload("armani", fixtures.Patched)
			h.removed = func(done string) error {
				if done == tt.after {
					return errKilled
				}
				return nil
			}
			ok(h.Remove(h.ctx, pkg.SHA256, "bo", ""))(t)
			h.wantStored("killed", pkg.SHA256, false, tt.bytes)
			h.sound()
			_, err := h.CreateRelease(h.ctx, releaseSource("1", optIn), []string{pkg.SHA256}, "ann")
			checkError(t, err, "package_missing", pkg.SHA256)
			h.reopen()
			h.wantStored("started again", pkg.SHA256, false, false)
			if left := ok(h.leftovers(h.ctx))(t); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
			h.sound()
		})
	}
}

// Bytes that come again before they were deleted are a package, and stay.
func TestUploadedAgainBeforeTheSweep(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	pkg := h.upload("armani", fixtures.Patched)
	h.removed = func(string) error { return errKilled }
	ok(h.Remove(h.ctx, pkg.SHA256, "bo", ""))(t)
	if left := ok(h.leftovers(h.ctx))(t); !slices.Equal(left, []string{pkg.SHA256}) {
		t.Fatalf("left over: %v", left)
	}
	h.removed = func(string) error { return nil }
	h.upload("armani", fixtures.Patched)
	if err := h.Renew(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	h.wantStored("uploaded again", pkg.SHA256, true, true)
}

// Renew deletes what a store that did not answer has kept.
func TestRenewSweeps(t *testing.T) {
	h := newHouse(t) // without trust: there is no feed to renew yet
	pkg := h.upload("armani", fixtures.Patched)
	h.removed = func(string) error { return errKilled }
	ok(h.Remove(h.ctx, pkg.SHA256, "bo", ""))(t)
	if err := h.Renew(h.ctx); !errors.Is(err, errKilled) {
		t.Errorf("a store that still does not answer: %v", err)
	}
	h.removed = func(string) error { return nil }
	if err := h.Renew(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.wantStored("after Renew", pkg.SHA256, false, false)
}

// Removals, uploads and releases of one package at a time, in any order: what is known has its bytes, and
// what a release names is known.
func TestRemovalRaces(t *testing.T) {
	h := newHouse(t)
	name, body := packageOf(t, "armani", fixtures.Patched)
	ref := string(blobtest.RefOf(body))
	for round := range 12 {
		var all sync.WaitGroup
		created := false
		all.Go(func() {
			_, err := h.Upload(h.ctx, Incoming{Name: name, Channel: "stable", By: "ann"}, io.MultiReader(bytes.NewReader(body)))
			if err != nil {
				t.Errorf("upload: %v", err)
			}
		})
		all.Go(func() {
			_, err := h.Remove(h.ctx, ref, "bo", "")
			if e, isFleet := errors.AsType[*fleet.Error](err); err != nil && (!isFleet || e.Code != "package_unknown" && e.Code != "package_in_use") {
				t.Errorf("removal: %v", err)
			}
		})
		if round%3 == 0 {
			all.Go(func() {
				_, err := h.CreateRelease(h.ctx, releaseSource("1", optIn), []string{ref}, "ann")
				created = err == nil
				if err != nil && !fleet.Is(err, fleet.NotFound) {
					t.Errorf("release: %v", err)
				}
			})
		}
		all.Go(func() {
			if err := h.Renew(h.ctx); err != nil {
				t.Errorf("renewal: %v", err)
			}
		})
		all.Wait()
		known, there := h.stored(ref)
		if known != there || created && !known {
			t.Fatalf("round %d: known %t, bytes %t, named by a release %t", round, known, there, created)
		}
		if created {
			if err := h.DropRelease(h.ctx, optIn, "ann", "again"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A database restored from before the release was made knows the package, and nobody who names it; the feed lists it.
func TestListedPackagesStay(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	pkg := h.upload("armani", fixtures.Patched)
	restore := h.backup()
	ok(h.CreateRelease(h.ctx, releaseSource("1", optIn), []string{pkg.SHA256}, "ann"))(t)
	c := ok(h.Stage(h.ctx, optIn, "ann"))(t)
	for _, n := range []string{"1", "2"} {
		ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(t)
	}
	restore()
	h.reopen()
	_, err := h.Remove(h.ctx, pkg.SHA256, "bo", "")
	checkError(t, err, "package_in_use", "published metadata lists")
	h.wantStored("after the refusal", pkg.SHA256, true, true)
	// The copy may also be of the moment between a removal and the deletion of its bytes.
	if err := h.db.Update(h.ctx, func(tx fleet.Tx) error { return tx.Packages().Remove(h.ctx, pkg.Ref()) }); err != nil {
		t.Fatal(err)
	}
	if err := h.Renew(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.wantStored("after the sweep", pkg.SHA256, false, true)
	h.sound()
}
