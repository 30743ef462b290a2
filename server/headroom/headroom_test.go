// SPDX-License-Identifier: Apache-2.0

package headroom_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/headroom"
	"landed/server/store"
)

const mib = 1 << 20

// disk is a disk of which a test says how much is free; its clock moves on by a minute with every question.
type disk struct {
	headroom.Space
	err  error
	now  time.Time
	asks int
	log  bytes.Buffer
}

func (d *disk) config(dir string, reserve, mark int64) headroom.Config {
	return headroom.Config{
		Dir: dir, Reserve: reserve, Mark: mark, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
		Space: func(string) (headroom.Space, error) { d.asks++; return d.Space, d.err },
		Now:   func() time.Time { d.now = d.now.Add(time.Minute); return d.now },
	}
}

func size(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, headroom.FileName))
	if errors.Is(err, os.ErrNotExist) {
		return -1
	}
	if err != nil {
		t.Fatal(err)
	}
	if taken, ok := info.Sys().(*syscall.Stat_t); ok && taken.Blocks*512 < info.Size() {
		t.Errorf("the reserve has %d bytes and takes %d", info.Size(), taken.Blocks*512)
	}
	return info.Size()
}

// The reserve is taken, given back to whoever meets a full disk, told while it is missing, and made again.
func TestReserve(t *testing.T) {
	d, dir := &disk{Space: headroom.Space{Free: 900 * mib, Total: 1000 * mib}}, t.TempDir()
	h := headroom.Open(d.config(dir, mib, 0))
	if got := size(t, dir); got != mib {
		t.Fatalf("the reserve has %d bytes", got)
	}
	for _, err := range []error{nil, errors.New("another fault"), fleet.Errorf(fleet.Busy, "busy", "x")} {
		if h.MadeRoom(err) || size(t, dir) != mib {
			t.Errorf("%v gave the reserve back", err)
		}
	}
	d.Free = 0
	if !h.MadeRoom(fmt.Errorf("write: %w", syscall.ENOSPC)) || size(t, dir) != -1 {
		t.Error("a full disk did not give the reserve back")
	}
	if h.MadeRoom(syscall.ENOSPC) {
		t.Error("there was nothing to give back")
	}
	faults := strings.Join(h.Faults(), " ")
	if !h.Standing().ReserveMissing || !strings.Contains(faults, "the reserve of 1024 KiB for halts is missing") ||
		strings.Count(d.log.String(), "level=ERROR") != 1 {
		t.Errorf("faults %q, log:\n%s", faults, d.log.String())
	}
	d.Free = 2*mib - 1
	h.Tick()
	if size(t, dir) != -1 {
		t.Error("it was made again with the last room of the disk")
	}
	d.now = d.now.Add(time.Hour)
	h.Tick()
	if n := strings.Count(d.log.String(), "level=ERROR"); n != 2 {
		t.Errorf("an hour later it was told %d times", n)
	}
	d.Free = 2 * mib
	h.Tick()
	if size(t, dir) != mib || len(h.Faults()) != 0 || !strings.Contains(d.log.String(), "there again") {
		t.Errorf("not made again: %q", h.Faults())
	}
	headroom.Open(d.config(dir, mib/2, 0)) // another size was wished for
	if got := size(t, dir); got != mib/2 {
		t.Errorf("then it has %d bytes", got)
	}
}

func TestMarks(t *testing.T) {
	for _, tt := range []struct{ total, reserve, want int64 }{
		{252 << 30, 64 * mib, 252 << 30 / 50}, {10 << 30, 64 * mib, 320 * mib}, {24 * mib, 3 * mib, 12 * mib}, {8 << 40, 64 * mib, 16 << 30},
	} {
		if got := headroom.MarkOf(tt.total, tt.reserve); got != tt.want {
			t.Errorf("of %d MiB: %d MiB, wanted %d", tt.total/mib, got/mib, tt.want/mib)
		}
	}
	d, dir := &disk{Space: headroom.Space{Free: 24 * mib, Total: 24 * mib}}, t.TempDir()
	h := headroom.Open(d.config(dir, 64*mib, headroom.DefaultMark))
	if s := h.Standing(); s.Reserve != 3*mib || s.Mark != 12*mib || size(t, dir) != 3*mib {
		t.Errorf("on a small disk: %+v", s)
	}
	for _, tt := range []struct {
		free, size     int64
		report, upload bool
	}{
		{24 * mib, 12 * mib, true, true}, {24 * mib, 12*mib + 1, true, false}, {12 * mib, 0, true, true}, {12*mib - 1, 0, false, false},
		{12 * mib, -1, true, true}, {12 * mib, 1 << 62, true, false},
	} {
		d.Free = tt.free
		report, upload := h.ForReport(), h.ForUpload(tt.size)
		if (report == nil) != tt.report || (upload == nil) != tt.upload {
			t.Errorf("%+v: %v, %v", tt, report, upload)
		}
		if e, ok := errors.AsType[*fleet.Error](report); report != nil && (!ok || e.Kind != fleet.Busy || e.Wait < time.Minute) {
			t.Errorf("a report gets %v", report)
		}
		if upload != nil && !fleet.Is(upload, fleet.NoSpace) {
			t.Errorf("an upload gets %v", upload)
		}
	}
	unmarked := headroom.Open(d.config(t.TempDir(), 0, 0))
	if err := unmarked.ForUpload(d.Free); err != nil {
		t.Errorf("without a mark: %v", err)
	}
	if err := unmarked.ForUpload(d.Free + 1); !fleet.Is(err, fleet.NoSpace) {
		t.Errorf("without a mark, more than the disk has: %v", err)
	}
	for free, want := range map[int64]int64{24 * mib: 2 * mib, 12 * mib: 8 * mib / 10, 0: 8 * mib / 10} {
		if d.Free = free; h.ForStrangers(8*mib) != want || unmarked.ForStrangers(8*mib) >= 0 {
			t.Errorf("with %d MiB free strangers have %d bytes, wanted %d; without a mark %d", free/mib, h.ForStrangers(8*mib), want,
				unmarked.ForStrangers(8*mib))
		}
	}
	d.err = errors.New("no answer")
	if h.ForStrangers(8*mib) != 0 || h.ForReport() == nil || h.ForUpload(1) == nil || len(h.Faults()) != 1 {
		t.Error("a disk that gives no answer took something in")
	}
	d.err = errors.ErrUnsupported
	if err := errors.Join(h.ForReport(), h.ForUpload(1)); err != nil {
		t.Errorf("a system that cannot say: %v", err)
	}
}

