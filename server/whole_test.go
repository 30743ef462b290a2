// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
			if err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(text, texts[0]) && !bytes.Equal(text, texts[1]) {
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
		if err := WriteWhole(path, texts[i%2], 0o640); err != nil {
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

func TestWriteWholeLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	if err := WriteWhole(filepath.Join(dir, "nowhere", "addr"), []byte("x"), 0o644); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	taken := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(taken, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteWhole(taken, []byte("x"), 0o644); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if err := WriteWhole(os.DevNull, []byte("x"), 0o644); err != nil {
		t.Errorf("what is no regular file: %v", err)
	}
	if all := names(t, dir); len(all) != 1 {
		t.Errorf("the folder holds %v", all)
	}
}

// A data folder is one when its keys are there, all of them; what ended before that can be begun again.
func TestInitThatEndsEarly(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, databaseFile), []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(ctx, dir, "root", time.Now); err == nil {
		t.Fatal("a folder was made around a file that is no database")
	}
	for _, name := range names(t, dir) {
		if name == keysDir || name == onlineFile {
			t.Errorf("%s is left", name)
		}
	}
	if err := os.Remove(filepath.Join(dir, databaseFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Init(ctx, dir, "root", time.Now); err != nil {
		t.Fatal(err)
	}
	if keys := names(t, filepath.Join(dir, keysDir)); len(keys) != 3 {
		t.Errorf("the keys are %v", keys)
	}
	if info, err := os.Stat(filepath.Join(dir, keysDir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the keys: %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, onlineFile)); err != nil {
		t.Error(err)
	}
}
