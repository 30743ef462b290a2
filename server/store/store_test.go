// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/storetest"
)

func TestAddresses(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "landed.db")
	for _, address := range []string{"sqlite:" + path, path} {
		db, err := store.Make(ctx, address, storetest.Clock)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if err := db.Ready(ctx); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"mysql://x"} {
		if db, err := store.Make(ctx, address, storetest.Clock); !fleet.Is(err, fleet.Invalid) || db != nil {
			t.Errorf("%s: got %v, %v", address, db, err)
		}
	}
	if db, err := store.Make(ctx, t.TempDir(), storetest.Clock); err == nil || db != nil {
		t.Errorf("a folder: got %v, %v", db, err)
	}
}

// A damaged database is told, whoever meets it, and is no fault of what was sent.
func TestWatchTellsOfDamage(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "landed.db")
	db, err := store.Make(ctx, path, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	write := func(tx fleet.Tx) error {
		for range 500 {
			if err := tx.Audit().Append(ctx, fleet.AuditEntry{Action: "x", Reason: strings.Repeat("x", 1000)}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := errors.Join(db.Update(ctx, write), db.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(text) / 2; i < len(text); i++ {
		text[i] = 0xff
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if db, err = store.Make(ctx, path, storetest.Clock); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	told := 0
	watched := store.Watch(db, func(err error) { told++ })
	list := func(tx fleet.Tx) error { _, err := tx.Audit().List(ctx, 0, 500); return err }
	if err := watched.View(ctx, list); !fleet.Is(err, fleet.Damaged) || told != 1 {
		t.Errorf("reading: told %d times, %v", told, err)
	}
	if err := watched.Update(ctx, list); !fleet.Is(err, fleet.Damaged) || told != 2 {
		t.Errorf("writing: told %d times, %v", told, err)
	}
}

// TestVersion: it stays while nothing is committed, and moves with every commit, also of another process.
func TestVersion(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "landed.db")
	mine, err := store.Make(ctx, path, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	other, err := store.Make(ctx, path, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	version := func() int64 {
		t.Helper()
		v, err := mine.Version(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	put := func(name string) func(fleet.Tx) error {
		return func(tx fleet.Tx) error { return tx.Holders().Put(ctx, map[string]string{"key": name}) }
	}
	last := version()
	if again := version(); again != last {
		t.Errorf("nothing was committed, and %d became %d", last, again)
	}
	for n, by := range []store.Database{mine, other, mine, mine, other} {
		if err := by.Update(ctx, put(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
		v := version()
		if v == last || v != version() {
			t.Errorf("commit %d: the version is %d after %d, and then %d", n, v, last, version())
		}
		last = v
	}
	failed := errors.New("no")
	if err := mine.Update(ctx, func(fleet.Tx) error { return failed }); !errors.Is(err, failed) || version() != last {
		t.Errorf("what was not committed moved the version: %v", err)
	}
}
