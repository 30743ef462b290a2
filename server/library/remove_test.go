// SPDX-License-Identifier: Apache-2.0

package library_test

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
	"landed/server/library"
	kit "landed/server/servertest"
)

// stored says whether a package is known, and whether its bytes are there. Known without bytes is damage.
func stored(h *kit.Rooms, sha256 string) (known, bytes bool) {
	h.T.Helper()
	err := h.DB.View(h.Ctx, func(tx fleet.Tx) error {
		_, err := tx.Packages().Get(h.Ctx, fleet.PackageRef{SHA256: sha256})
		known = err == nil
		if fleet.Is(err, fleet.NotFound) {
			err = nil
		}
		return err
	})
	_, missing := h.Blobs.Stat(h.Ctx, blob.Ref(sha256))
	if err != nil || missing != nil && !errors.Is(missing, blob.ErrNotFound) {
		h.T.Fatal(err, missing)
	}
	return known, missing == nil
}

func wantStored(h *kit.Rooms, when, sha256 string, known, bytes bool) {
	h.T.Helper()
	if k, b := stored(h, sha256); k != known || b != bytes {
		h.T.Errorf("%s: known %t, bytes %t; wanted %t and %t", when, k, b, known, bytes)
	}
}

// wantSound wants fsck to find nothing.
func wantSound(h *kit.Rooms) {
	h.T.Helper()
	faults, err := h.Repo.Check(h.Ctx, nil)
	if err != nil || len(faults) > 0 {
		h.T.Errorf("fsck: %v, %v", faults, err)
	}
}

func TestRemove(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	pkg := h.Upload("armani", fixtures.Patched)
	other := h.Upload("dior", fixtures.Patched)
	removed, err := h.Library.Remove(h.Ctx, pkg.SHA256, "bo", "wrong file")
	if err != nil || removed.Name != pkg.Name {
		t.Fatalf("%+v, %v", removed, err)
	}
	wantStored(h, "removed", pkg.SHA256, false, false)
	wantStored(h, "another one", other.SHA256, true, true)
	if left := kit.OK(h.Library.Leftovers(h.Ctx))(t); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	if err := h.DB.View(h.Ctx, func(tx fleet.Tx) error {
		trail, err := tx.Audit().OfSubject(h.Ctx, pkg.SHA256, 1)
		if len(trail) != 1 || trail[0].Action != "package.remove" || trail[0].Actor != "bo" || !strings.HasSuffix(trail[0].Reason, "armani_global on stable: wrong file") {
			t.Errorf("the trail says %+v", trail)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	before := h.Contents()
	_, err = h.Library.Remove(h.Ctx, pkg.SHA256, "bo", "")
	kit.CheckError(t, err, "package_unknown", pkg.SHA256)
	_, err = h.Library.Remove(h.Ctx, "../../landed.db", "bo", "")
	kit.CheckError(t, err, "package_unknown", "")
	if h.Contents() != before {
		t.Error("a refusal changed something")
	}
	if again := h.Upload("armani", fixtures.Patched); again.SHA256 != pkg.SHA256 {
		t.Error("the same bytes are another package")
	}
	wantStored(h, "uploaded again", pkg.SHA256, true, true)
	wantSound(h)
}

var errKilled = errors.New("killed here")

// Whatever names a package keeps it, and says so.
func TestNamedPackagesStay(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	pkg := h.Upload("armani", fixtures.Patched)
	refused := func(state, words string) {
		t.Helper()
		_, err := h.Library.Remove(h.Ctx, pkg.SHA256, "bo", "")
		kit.CheckError(t, err, "package_in_use", kit.OptIn+" ("+state+")")
		kit.CheckError(t, err, "package_in_use", words)
		wantStored(h, state, pkg.SHA256, true, true)
	}
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource("1", kit.OptIn), []string{pkg.SHA256}, "ann"))(t)
	refused("draft", "drop what names it")
	c := kit.OK(h.Releases.Stage(h.Ctx, kit.OptIn, "ann"))(t)
	refused("staged", "drop what names it")
	if err := h.Releases.DropChange(h.Ctx, c.ID, "ann", "why"); err != nil {
		t.Fatal(err)
	}
	refused("staged", "drop what names it")
	c = kit.OK(h.Releases.Stage(h.Ctx, kit.OptIn, "ann"))(t)
	h.SignAndPublish(c)
	refused("published", "stays")
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource("2", "second"), []string{pkg.SHA256}, "ann"))(t)
	_, err := h.Library.Remove(h.Ctx, pkg.SHA256, "bo", "")
	kit.CheckError(t, err, "package_in_use", "second (draft)")
	kit.CheckError(t, err, "package_in_use", kit.OptIn+" (published)")
	wantSound(h)
}

