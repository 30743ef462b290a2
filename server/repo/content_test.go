// SPDX-License-Identifier: Apache-2.0

package repo_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// lose removes a package from the disk, as a fault of the disk or a wrong rm would: its content and its name in the feed.
func lose(h *kit.Rooms, pkg fleet.Package) {
	h.T.Helper()
	if err := h.Blobs.Delete(h.Ctx, blob.Ref(pkg.SHA256)); err != nil {
		h.T.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(h.Dir, "feed", "targets", "builds", "*", pkg.SHA256+".*"))
	if err != nil || len(names) != 1 {
		h.T.Fatalf("%v %v", names, err)
	}
	if err := os.Remove(names[0]); err != nil {
		h.T.Fatal(err)
	}
}

// One lost package must not freeze every handset of every model: the timestamp is renewed, the server starts, and
// sending the package again mends it.
func TestALostPackageStopsNobodyElse(t *testing.T) {
	h := kit.New(t)
	h.Released("armani", "dior")
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	lost := h.Upload("dior", fixtures.Patched)
	lose(h, lost)
	onDisk := func() string {
		t.Helper()
		return string(kit.OK(os.ReadFile(filepath.Join(h.Dir, "feed", "metadata", "timestamp.json")))(t))
	}
	before := onDisk()
	h.Now = h.Now.Add(5 * time.Hour)
	if err := h.Renew(h.Ctx); err != nil {
		t.Fatal(err)
	}
	if onDisk() == before {
		t.Error("the timestamp was not renewed")
	}
	h.Reopen()
	if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) == 0 {
		t.Error("the check finds nothing")
	}
	h.Upload("dior", fixtures.Patched)
	if err := h.Renew(h.Ctx); err != nil {
		t.Errorf("after it was sent again: %v", err)
	}
	if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
		t.Errorf("after it was sent again: %v", faults)
	}
}

// What is not there must not be listed for the first time either.
func TestNothingLostIsPublished(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	c := h.Staged("armani")
	kit.OK(h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "1"), "ann"))(t)
	pkg := h.Upload("armani", fixtures.Patched)
	if err := h.Blobs.Delete(h.Ctx, blob.Ref(pkg.SHA256)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "2"), "ann"); err == nil {
		t.Error("a release was published whose package is gone")
	}
	if s := h.State(); s.Version("armani") != 1 {
		t.Errorf("version %d of the role is published", s.Version("armani"))
	}
	name, body := kit.PackageOf(t, "armani", fixtures.Patched)
	kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "ann"}, bytes.NewReader(body)))(t)
	if err := h.Renew(h.Ctx); err != nil {
		t.Fatal(err)
	}
	if s := h.State(); s.Version("armani") != 2 {
		t.Error("it was not published once the package was there again")
	}
}
