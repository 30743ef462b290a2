// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"context"
	"os"
	"path/filepath"
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
	if keys := names(t, filepath.Join(dir, keysDir)); len(keys) != 4 {
		t.Errorf("the keys are %v", keys)
	}
	if info, err := os.Stat(filepath.Join(dir, keysDir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the keys: %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, onlineFile)); err != nil {
		t.Error(err)
	}
}
