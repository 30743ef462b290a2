// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"landed/manifests"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// each calls f with every file of the data folder that is a name of what has a SHA-256, or is called so.
func (f fuxiPolls) each(of string, do func(path string) error) {
	f.T.Helper()
	n := 0
	err := filepath.WalkDir(f.Dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(p, of) || strings.Contains(p, "damaged") {
			return err
		}
		n++
		return do(p)
	})
	if err != nil || n == 0 {
		f.T.Fatalf("%d files of %s: %v", n, of, err)
	}
}

// wantFault wants the files for other updaters to be amiss in words, "" for all well, and the publication to be done.
func (f fuxiPolls) wantFault(words string) {
	f.T.Helper()
	err := repo.Shelf{Repo: f.Repo}.Fault()
	if (err == nil) != (words == "") || err != nil && !strings.Contains(repo.Why(err), words) {
		f.T.Errorf("the files for other updaters: %v, wanted words about %q", err, words)
	}
	if err := f.Repo.Failing(); err != nil {
		f.T.Errorf("the publication: %v", err)
	}
}

// TestLostPackageOfPhones: a package that was lost is in no further name, and stops neither a halt nor the lists of others.
func TestLostPackageOfPhones(t *testing.T) {
	f := newFuxiPolls(t, []manifests.Protocol{manifests.GrapheneOS})
	full := f.send("full.zip", "stable", 0)
	f.released(2, "fix", full)
	f.toAll("fix", "stable")
	named := "fuxi-ota_update-" + full.Build.Incremental + ".zip"
	f.each(full.SHA256, os.Remove)
	f.each(named, os.Remove)
	f.Reopen()
	var log bytes.Buffer
	f.LogTo(&log, slog.LevelError)
	f.MustRenew()
	f.wantFault("legacy/grapheneos/" + named + ": its content is lost")
	f.wantHalted()
	if len(*f.given) != 2 || inFolder(t, f.Rooms)["grapheneos/fuxi-stable"] == "" {
		t.Errorf("given away are %d files, the folder has %q", len(*f.given), inFolder(t, f.Rooms))
	}
	if log.Len() > 0 { // the start told it
		t.Errorf("it is told again and again:\n%s", &log)
	}
	f.send("full.zip", "stable", 0)
	f.MustRenew()
	f.wantFault("")
	if faults := kit.OK(f.Repo.Check(f.Ctx, nil))(t); len(faults) > 0 {
		t.Errorf("uploaded again: %q", faults)
	}
}

// TestDocumentMadeAgain: a document that was lost or damaged is stored again by the next tick, as nobody could send it again.
func TestDocumentMadeAgain(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"lost": os.Remove,
		"cut":  func(p string) error { return errors.Join(os.Chmod(p, 0o600), os.Truncate(p, 5)) },
		"flipped": func(p string) error {
			text, err := os.ReadFile(p)
			if err == nil && text[0] == '{' { // once, whatever names it has
				text[0] = '#'
				err = errors.Join(os.Chmod(p, 0o600), os.WriteFile(p, text, 0o600))
			}
			return err
		},
	} {
		for _, which := range []string{"stable.legacy.json", "stable.json"} {
			if name == "flipped" && which == "stable.json" {
				continue // found by the scrubber, which sets it aside: then it is lost
			}
			t.Run(name+" "+which, func(t *testing.T) {
				f := newFuxiPolls(t, []manifests.Protocol{manifests.AOSPSample})
				f.released(2, "fix", f.send("full.zip", "stable", 0))
				f.toAll("fix", "stable")
				target, ok := f.State().Target("fuxi-offers", "offers/fuxi/"+which)
				if !ok {
					t.Fatal("no such document")
				}
				f.each(target.SHA256, spoil)
				f.Reopen()
				if which == "stable.legacy.json" {
					f.wantFault("cannot be read")
				}
				f.MustRenew()
				f.wantFault("")
				if len(*f.given) != 1 {
					t.Errorf("given away are %d files", len(*f.given))
				}
				if faults := kit.OK(f.Repo.Check(f.Ctx, nil))(t); len(faults) > 0 {
					t.Errorf("%q", faults)
				}
			})
		}
	}
}

// away is a store that is not to be read while it gives no answer.
type away struct {
	blob.Store
	gone *atomic.Bool
}

func (a away) Open(ctx context.Context, r blob.Ref) (blob.Content, error) {
	if a.gone.Load() {
		return nil, errors.New("the store does not answer")
	}
	return a.Store.Open(ctx, r)
}

// TestShelfWhileTheStoreIsAway: no timestamp waits for a store, and what could not be read is given away once it can be.
func TestShelfWhileTheStoreIsAway(t *testing.T) {
	var gone atomic.Bool
	f := newFuxiPolls(t, []manifests.Protocol{manifests.AOSPSample}, func(c *rooms.Config) { c.Blobs = away{c.Blobs, &gone} })
	f.released(2, "fix", f.send("full.zip", "stable", 0))
	gone.Store(true)
	r := f.toAll("fix", "stable")
	f.wantFault("offers/fuxi/stable.legacy.json cannot be read")
	f.wantFault("withdrawn until it can")
	if f.Rollouts.Standing(f.Ctx, r).State != fleet.RolloutRunning {
		t.Error("the rollout does not run")
	}
	gone.Store(false)
	f.MustRenew()
	f.wantFault("")
	if len(*f.given) != 1 {
		t.Errorf("given away are %d files", len(*f.given))
	}
}

// TestDamagedPackageOfPhones: damaged content is set aside under each name that it has, so that a file server gives it to no
// phone either, and is back under each of them with the same bytes.
func TestDamagedPackageOfPhones(t *testing.T) {
	f := newFuxiPolls(t, []manifests.Protocol{manifests.GrapheneOS})
	full := f.send("full.zip", "stable", 0)
	f.released(2, "fix", full)
	f.toAll("fix", "stable")
	name := "grapheneos/fuxi-ota_update-" + full.Build.Incremental + ".zip"
	body := inFolder(t, f.Rooms)[name]
	for how, spoil := range map[string]func(*os.File) error{
		"a bit flipped": func(file *os.File) error { _, err := file.WriteAt([]byte("ROT"), 100); return err },
		"cut off":       func(file *os.File) error { return file.Truncate(100) },
	} {
		content := filepath.Join(f.Dir, "blobs", "blobs", full.SHA256[:2], full.SHA256)
		if err := os.Chmod(content, 0o600); err != nil {
			t.Fatal(err)
		}
		file := kit.OK(os.OpenFile(content, os.O_WRONLY, 0))(t) // in place: every name of the file sees it
		if err := errors.Join(spoil(file), file.Close()); err != nil {
			t.Fatal(err)
		}
		if inFolder(t, f.Rooms)[name] == body {
			t.Fatalf("%s: the further name is no name of the content", how)
		}
		if err := f.Repo.Content(full.SHA256).SetAside(f.Ctx); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		if text, is := inFolder(t, f.Rooms)[name]; is {
			t.Errorf("%s and set aside: the folder still has %d bytes under %s", how, len(text), name)
		}
		f.wantFault(name + ": its content is lost")
		f.wantHalted()
		f.send("full.zip", "stable", 0)
		if inFolder(t, f.Rooms)[name] != body {
			t.Errorf("%s, and uploaded again: the folder has other bytes under %s", how, name)
		}
		f.MustRenew()
		f.wantFault("")
	}
}
