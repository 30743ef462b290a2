// SPDX-License-Identifier: Apache-2.0

//go:build unix

package postgres

import (
	"context"
	"testing"
	"time"

	"landed/server/store/postgres/pgtest"
	"landed/server/store/rows"
)

// TestMigrateOnward applies another migration to each half of a database, once, from the first schema on; what a migration
// of control writes is recorded.
func TestMigrateOnward(t *testing.T) {
	ctx, address := context.Background(), pgtest.Database(t)
	clock := func() time.Time { return time.Unix(1, 0) }
	db, err := Open(ctx, address, clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []*half{db.control, db.reports} {
		all, err := rows.Migrations(migrationFiles, h.of)
		if err != nil {
			t.Fatal(err)
		}
		more := append(
			all,
			rows.Migration{Version: len(all) + 1, Name: "9999_more", Text: `CREATE TABLE more (x BIGINT); INSERT INTO more VALUES (1)`},
		)
		if h.of == ofControl {
			more[len(all)].Text += `; INSERT INTO holders VALUES ('key', 'name')`
		}
		conn, err := h.writers.Acquire(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time there is nothing to do; the table exists
			if err := migrateTo(ctx, conn.Conn(), h.of, more, clock, nil); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM more`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: %d rows, %v", h.of, n, err)
		}
		broken := append(more, rows.Migration{Version: len(more) + 1, Name: "9999_broken", Text: `DROP TABLE more; SELECT 1 / 0`})
		if err := migrateTo(ctx, conn.Conn(), h.of, broken, clock, nil); err == nil {
			t.Error("a migration that fails passed")
		}
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM more`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%s: after a migration that failed: %d rows, %v", h.of, n, err)
		}
		conn.Release()
	}
	if faults, err := db.CheckRecords(ctx); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, address, clock); err == nil {
		t.Error("an older program opened it")
	}
}