// Reports come by the thousand: the system is asked once a second.
func TestAsksSeldom(t *testing.T) {
	d := &disk{Space: headroom.Space{Free: 24 * mib, Total: 24 * mib}}
	c := d.config(t.TempDir(), 0, 1)
	at := time.Unix(100, 0)
	c.Now = func() time.Time { return at }
	h := headroom.Open(c)
	for range 50 {
		at = at.Add(100 * time.Millisecond)
		if err := h.ForReport(); err != nil {
			t.Fatal(err)
		}
	}
	if d.asks > 6 {
		t.Errorf("asked %d times in 5 s", d.asks)
	}
}

// smallDisk is a file system of its own, of so many MiB.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("to mount a small disk takes root")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", size), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no small disk can be mounted here: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%s", out)
		}
	})
	return dir
}

// fill takes what is free.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := 64 << 10; n > 0; n /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, n))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// A database on a disk that is really full goes on being written through the reserve, and only through it.
func TestStoreOnAFullDisk(t *testing.T) {
	dir, ctx := smallDisk(t, 12), context.Background()
	db, err := store.Make(ctx, filepath.Join(dir, "landed.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	at := time.Unix(100, 0)
	h := headroom.Open(headroom.Config{
		Dir: dir, Reserve: headroom.DefaultReserve, Mark: headroom.DefaultMark, Now: func() time.Time { return at },
	})
	if got := size(t, dir); got != 12*mib/8 {
		t.Fatalf("the reserve has %d bytes", got)
	}
	fill(t, dir)
	audit := func(s fleet.Store, n int) error {
		return s.Update(ctx, func(tx fleet.Tx) error {
			return tx.Audit().Append(ctx, fleet.AuditEntry{At: time.Now(), Action: "test", Reason: strings.Repeat("x", n)})
		})
	}
	var full error
	for range 100 { // what SQLite has taken already comes first
		if full = audit(db, 20_000); full != nil {
			break
		}
	}
	if !fleet.Is(full, fleet.NoSpace) {
		t.Fatalf("a full disk took everything in, or: %v", full)
	}
	for range 20 {
		if err := audit(h.Store(db), 20_000); err != nil {
			t.Fatal(err)
		}
	}
	if size(t, dir) != -1 || !h.Standing().ReserveMissing {
		t.Error("the reserve is still there")
	}
	if h.ForReport() == nil {
		t.Error("reports may take what the reserve gave back")
	}
	if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
		t.Fatal(err)
	}
	at = at.Add(time.Second) // so long is the answer of the system kept
	h.Tick()
	if size(t, dir) != 12*mib/8 {
		t.Error("the reserve was not made again")
	}
}

// Below the mark the reports are not written, whoever asks, also not what is no report: what was given back for halts is
// not for them. Control is.
func TestReportsAreNotWrittenBelowTheMark(t *testing.T) {
	ctx, disk, at := context.Background(), headroom.Space{Free: 9 * mib, Total: 100 * mib}, time.Unix(100, 0)
	h := headroom.Open(headroom.Config{Dir: t.TempDir(), Mark: 10 * mib, Now: func() time.Time { return at },
		Space: func(string) (headroom.Space, error) { return disk, nil }})
	db, err := store.Make(ctx, filepath.Join(t.TempDir(), "landed.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	kept := h.Store(db)
	walk := func(tx fleet.Tx) error { return tx.Walks().Put(ctx, "w", "A") }
	if err := kept.UpdateReports(ctx, walk); !fleet.Is(err, fleet.Busy) {
		t.Errorf("below the mark: %v", err)
	}
	if err := kept.Update(ctx, func(tx fleet.Tx) error { return tx.Audit().Append(ctx, fleet.AuditEntry{Action: "x"}) }); err != nil {
		t.Errorf("control: %v", err)
	}
	disk.Free, at = 11*mib, at.Add(time.Second)
	if err := kept.UpdateReports(ctx, walk); err != nil {
		t.Errorf("above the mark: %v", err)
	}
}
