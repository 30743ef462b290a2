// SPDX-License-Identifier: Apache-2.0

package repo_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
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

// bend puts a folder into the place of a published file.
func bend(h *kit.Rooms, pattern string) (mend func()) {
	h.T.Helper()
	names, err := filepath.Glob(filepath.Join(h.Dir, "feed", pattern))
	if err != nil || len(names) == 0 {
		h.T.Fatalf("%s: %v %v", pattern, names, err)
	}
	name := names[len(names)-1]
	if err := errors.Join(os.Remove(name), os.MkdirAll(filepath.Join(name, "x"), 0o755)); err != nil {
		h.T.Fatal(err)
	}
	return func() {
		if err := os.RemoveAll(name); err != nil {
			h.T.Error(err)
		}
	}
}

// Whatever became of a file that was published before and has nothing to do with it, a halt is published, by a server that
// runs and by one that starts; what is listed for the first time must be there.
func TestABentFileStopsNobodyElse(t *testing.T) {
	for _, what := range []string{"targets/builds/dior/*.json", "targets/builds/dior/*.zip", "metadata/*.dior.json", "metadata/1.root.json"} {
		for _, started := range []bool{false, true} {
			h := kit.New(t)
			h.Released("armani", "dior")
			all := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
			log := &bytes.Buffer{}
			h.LogTo(log, slog.LevelError)
			mend := bend(h, what)
			if started {
				h.Reopen()
			}
			if _, err := h.Rollouts.Halt(h.Ctx, all[0].ID, "ann", "it burns"); err != nil {
				t.Errorf("%s, started again %t: a halt says %v", what, started, err)
			}
			if s := h.Rollouts.Standing(h.Ctx, h.Rollout(all[0].ID)); s.State != fleet.RolloutHalted {
				t.Errorf("%s, started again %t: it is %s: %s", what, started, s.State, s.Missing)
			}
			if n := strings.Count(log.String(), "cannot be put into the feed folder"); n != 1 {
				t.Errorf("%s, started again %t: it was told %d times:\n%s", what, started, n, log)
			}
			if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) == 0 && what != "metadata/1.root.json" {
				t.Errorf("%s, started again %t: the check finds nothing", what, started)
			}
			mend()
			h.MustRenew()
			if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
				t.Errorf("%s, started again %t, mended: %v", what, started, faults)
			}
			h.Shut()
		}
	}
	h := kit.New(t)
	h.Begin("armani")
	c := h.Staged("armani")
	kit.OK(h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "1"), "ann"))(t)
	if err := os.WriteFile(filepath.Join(h.Dir, "feed", "targets", "builds"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	before := kit.OK(os.ReadFile(filepath.Join(h.Dir, "feed", "metadata", "timestamp.json")))(t)
	if _, err := h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "2"), "ann"); !fleet.Is(err, fleet.Pending) {
		t.Errorf("a release whose files cannot be put into the feed: %v", err)
	}
	if after := kit.OK(os.ReadFile(filepath.Join(h.Dir, "feed", "metadata", "timestamp.json")))(t); !bytes.Equal(before, after) {
		t.Error("files were listed that are not in the folder")
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
