// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"landed/server/fleet"
	taken "landed/server/store/rows"
)

// TestDiskFull bounds the file, which SQLite answers as it does a full disk.
func TestDiskFull(t *testing.T) {
	ctx := context.Background()
	db, err := Make(ctx, filepath.Join(t.TempDir(), "x.db"), func() time.Time { return time.Unix(1, 0) })
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var pages int
	if err := db.control.writer.conn.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	var limit int
	if err := db.control.writer.conn.QueryRowContext(ctx, `PRAGMA max_page_count = `+strconv.Itoa(pages)).Scan(&limit); err != nil {
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
	if err := db.control.writer.conn.QueryRowContext(ctx, `PRAGMA max_page_count = 1000000`).Scan(&limit); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(ctx, big("root")); err != nil {
		t.Errorf("after room was made: %v", err)
	}
}

// TestSequencesAreInAnIndex: a key may have a thousand reports, and each late one asks for its number.
func TestSequencesAreInAnIndex(t *testing.T) {
	ctx := context.Background()
	db, err := Make(ctx, filepath.Join(t.TempDir(), "x.db"), func() time.Time { return time.Unix(1, 0) })
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	text, keys, err := asKeys(`EXPLAIN QUERY PLAN `+taken.TakenSequences, []any{[]string{"A"}, []int64{1}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.reports.half.Load().writer.conn.QueryContext(ctx, text, keys)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	plan := ""
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan += detail + "\n"
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if want := "COVERING INDEX reports_key (ref=? AND seq=?)"; !strings.Contains(plan, want) {
		t.Errorf("got the plan\n%swanted %s", plan, want)
	}
}

func TestMigrationsAreNumbered(t *testing.T) {
	for _, names := range [][]string{{"0002_b"}, {"0001_a", "0003_c"}, {"1_a"}, {"a"}} {
		files := fstest.MapFS{}
		for _, n := range names {
			files["migrations/reports/"+n+".sql"] = &fstest.MapFile{}
		}
		if _, err := migrations(files, ofReports); err == nil {
			t.Errorf("%v passed", names)
		}
	}
}

// TestOtherTables opens databases to which something else than the program's migrations was
// applied: each is refused by name, and stays as it was.
func TestOtherTables(t *testing.T) {
	ctx := context.Background()
	clock := func() time.Time { return time.Unix(1, 0) }
	for name, alter := range map[string]string{
		"edited in place": `UPDATE schema_migrations SET sha256 = 'abc' WHERE version = 1`,
		"renamed":         `UPDATE schema_migrations SET name = '0001_other' WHERE version = 1`,
		"before digests":  `ALTER TABLE schema_migrations DROP COLUMN sha256`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			db, err := Make(ctx, path, clock)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range []*session{db.control.writer, db.reports.half.Load().writer} {
				if _, err := w.Exec(ctx, alter); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := Make(ctx, path, clock)
			if !fleet.Is(err, fleet.Conflict) || !strings.Contains(err.Error(), "0001_first") || !strings.Contains(err.Error(), "new folder") {
				t.Fatalf("got %v, wanted a conflict that names the migration and says what to do", err)
			}
			if again != nil {
				t.Error("a database came back with the error")
			}
			reports := &reportsFile{path: ReportsFile(path), now: clock}
			if _, err := reports.open(ctx); !fleet.Is(err, fleet.Damaged) || !strings.Contains(err.Error(), "0001_first") {
				t.Errorf("the reports: got %v, wanted them not to be used", err)
			}
		})
	}
}

// TestMigrateOnward applies another migration to each half of a database, once.
func TestMigrateOnward(t *testing.T) {
	ctx := context.Background()
	clock := func() time.Time { return time.Unix(1, 0) }
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := Make(ctx, path, clock)
	if err != nil {
		t.Fatal(err)
	}
	for of, w := range map[string]*session{ofControl: db.control.writer, ofReports: db.reports.half.Load().writer} {
		all, err := migrations(migrationFiles, of)
		if err != nil {
			t.Fatal(err)
		}
		more := append(all, migration{Version: len(all) + 1, Name: "9999_more", Text: `CREATE TABLE more (x BIGINT)`})
		for range 2 { // the second time there is nothing to do; the table exists
			if err := migrate(ctx, w.conn, more, len(more), clock, hooks{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(ctx, path, clock); !fleet.Is(err, fleet.Conflict) || !strings.Contains(err.Error(), "newer") {
		t.Errorf("got %v, wanted a conflict with a newer program", err)
	}
	reports := &reportsFile{path: ReportsFile(path), now: clock}
	if _, err := reports.open(ctx); !fleet.Is(err, fleet.Damaged) || !strings.Contains(err.Error(), "newer") {
		t.Errorf("the reports: got %v, wanted them not to be used", err)
	}
}

// TestBesideNewer: a program is started on tables to which a newer one has added what it may leave alone. It does not copy them,
// and leaves it to the newer one to check them.
func TestBesideNewer(t *testing.T) {
	ctx := context.Background()
	clock := func() time.Time { return time.Unix(1, 0) }
	for name, c := range map[string]struct {
		oldest func(known int) int
		opens  bool
	}{
		"that this one may leave alone":    {func(known int) int { return known }, true},
		"that older ones may, too":         {func(known int) int { return known - 1 }, true},
		"that only one between may":        {func(known int) int { return known + 1 }, false},
		"that nobody said anything about":  {func(int) int { return 0 }, false},
		"of which the first says that all": {func(int) int { return 1 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			db, err := Make(ctx, path, clock)
			if err != nil {
				t.Fatal(err)
			}
			for of, w := range map[string]*session{ofControl: db.control.writer, ofReports: db.reports.half.Load().writer} {
				all, err := migrations(migrationFiles, of)
				if err != nil {
					t.Fatal(err)
				}
				last := len(all)
				all = append(all, migration{Version: last + 1, Name: "9998_more", Text: `CREATE TABLE more (x BIGINT PRIMARY KEY)`,
					Oldest: c.oldest(last)}, migration{Version: last + 2, Name: "9999_more", Text: `CREATE INDEX more_x ON more (x)`,
					Oldest: c.oldest(last)})
				h := hooks{}
				if of == ofControl {
					h.end = recordAll(nil)
				}
				if err := migrate(ctx, w.conn, all, len(all), clock, h); err != nil {
					t.Fatal(err)
				}
			}
			if faults, err := db.Integrity(ctx, true); err != nil || len(faults) > 0 {
				t.Errorf("the program that runs finds %v, %v", faults, err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db, err = Make(ctx, path, clock)
			if !c.opens {
				if !fleet.Is(err, fleet.Conflict) || !strings.Contains(err.Error(), "newer") {
					t.Errorf("got %v, wanted a conflict with a newer program", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.ReportsReady(ctx); err != nil {
				t.Errorf("the reports: %v", err)
			}
			if faults, err := db.CheckRecords(ctx); err != nil || len(faults) > 0 {
				t.Errorf("records: %v, %v", faults, err)
			}
			if faults, err := db.Integrity(ctx, false); err != nil || len(faults) != 2 || !strings.Contains(faults[0], "newer") {
				t.Errorf("it checks %v, %v", faults, err)
			}
			if _, err := OpenToCopy(ctx, path, clock, false); !fleet.Is(err, fleet.Conflict) {
				t.Errorf("it is opened to be copied: %v", err)
			}
		})
	}
}

// TestReadyWrites wants Ready to write to the disk, to see that nobody can write, and to heal with it.
func TestReadyWrites(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := Make(ctx, path, func() time.Time { return time.Unix(1, 0) })
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var sizes []int64
	for range 2 {
		if err := db.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
	}
	if sizes[1] <= sizes[0] {
		t.Errorf("Ready wrote nothing: the WAL has %v bytes", sizes)
	}
	if err := db.Update(ctx, func(fleet.Tx) error {
		soon, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		if err := db.Ready(soon); !fleet.Is(err, fleet.Busy) {
			t.Errorf("while a write does not end: %v", err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if _, err := db.control.writer.Exec(ctx, `PRAGMA query_only = 1`); err != nil { // as a disk that became read-only
		t.Fatal(err)
	}
	if err := db.Ready(ctx); err == nil {
		t.Error("ready, though nothing can be written")
	}
	if _, err := db.control.writer.conn.ExecContext(ctx, `PRAGMA query_only = 0`); err != nil {
		t.Fatal(err)
	}
	if err := db.Ready(ctx); err != nil {
		t.Errorf("after it healed: %v", err)
	}
}

// TestWALIsBounded wants the WAL of much written at once to be cut again.
func TestWALIsBounded(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := Make(ctx, path, func() time.Time { return time.Unix(1, 0) })
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write := func(n int) (size int64) {
		err := db.Update(ctx, func(tx fleet.Tx) error {
			return tx.Audit().Append(ctx, fleet.AuditEntry{Action: "x", Reason: strings.Repeat("x", n)})
		})
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if n := write(24 << 20); n < 24<<20 {
		t.Fatalf("the WAL has %d bytes", n)
	}
	if n := write(1); n > 4<<20 {
		t.Errorf("the WAL kept %d bytes", n)
	}
}
