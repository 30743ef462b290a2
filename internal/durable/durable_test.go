// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// names are those in a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whoever looks sees no file, or a whole one.
func TestFilesAppearWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "addr")
	texts := [][]byte{bytes.Repeat([]byte("a"), 1<<20), bytes.Repeat([]byte("b"), 1<<20)}
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			text, err := os.ReadFile(path)
			whole := err == nil && (bytes.Equal(text, texts[0]) || bytes.Equal(text, texts[1]))
			if !whole && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("somebody saw %d bytes, %v", len(text), err)
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for i := range 20 {
		if err := WriteFile(path, texts[i%2], 0o640); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	reader.Wait()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if all := names(t, dir); len(all) != 1 {
		t.Errorf("the folder holds %v", all)
	}
}

// What fails leaves what was there and nothing beside it, and names the file that was asked for.
func TestWhatFailsLeavesNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		path  string
		write func(path string) error
		want  error // nil: any
	}{
		"no folder": {"nowhere/addr", func(p string) error { return WriteFile(p, []byte("x"), 0o644) }, fs.ErrNotExist},
		"a folder":  {"folder", func(p string) error { return WriteFile(p, []byte("x"), 0o644) }, nil},
		"is there":  {"old", func(p string) error { return WriteNew(p, []byte("x"), 0o644) }, fs.ErrExist},
		"a batch with one that is there": {"old", func(p string) error {
			var b Batch
			defer b.Discard()
			return errors.Join(b.New(filepath.Join(filepath.Dir(p), "other"), []byte("x"), 0o644), b.New(p, []byte("x"), 0o644))
		}, fs.ErrExist},
		"a batch with one that came meanwhile": {"late", func(p string) error {
			var b Batch
			err := errors.Join(b.New(filepath.Join(filepath.Dir(p), "other"), []byte("x"), 0o644), b.New(p, []byte("x"), 0o644))
			if err != nil {
				return errors.New("it failed too early")
			}
			if err := os.WriteFile(p, nil, 0o644); err != nil {
				return err
			}
			err = b.Commit()
			if removed := os.Remove(p); removed != nil {
				t.Error(removed)
			}
			return err
		}, fs.ErrExist},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "folder", "x"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "old"), []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, filepath.FromSlash(tt.path))
			err := tt.write(path)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v; wanted %v that names %s", err, tt.want, path)
			}
			all, old := names(t, dir), content(t, filepath.Join(dir, "old"))
			if !slices.Equal(all, []string{"folder", "old"}) || old != "old" {
				t.Errorf("the folder holds %v", all)
			}
		})
	}
}

func TestWhatIsNoRegularFileIsWrittenTo(t *testing.T) {
	if err := WriteFile(os.DevNull, []byte("x"), 0o644); err != nil {
		t.Error(err)
	}
}

func TestBatch(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "old"), filepath.Join(dir, "fresh")
	if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b Batch
	if err := errors.Join(b.Replace(old, []byte("newer"), 0o644), b.New(fresh, []byte("fresh"), 0o400)); err != nil {
		t.Fatal(err)
	}
	if content(t, old) != "old" {
		t.Error("a file changed before Commit")
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	b.Discard()
	if content(t, old) != "newer" || content(t, fresh) != "fresh" || len(names(t, dir)) != 2 {
		t.Errorf("%q, %q in %v", content(t, old), content(t, fresh), names(t, dir))
	}
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o400 {
		t.Errorf("%v, %v", info, err)
	}
}

// A file that is written in steps is nowhere until it is placed, and gone if it is not.
func TestFileInSteps(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	f, err := CreateIn(root, "in", 0o644)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"one ", "two"} {
		if _, err := f.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Seal(); err != nil || content(t, filepath.Join(dir, filepath.FromSlash(f.Temp()))) != "one two" {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("three")); err == nil {
		t.Error("a sealed file was written to")
	}
	f.Discard()
	f.Discard()
	if err := f.Replace("x"); err == nil {
		t.Error("a discarded file was placed")
	}
	if all := names(t, filepath.Join(dir, "in")); len(all) != 0 {
		t.Errorf("left: %v", all)
	}
	if err := WriteFileIn(root, "in/x", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := content(t, filepath.Join(dir, "in", "x")); got != "x" {
		t.Errorf("it holds %q", got)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(dir, 0o644) // and is cut off
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(WriteNew(filepath.Join(dir, "kept"), nil, 0o644), f.Seal(), Sweep(dir)); err != nil {
		t.Fatal(err)
	}
	if all := names(t, dir); !slices.Equal(all, []string{"kept"}) {
		t.Errorf("the folder holds %v", all)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	unlock, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("a second time: %v", err)
	}
	got := make(chan error)
	go func() {
		again, err := Lock(path)
		if err == nil {
			err = again()
		}
		got <- err
	}()
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("the one that waited: %v", err)
	}
}

// TestLockWithin: whoever waits in vain is told, and its place in the line holds up nobody after that.
func TestLockWithin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockWithin(path, time.Millisecond); !errors.Is(err, ErrLocked) {
		t.Errorf("while it is held: %v", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { _ = unlock() })
	for range 3 {
		mine, err := LockWithin(path, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := mine(); err != nil {
			t.Fatal(err)
		}
	}
}
