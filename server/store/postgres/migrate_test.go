// SPDX-License-Identifier: Apache-2.0

//go:build unix

package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"landed/server/fleet"
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

// TestBesideNewer: a program is started on tables to which a newer one has added what it may leave alone. It does not copy them,
// and leaves it to the newer one to check them.
func TestBesideNewer(t *testing.T) {
	ctx, address := context.Background(), pgtest.Database(t)
	clock := func() time.Time { return time.Unix(1, 0) }
	db, err := Open(ctx, address, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, h := range []*half{db.control, db.reports} {
		all, err := rows.Migrations(migrationFiles, h.of)
		if err != nil {
			t.Fatal(err)
		}
		more := rows.Migration{Version: len(all) + 1, Name: "9999_more", Text: `CREATE TABLE more (x BIGINT PRIMARY KEY)`, Oldest: len(all)}
		if err := h.migrateTo(ctx, append(all, more), clock, nil); err != nil {
			t.Fatal(err)
		}
	}
	if faults, err := db.Integrity(ctx, true); err != nil || len(faults) > 0 {
		t.Errorf("the program that runs finds %v, %v", faults, err)
	}
	again, err := Open(ctx, address, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if faults, err := again.CheckRecords(ctx); err != nil || len(faults) > 0 {
		t.Errorf("records: %v, %v", faults, err)
	}
	if faults, err := again.Integrity(ctx, false); err != nil || len(faults) != 2 || !strings.Contains(faults[0], "newer") {
		t.Errorf("it checks %v, %v", faults, err)
	}
	if _, err := OpenToCopy(ctx, address, clock); !fleet.Is(err, fleet.Conflict) {
		t.Errorf("it is opened to be copied: %v", err)
	}
	if _, err := db.control.writers.Exec(ctx, `UPDATE schema_migrations SET oldest = 0 WHERE name = '9999_more'`); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, address, clock); !fleet.Is(err, fleet.Conflict) {
		t.Errorf("tables of which nobody said that it may: %v", err)
	}
}

// TestMigrateBesideWriters: a migration waits for whoever writes, and what it records is what he wrote.
func TestMigrateBesideWriters(t *testing.T) {
	ctx, address := context.Background(), pgtest.Database(t)
	clock := func() time.Time { return time.Unix(1, 0) }
	db, err := Open(ctx, address, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all, err := rows.Migrations(migrationFiles, ofControl)
	if err != nil {
		t.Fatal(err)
	}
	more := rows.Migration{Version: len(all) + 1, Name: "9999_more", Text: `ALTER TABLE channels ADD COLUMN more BIGINT NOT NULL DEFAULT 7`}
	migrated := make(chan error, 1)
	if err := db.Update(ctx, func(tx fleet.Tx) error {
		go func() { migrated <- db.control.migrateTo(ctx, append(all, more), clock, nil) }()
		select {
		case err := <-migrated:
			t.Errorf("it was done meanwhile: %v", err)
			migrated <- err
		case <-time.After(200 * time.Millisecond):
		}
		return tx.Channels().Put(ctx, fleet.Channel{Name: "late"})
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	if faults, err := db.CheckRecords(ctx); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	// The program that runs goes on, with the column that it does not know.
	if err := db.Update(ctx, func(tx fleet.Tx) error { return tx.Channels().Put(ctx, fleet.Channel{Name: "later"}) }); err != nil {
		t.Fatal(err)
	}
	if faults, err := db.CheckRecords(ctx); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
}

// TestMigrateBesideAnotherProtocol: the tables stay as they are while a server lives that speaks another protocol.
func TestMigrateBesideAnotherProtocol(t *testing.T) {
	ctx, address := context.Background(), pgtest.Database(t)
	clock := func() time.Time { return time.Unix(1, 0) }
	db, err := Open(ctx, address, clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	beat := func(ttl time.Duration) {
		t.Helper()
		if err := db.Update(ctx, func(tx fleet.Tx) error {
			return tx.Members().Beat(ctx, fleet.Member{ID: "other", Program: "otad of tomorrow", Protocol: fleet.Protocol + 1}, ttl)
		}); err != nil {
			t.Fatal(err)
		}
	}
	beat(time.Hour)
	if again, err := Open(ctx, address, clock); err != nil {
		t.Errorf("with nothing to bring up to date: %v", err)
	} else {
		again.Close()
	}
	if _, err := db.reports.writers.Exec(ctx, `DROP SCHEMA landed_reports CASCADE`); err != nil {
		t.Fatal(err)
	}
	_, err = Open(ctx, address, clock)
	if e, is := errors.AsType[*fleet.Error](err); !is || e.Code != "other_protocol" || !strings.Contains(e.Msg, "otad of tomorrow") {
		t.Errorf("beside it: %v", err)
	}
	var tables int
	if err := db.reports.writers.QueryRow(ctx, `SELECT count(*) FROM pg_tables WHERE schemaname = 'landed_reports'`).
		Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d tables were made, %v", tables, err)
	}
	beat(0)
	again, err := Open(ctx, address, clock)
	if err != nil {
		t.Fatalf("once it has ended: %v", err)
	}
	again.Close()
}
