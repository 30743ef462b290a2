// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
)

// lose removes a package from the disk, as a fault of the disk or a wrong rm would: its content and its name in the feed.
func (h *house) lose(pkg fleet.Package) {
	h.t.Helper()
	if err := h.blobs.Delete(h.ctx, blob.Ref(pkg.SHA256)); err != nil {
		h.t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(h.dir, "feed", "targets", "builds", "*", pkg.SHA256+".*"))
	if err != nil || len(names) != 1 {
		h.t.Fatalf("%v %v", names, err)
	}
	if err := os.Remove(names[0]); err != nil {
		h.t.Fatal(err)
	}
}

// One lost package must not freeze every handset of every model: the timestamp is renewed, the server starts, and
// sending the package again mends it.
func TestALostPackageStopsNobodyElse(t *testing.T) {
	h := newHouse(t)
	h.released("armani", "dior")
	ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)
	lost := h.upload("dior", fixtures.Patched)
	h.lose(lost)
	onDisk := func() string {
		t.Helper()
		return string(ok(os.ReadFile(filepath.Join(h.dir, "feed", "metadata", "timestamp.json")))(t))
	}
	before := onDisk()
	h.now = h.now.Add(5 * time.Hour)
	if err := h.Renew(h.ctx); err != nil {
		t.Fatal(err)
	}
	if onDisk() == before {
		t.Error("the timestamp was not renewed")
	}
	h.reopen()
	if faults := ok(h.Check(h.ctx, nil))(t); len(faults) == 0 {
		t.Error("the check finds nothing")
	}
	h.upload("dior", fixtures.Patched)
	if err := h.Renew(h.ctx); err != nil {
		t.Errorf("after it was sent again: %v", err)
	}
	if faults := ok(h.Check(h.ctx, nil))(t); len(faults) > 0 {
		t.Errorf("after it was sent again: %v", faults)
	}
}

// What is not there must not be listed for the first time either.
func TestNothingLostIsPublished(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	c := h.staged("armani")
	ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, "1"), "ann"))(t)
	pkg := h.upload("armani", fixtures.Patched)
	if err := h.blobs.Delete(h.ctx, blob.Ref(pkg.SHA256)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.AddSignatures(h.ctx, c.ID, h.respond(c, "2"), "ann"); err == nil {
		t.Error("a release was published whose package is gone")
	}
	if s := ok(h.load(h.ctx))(t); s.info["armani"].Version != 1 {
		t.Errorf("version %d of the role is published", s.info["armani"].Version)
	}
	name, body := packageOf(t, "armani", fixtures.Patched)
	ok(h.Upload(h.ctx, Incoming{Name: name, Channel: "stable", By: "ann"}, bytes.NewReader(body)))(t)
	if err := h.Renew(h.ctx); err != nil {
		t.Fatal(err)
	}
	if s := ok(h.load(h.ctx))(t); s.info["armani"].Version != 2 {
		t.Error("it was not published once the package was there again")
	}
}

// Somebody who hangs up after asking for a halt has asked for it.
func TestHaltOutlastsItsCaller(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)[0]
	before := ok(h.load(h.ctx))(t).info[tufrepo.OffersRole("armani")].Version
	ctx, hangUp := context.WithCancel(h.ctx)
	defer hangUp()
	calls := 0
	h.Publisher.cfg.Now = func() time.Time {
		if calls++; calls > 2 { // the halt itself and its line in the audit trail are written
			hangUp()
		}
		return h.now
	}
	_, err := h.Halt(ctx, r.ID, "ann", "wrong build")
	if s := ok(h.load(h.ctx))(t); s.info[tufrepo.OffersRole("armani")].Version == before {
		t.Errorf("the halt is not published: %v", err)
	}
}
