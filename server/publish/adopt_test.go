// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"landed/manifests/tufrepo"
)

// backup is a copy of the database as it is on disk, and what puts it back.
func (h *house) backup() (restore func()) {
	h.t.Helper()
	name := filepath.Join(h.dir, "landed.db")
	h.close()
	old := ok(os.ReadFile(name))(h.t)
	h.reopen()
	return func() {
		h.t.Helper()
		h.close()
		os.Remove(name + "-wal")
		os.Remove(name + "-shm")
		if err := os.WriteFile(name, old, 0o600); err != nil {
			h.t.Fatal(err)
		}
	}
}

// tear leaves a file of the feed folder as a loss of power may.
func (h *house) tear(name, content string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, "feed", "metadata", name), []byte(content), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func TestTornTimestampIsWrittenAgain(t *testing.T) {
	for _, torn := range []string{"", `{"signed":`, "\x00\x00\x00\x00", `{"signatures":[],"signed":{"_type":"timestamp"}}`} {
		t.Run(fmt.Sprintf("%q", torn), func(t *testing.T) {
			h := newHouse(t)
			h.released("armani")
			h.close()
			h.tear("timestamp.json", torn)
			h.reopen()
			if faults := ok(h.Check(h.ctx, nil))(t); len(faults) > 0 {
				t.Errorf("after the start: %v", faults)
			}
			ok(newClient(t, h.plain(), h.firstRoot()).refresh(h.now))(t)
		})
	}
}

// A restored database and a torn file at once: the handsets saw more than the database knows.
// They must be able to go on, and what people signed meanwhile must not be lost.
func TestTornFolderBesideAnOlderDatabase(t *testing.T) {
	for name, torn := range map[string][]string{
		"the timestamp":                       {tufrepo.Timestamp},
		"the timestamp and newest snapshot":   {tufrepo.Timestamp, tufrepo.Snapshot},
		"the newest snapshot":                 {tufrepo.Snapshot},
		"the newest snapshot, and the offers": {tufrepo.Snapshot, "armani-offers"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.trust("armani")
			c := h.staged("armani")
			restore := h.backup()
			for _, n := range []string{"1", "2"} {
				ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(t)
			}
			ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)
			device := newClient(t, h.plain(), h.firstRoot())
			manifest := tufrepo.ManifestPath("armani", optIn, "armani_global")
			ok(device.refresh(h.now, manifest))(t)
			seen := ok(h.load(h.ctx))(t)
			restore()
			for _, role := range torn {
				h.tear(tufrepo.MetadataFile(role, seen.info[role].Version), "{")
			}
			h.now = h.now.Add(time.Hour)
			h.reopen()
			h.renew()
			ok(device.refresh(h.now, manifest))(t)
			if after := ok(h.load(h.ctx))(t); after.info["armani"].Version != 2 {
				t.Errorf("the builds of armani are at version %d; people had signed 2", after.info["armani"].Version)
			}
		})
	}
}

// A file with a number that no server comes to must not stop publishing: clients and our own
// check refuse such leaps.
func TestForeignFilesInTheFolder(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	h.close()
	for _, name := range []string{"999999999.snapshot.json", "99999999999999999999.armani.json", "x.json", "7.json", "8..json", "0009.targets.json"} {
		h.tear(name, "{")
	}
	h.reopen()
	ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)
	ok(newClient(t, h.plain(), h.firstRoot()).refresh(h.now))(t)
}
