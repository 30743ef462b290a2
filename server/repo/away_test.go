// SPDX-License-Identifier: Apache-2.0

package repo_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"landed/internal/durable"
	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// wantWhole wants the folder to be as it was signed, and a client to refresh from it.
func wantWhole(t *testing.T, h *kit.Rooms) {
	t.Helper()
	if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
		t.Errorf("the folder: %q", faults)
	}
	if err := h.Repo.FolderFault(h.Ctx); err != nil {
		t.Error(err)
	}
	kit.OK(h.Client().Refresh(h.Now))(t)
}

// A feed folder that was taken away comes back: with the next publication, at the next tick, and at the next start.
func TestFeedFolderTakenAway(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	feed := filepath.Join(h.Dir, "feed")
	for _, away := range []string{"", "metadata", "metadata/timestamp.json"} {
		for name, back := range map[string]func(){
			"a halt": func() {
				kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "x"))(t)
				kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "ann", "x"))(t)
			},
			"offers without a change": func() {
				if err := h.Rollouts.PublishOffers(h.Ctx); err != nil {
					t.Error(err)
				}
			},
			"a tick":  h.MustRenew,
			"a start": h.Reopen,
		} {
			if err := os.RemoveAll(filepath.Join(feed, away)); err != nil {
				t.Fatal(err)
			}
			if err := h.Repo.FolderFault(h.Ctx); err == nil {
				t.Errorf("without feed/%s all is well", away)
			}
			back()
			if !t.Failed() {
				wantWhole(t, h)
			}
			if t.Failed() {
				t.Fatalf("feed/%s, then %s", away, name)
			}
		}
	}
}

// The lock is nothing that a reader of the feed can hold, and whoever holds it is named after a while.
func TestLockOfTheFeed(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	old := filepath.Join(h.Dir, "feed", ".lock")
	if err := os.WriteFile(old, nil, 0o644); err != nil { // that of an older program
		t.Fatal(err)
	}
	h.Reopen()
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", old, err)
	}
	lock := filepath.Join(h.Dir, "feed.lock")
	if info := kit.OK(os.Stat(lock))(t); info.Mode().Perm() != 0o600 {
		t.Errorf("the lock has the mode %s", info.Mode())
	}
	unlock := kit.OK(durable.TryLock(lock))(t)
	h.Repo.Patience(30 * time.Millisecond)
	err := h.Repo.Heal(h.Ctx)
	kit.CheckError(t, err, "feed_locked", "another process has held the lock")
	if h.Repo.Failing() == nil {
		t.Error("nobody would hear of it")
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	h.Repo.Patience(time.Minute) // whoever gave up still stands in the kernel's line, and lets go when its turn comes
	h.MustRenew()
	if err := h.Repo.Failing(); err != nil {
		t.Error(err)
	}
}

// A disk that is full in the middle of a publication is told, and the publication is done once there is room.
func TestFullWhilePublishing(t *testing.T) {
	for _, yields := range []bool{true, false} {
		t.Run(fmt.Sprintf("room can be made %t", yields), func(t *testing.T) {
			full, asked := false, 0
			h := kit.New(t, func(c *rooms.Config) {
				c.MakeRoom = func(err error) bool {
					if errors.Is(err, syscall.ENOSPC) {
						asked++
						full = full && !yields
					}
					return yields && errors.Is(err, syscall.ENOSPC)
				}
			})
			h.Released("armani")
			r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
			h.Repo.AfterWrite(func(string) error {
				if full {
					return syscall.ENOSPC
				}
				return nil
			})
			full = true
			_, err := h.Rollouts.Halt(h.Ctx, r.ID, "ann", "it burns")
			if asked == 0 {
				t.Error("nobody was asked for room")
			}
			if yields && err != nil {
				t.Error(err)
			}
			if !yields {
				kit.CheckError(t, err, repo.NotPublished, "")
				if e := h.Repo.Failing(); !fleet.Is(e, fleet.Pending) || !strings.Contains(repo.Why(e), "no space left") {
					t.Errorf("failing: %v", e)
				}
				full = false
				h.MustRenew()
			}
			if h.Repo.Failing() != nil {
				t.Error("it still fails")
			}
			wantWhole(t, h)
		})
	}
}
