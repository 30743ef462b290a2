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

	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// prefixedFile is a target in the folder under the name that has the hash before the path.
func prefixedFile(h *kit.Rooms, t tufrepo.Target) string {
	return filepath.Join(h.Dir, "feed", "targets", filepath.FromSlash(tufrepo.PrefixedTarget(t.Path, t.SHA256)))
}

// wantPrefixed wants any file server to give every target under both names, of one file.
func wantPrefixed(h *kit.Rooms) {
	h.T.Helper()
	url := h.FeedURL() + "/targets/"
	for _, target := range h.State().Targets() {
		for _, name := range []string{tufrepo.StoredTarget(target.Path, target.SHA256),
			tufrepo.PrefixedTarget(target.Path, target.SHA256)} {
			if body := kit.OK(fetch(url + name))(h.T); repo.Digest(body) != target.SHA256 {
				h.T.Errorf("%s gives %d other bytes", name, len(body))
			}
		}
		if info := kit.OK(os.Lstat(prefixedFile(h, target)))(h.T); info.Mode()&os.ModeSymlink == 0 {
			h.T.Errorf("%s is %s, and has bytes of its own", target.Path, info.Mode())
		}
	}
}

func wantFaults(h *kit.Rooms, when string, words ...string) {
	h.T.Helper()
	faults := kit.OK(h.Repo.Check(h.Ctx, nil))(h.T)
	if len(faults) != len(words) {
		h.T.Fatalf("%s: %d faults, wanted %d: %q", when, len(faults), len(words), faults)
	}
	for i, w := range words {
		if !strings.Contains(faults[i], w) {
			h.T.Errorf("%s: %q, wanted %q", when, faults[i], w)
		}
	}
}

// TestHashBeforeThePath: every target lies in the folder under the name that tough asks for, too. What becomes of these
// names is found, and mended.
func TestHashBeforeThePath(t *testing.T) {
	h := kit.New(t)
	h.Released("armani", "dior")
	started := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	wantPrefixed(h)
	targets := h.State().Targets()
	one, other := prefixedFile(h, targets[0]), prefixedFile(h, targets[1])

	for _, err := range []error{os.RemoveAll(filepath.Dir(one)), os.Remove(other), os.Symlink("../../somewhere", other)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	wantFaults(h, "one missing, one wrong", "is no link to", "is not in the feed folder")
	h.Reopen()
	wantFaults(h, "started again")
	wantPrefixed(h)

	if err := errors.Join(os.Remove(one), os.WriteFile(one, []byte("other bytes"), 0o644)); err != nil {
		t.Fatal(err)
	}
	wantFaults(h, "a file of its own", "is no link to")
	kit.OK(h.Rollouts.Halt(h.Ctx, started[0].ID, "ann", "look"))(t)
	wantFaults(h, "a publication later")
	wantPrefixed(h)

	for _, target := range targets { // as an older program leaves its folder
		if err := os.RemoveAll(filepath.Dir(filepath.Dir(prefixedFile(h, target)))); err != nil {
			t.Fatal(err)
		}
	}
	for _, target := range h.State().Targets() {
		if err := os.RemoveAll(filepath.Dir(filepath.Dir(prefixedFile(h, target)))); err != nil {
			t.Fatal(err)
		}
	}
	wantFaults(h, "a folder of an older program")
	h.Reopen()
	wantPrefixed(h)
}

// TestSetAsideUnderBothNames: damaged content is given away under neither name, and comes back under both.
func TestSetAsideUnderBothNames(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	target := h.State().Targets()[0]
	text := kit.OK(os.ReadFile(prefixedFile(h, target)))(t)
	if err := h.Repo.Content(target.SHA256).SetAside(h.Ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := fetch(h.FeedURL() + "/targets/" + tufrepo.PrefixedTarget(target.Path, target.SHA256)); err == nil {
		t.Error("it is still given away")
	}
	kit.OK(h.Repo.Keep(h.Ctx, target.Path, text))(t)
	if err := h.Repo.Heal(h.Ctx); err != nil {
		t.Fatal(err)
	}
	wantPrefixed(h)
}

// TestNoPlaceForTheHash: handsets never ask for these names, so one that cannot be made keeps nobody from a release or a halt.
func TestNoPlaceForTheHash(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	c := h.Staged("armani")
	log := &bytes.Buffer{}
	h.LogTo(log, slog.LevelWarn)
	for _, target := range kit.OK(tufrepo.Read(c.Roles[0].Metadata))(t).Targets {
		if err := os.WriteFile(filepath.Join(h.Dir, "feed", "targets", target.SHA256+".builds"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h.SignAndPublish(c)
	started := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	kit.OK(h.Rollouts.Halt(h.Ctx, started[0].ID, "ann", "it burns"))(t)
	if s := h.Rollouts.Standing(h.Ctx, h.Rollout(started[0].ID)); s.State != fleet.RolloutHalted {
		t.Errorf("it is %s: %s", s.State, s.Missing)
	}
	if n := strings.Count(log.String(), "takes no link"); n != 1 {
		t.Errorf("it was told %d times:\n%s", n, log)
	}
}

// noLocalFiles is a store over the network.
type noLocalFiles struct{ blob.Store }

// TestHashBeforeThePathWithoutFiles: where contents are no local files the folder has the offers alone, under both names.
func TestHashBeforeThePathWithoutFiles(t *testing.T) {
	h := kit.New(t, func(cfg *rooms.Config) { cfg.Blobs = noLocalFiles{cfg.Blobs} })
	h.Released("armani")
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	url := h.FeedURL() + "/targets/"
	for _, target := range h.State().Targets() {
		_, err := fetch(url + tufrepo.PrefixedTarget(target.Path, target.SHA256))
		if offered := strings.HasPrefix(target.Path, "offers/"); offered != (err == nil) {
			t.Errorf("%s: %v", target.Path, err)
		}
		if _, err := os.Lstat(prefixedFile(h, target)); err == nil && strings.HasPrefix(target.Path, "builds/") {
			t.Errorf("%s has a further name, and is not there", target.Path)
		}
	}
	wantFaults(h, "as it is")
}
