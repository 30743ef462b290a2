// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestKeysAreRenewedOnlyAfterTheFirstRoot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := RenewKeys(t.Context(), dir, time.Now); err == nil || !strings.Contains(err.Error(), "run \"otad init\"") {
		t.Errorf("no data folder: error %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a data folder was made on the way")
	}
	if _, err := Init(t.Context(), dir, "ann", time.Now); err != nil {
		t.Fatal(err)
	}
	if _, err := RenewKeys(t.Context(), dir, time.Now); err == nil || !strings.Contains(err.Error(), "no root is published yet") {
		t.Errorf("before the first root: error %v", err)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, keysDir)); err != nil || len(entries) != 4 { // and that of records
		t.Errorf("the folder of keys holds %v, error %v", entries, err)
	}
}

// The sets are ordered by number, not by name; the first may be gone, a key of a set may not.
func TestSetsOfKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	var ids []string
	for _, folder := range []string{"", "2", "10"} {
		online, err := makeKeys(filepath.Join(dir, folder))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, online.Timestamp.ID())
	}
	if err := os.Mkdir(filepath.Join(dir, "new-123"), 0o700); err != nil { // what a crash leaves
		t.Fatal(err)
	}
	wantIDs := func(want []string) {
		t.Helper()
		sets, err := loadKeys(dir)
		if err != nil || len(sets) != len(want) {
			t.Fatalf("%d sets, error %v; wanted %d", len(sets), err, len(want))
		}
		for i, set := range sets {
			if set.Timestamp.Key().ID() != want[i] {
				t.Errorf("set %d is not the one that was made as number %d", i, i)
			}
		}
	}
	wantIDs(ids)
	for _, name := range []string{snapshotKey, timestampKey, offersKey} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	wantIDs(ids[1:])
	if err := os.Chmod(filepath.Join(dir, "2", offersKey), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "10", snapshotKey)); err != nil {
		t.Fatal(err)
	}
	if _, err := loadKeys(dir); err == nil || !strings.Contains(err.Error(), "can be read by others") || !strings.Contains(err.Error(), "is not there") {
		t.Errorf("a readable key and a missing one: error %v", err)
	}
}