// A process that ends between the row and the bytes leaves nothing that stays.
func TestKilledWhileRemoving(t *testing.T) {
	for _, tt := range []struct {
		after string
		bytes bool // are still there
	}{{"row", true}, {"marked", true}, {"bytes", false}} {
		t.Run(tt.after, func(t *testing.T) {
			h := kit.New(t)
			h.Begin("armani")
			pkg := h.Upload("armani", fixtures.Patched)
			h.Library.AfterStep(func(done string) error {
				if done == tt.after {
					return errKilled
				}
				return nil
			})
			kit.OK(h.Library.Remove(h.Ctx, pkg.SHA256, "bo", ""))(t)
			wantStored(h, "killed", pkg.SHA256, false, tt.bytes)
			wantSound(h)
			_, err := h.Releases.Create(h.Ctx, kit.ReleaseSource("1", kit.OptIn), []string{pkg.SHA256}, "ann")
			kit.CheckError(t, err, "package_missing", pkg.SHA256)
			h.Reopen()
			wantStored(h, "started again", pkg.SHA256, false, false)
			if left := kit.OK(h.Library.Leftovers(h.Ctx))(t); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
			wantSound(h)
		})
	}
}

// Bytes that come again before they were deleted are a package, and stay.
func TestUploadedAgainBeforeTheSweep(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	pkg := h.Upload("armani", fixtures.Patched)
	h.Library.AfterStep(func(string) error { return errKilled })
	kit.OK(h.Library.Remove(h.Ctx, pkg.SHA256, "bo", ""))(t)
	if left := kit.OK(h.Library.Leftovers(h.Ctx))(t); !slices.Equal(left, []string{pkg.SHA256}) {
		t.Fatalf("left over: %v", left)
	}
	h.Library.AfterStep(func(string) error { return nil })
	h.Upload("armani", fixtures.Patched)
	if err := h.Renew(h.Ctx); err != nil {
		t.Fatal(err)
	}
	h.Reopen()
	wantStored(h, "uploaded again", pkg.SHA256, true, true)
}

// Renew deletes what a store that did not answer has kept.
func TestRenewSweeps(t *testing.T) {
	h := kit.New(t) // without trust: there is no feed to renew yet
	pkg := h.Upload("armani", fixtures.Patched)
	h.Library.AfterStep(func(string) error { return errKilled })
	kit.OK(h.Library.Remove(h.Ctx, pkg.SHA256, "bo", ""))(t)
	if err := h.Renew(h.Ctx); !errors.Is(err, errKilled) {
		t.Errorf("a store that still does not answer: %v", err)
	}
	h.Library.AfterStep(func(string) error { return nil })
	if err := h.Renew(h.Ctx); err != nil {
		t.Fatal(err)
	}
	wantStored(h, "after Renew", pkg.SHA256, false, false)
}

// Removals, uploads and releases of one package at a time, in any order: what is known has its bytes, and
// what a release names is known.
func TestRemovalRaces(t *testing.T) {
	h := kit.New(t)
	name, body := kit.PackageOf(t, "armani", fixtures.Patched)
	ref := string(blobtest.RefOf(body))
	for round := range 12 {
		var all sync.WaitGroup
		created := false
		all.Go(func() {
			_, err := h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "ann"}, io.MultiReader(bytes.NewReader(body)))
			if err != nil {
				t.Errorf("upload: %v", err)
			}
		})
		all.Go(func() {
			_, err := h.Library.Remove(h.Ctx, ref, "bo", "")
			if e, isFleet := errors.AsType[*fleet.Error](err); err != nil && (!isFleet || e.Code != "package_unknown" && e.Code != "package_in_use") {
				t.Errorf("removal: %v", err)
			}
		})
		if round%3 == 0 {
			all.Go(func() {
				_, err := h.Releases.Create(h.Ctx, kit.ReleaseSource("1", kit.OptIn), []string{ref}, "ann")
				created = err == nil
				if err != nil && !fleet.Is(err, fleet.NotFound) {
					t.Errorf("release: %v", err)
				}
			})
		}
		all.Go(func() {
			if err := h.Renew(h.Ctx); err != nil {
				t.Errorf("renewal: %v", err)
			}
		})
		all.Wait()
		known, there := stored(h, ref)
		if known != there || created && !known {
			t.Fatalf("round %d: known %t, bytes %t, named by a release %t", round, known, there, created)
		}
		if created {
			if err := h.Releases.Drop(h.Ctx, kit.OptIn, "ann", "again"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A database restored from before the release was made knows the package, and nobody who names it; the feed lists it.
func TestListedPackagesStay(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	pkg := h.Upload("armani", fixtures.Patched)
	restore := h.Backup()
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource("1", kit.OptIn), []string{pkg.SHA256}, "ann"))(t)
	c := kit.OK(h.Releases.Stage(h.Ctx, kit.OptIn, "ann"))(t)
	h.SignAndPublish(c)
	restore()
	h.Reopen()
	_, err := h.Library.Remove(h.Ctx, pkg.SHA256, "bo", "")
	kit.CheckError(t, err, "package_in_use", "published metadata lists")
	wantStored(h, "after the refusal", pkg.SHA256, true, true)
	// The copy may also be of the moment between a removal and the deletion of its bytes.
	if err := h.DB.Update(h.Ctx, func(tx fleet.Tx) error { return tx.Packages().Remove(h.Ctx, pkg.Ref()) }); err != nil {
		t.Fatal(err)
	}
	if err := h.Renew(h.Ctx); err != nil {
		t.Fatal(err)
	}
	wantStored(h, "after the sweep", pkg.SHA256, false, true)
	wantSound(h)
}
