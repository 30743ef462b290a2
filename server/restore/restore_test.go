// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// tear leaves a file of the feed folder as a loss of power may.
func tear(h *kit.Rooms, name, content string) {
	h.T.Helper()
	if err := os.WriteFile(filepath.Join(h.Dir, "feed", "metadata", name), []byte(content), 0o644); err != nil {
		h.T.Fatal(err)
	}
}

func TestTornTimestampIsWrittenAgain(t *testing.T) {
	for _, torn := range []string{"", `{"signed":`, "\x00\x00\x00\x00", `{"signatures":[],"signed":{"_type":"timestamp"}}`} {
		t.Run(fmt.Sprintf("%q", torn), func(t *testing.T) {
			h := kit.New(t)
			h.Released("armani")
			h.Shut()
			tear(h, "timestamp.json", torn)
			h.Reopen()
			if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
				t.Errorf("after the start: %v", faults)
			}
			kit.OK(h.Client().Refresh(h.Now))(t)
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
			h := kit.New(t)
			h.Begin("armani")
			c := h.Staged("armani")
			restore := h.Backup()
			h.SignAndPublish(c)
			kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
			device := h.Client()
			manifest := tufrepo.ManifestPath("armani", kit.OptIn, "armani_global")
			kit.OK(device.Refresh(h.Now, manifest))(t)
			seen := h.State()
			restore()
			for _, role := range torn {
				tear(h, tufrepo.MetadataFile(role, seen.Version(role)), "{")
			}
			h.Now = h.Now.Add(time.Hour)
			h.Reopen()
			h.MustRenew()
			kit.OK(device.Refresh(h.Now, manifest))(t)
			if after := h.State(); after.Version("armani") != 2 {
				t.Errorf("the builds of armani are at version %d; people had signed 2", after.Version("armani"))
			}
		})
	}
}

// A file with a number that no server comes to must not stop publishing: clients and our own
// check refuse such leaps.
func TestForeignFilesInTheFolder(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	h.Shut()
	for _, name := range []string{"999999999.snapshot.json", "99999999999999999999.armani.json", "x.json", "7.json", "8..json",
		"0009.targets.json"} {
		tear(h, name, "{")
	}
	h.Reopen()
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	kit.OK(h.Client().Refresh(h.Now))(t)
}

// After a restore the database is older than what handsets have seen.
func TestRestoredFromAnOlderDatabase(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	c := h.Staged("armani")
	restore := h.Backup()
	h.SignAndPublish(c)
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	device := h.Client()
	kit.OK(device.Refresh(h.Now, tufrepo.ManifestPath("armani", kit.OptIn, "armani_global")))(t)
	seen := h.State()

	restore()
	h.Now = h.Now.Add(5 * time.Hour)
	h.Reopen()
	if err := h.Renew(h.Ctx); err != nil {
		t.Fatal(err)
	}
	after := h.State()
	for role := range seen.Set().Files {
		if after.Version(role) < seen.Version(role) {
			t.Errorf("%s went back from %d to %d", role, seen.Version(role), after.Version(role))
		}
	}
	if after.Version(tufrepo.Timestamp) <= seen.Version(tufrepo.Timestamp) {
		t.Error("the timestamp did not grow")
	}
	if _, err := device.Refresh(h.Now, tufrepo.ManifestPath("armani", kit.OptIn, "armani_global")); err != nil {
		t.Errorf("a handset that saw the newer state stops: %v", err)
	}
}
