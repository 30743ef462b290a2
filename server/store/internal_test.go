// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"landed/server/fleet"
)

// TestDiskFull bounds the file, which SQLite answers as it does a full disk.
func TestDiskFull(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, filepath.Join(t.TempDir(), "x.db"), func() time.Time { return time.Unix(1, 0) })
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var pages int
	if err := db.writer.conn.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	var limit int
	if err := db.writer.conn.QueryRowContext(ctx, `PRAGMA max_page_count = `+strconv.Itoa(pages)).Scan(&limit); err != nil {
		t.Fatal(err)
	}
	big := func(name string) func(fleet.Tx) error {
		return func(tx fleet.Tx) error {
			return tx.Metadata().Put(ctx, fleet.Metadata{Role: name, Version: 1, Bytes: make([]byte, 1<<20)})
		}
	}
	if err := db.Update(ctx, big("root")); !fleet.Is(err, fleet.NoSpace) {
		t.Fatalf("got %v, wanted no space", err)
	}
	// Room is made: the same store goes on, and nothing of the failed update is there.
	if err := db.writer.conn.QueryRowContext(ctx, `PRAGMA max_page_count = 1000000`).Scan(&limit); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(ctx, big("root")); err != nil {
		t.Errorf("after room was made: %v", err)
	}
}

func TestMigrationsAreNumbered(t *testing.T) {
	for _, names := range [][]string{{"0002_b"}, {"0001_a", "0003_c"}, {"1_a"}, {"a"}} {
		files := fstest.MapFS{}
		for _, n := range names {
			files["migrations/"+n+".sql"] = &fstest.MapFile{}
		}
		if _, err := migrations(files); err == nil {
			t.Errorf("%v passed", names)
		}
	}
}
