// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"landed/manifests/offers"
	"landed/server/fleet"
	"landed/server/headroom"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// smallDisk makes the test's folders on a file system of their own, of so many MiB.
func smallDisk(t *testing.T, size int) (dir string) {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("to mount a small disk takes root")
	}
	dir = kit.OK(os.MkdirTemp("", "small-disk-"))(t)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", size), "tmpfs", dir).CombinedOutput(); err != nil {
		os.Remove(dir)
		t.Skipf("no small disk can be mounted here: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%s", out)
		}
		os.Remove(dir)
	})
	t.Setenv("TMPDIR", dir)
	return dir
}

// fill takes all that is free.
func fill(t *testing.T, dir string) (empty func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f := kit.OK(os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600))(t)
	defer f.Close()
	var err error
	for n := 64 << 10; n > 0; n /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, n))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that is full to the last byte keeps nobody from halting: stored, signed and served. Without a reserve it does.
func TestHaltOnAFullDisk(t *testing.T) {
	for _, reserve := range []int64{headroom.DefaultReserve, 0} {
		t.Run(fmt.Sprintf("reserve %d", reserve), func(t *testing.T) {
			disk := smallDisk(t, 24)
			var room *headroom.Headroom
			h := kit.New(t, func(c *rooms.Config) {
				room = headroom.Open(headroom.Config{Dir: filepath.Dir(c.Dir), Reserve: reserve, Mark: headroom.DefaultMark})
				c.Store, c.MakeRoom = room.Store(c.Store), room.MadeRoom
			})
			h.Released("armani")
			r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
			empty := fill(t, disk)
			halt := func() error { _, err := h.Rollouts.Halt(h.Ctx, r.ID, "sue", "it burns"); return err }
			resume := func() error { _, err := h.Rollouts.Resume(h.Ctx, r.ID, "sue", "put out"); return err }
			if reserve == 0 {
				var err error
				for n := 0; n < 50 && err == nil; n++ { // what SQLite has taken before is used up first
					err = errors.Join(halt(), resume())
				}
				if err == nil {
					t.Fatal("the disk is not full: the test shows nothing")
				}
				is := h.Rollouts.Standing(h.Ctx, h.Rollout(r.ID))
				empty()
				if folder := served(h); is.State == fleet.RolloutHalted && folder != offers.StateHalted {
					t.Errorf("it is called %s, and the folder says %s", is.State, folder)
				}
				if err := halt(); err != nil {
					t.Error(err)
				}
				return
			}
			for range 5 {
				if err := halt(); err != nil {
					t.Fatal(err)
				}
				if is := h.Rollouts.Standing(h.Ctx, h.Rollout(r.ID)); is.State != fleet.RolloutHalted || served(h) != offers.StateHalted {
					t.Fatalf("it is %+v, and the folder says %s", is, served(h))
				}
				if err := resume(); err != nil {
					t.Fatal(err)
				}
			}
			if !room.Standing().ReserveMissing || room.ForReport() == nil {
				t.Error("the reserve was not needed, or reports may take what it gave back")
			}
			h.Reopen() // the disk is still nearly full
			if err := halt(); err != nil {
				t.Error(err)
			}
			empty()
			room = headroom.Open(headroom.Config{Dir: h.Dir, Reserve: reserve, Mark: headroom.DefaultMark})
			if room.Standing().ReserveMissing {
				t.Error("the reserve was not made again")
			}
		})
	}
}
