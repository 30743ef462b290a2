// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landed/server/fleet"
	"landed/server/store/sqlite"
	"landed/server/store/storetest"
)

// single makes the single file of an older program, with the rows of a file of reports.
func single(t *testing.T, path string, number int, reports string) {
	t.Helper()
	if err := sqlite.OldFile(ctx, path, number); err != nil {
		t.Fatal(err)
	}
	old := raw(t, path)
	old.SetMaxOpenConns(1)
	if _, err := old.Exec(`ATTACH $1 AS r`, reports); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"reports", "installations", "counts", "cursors", "walks"} {
		var columns string
		if err := old.QueryRow(`SELECT group_concat(name) FROM pragma_table_info($1, 'main')`, table).Scan(&columns); err != nil {
			t.Fatal(err)
		}
		do(t, old, `INSERT INTO main.`+table+` (`+columns+`) SELECT `+columns+` FROM r.`+table)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
}

// arrived is a database with a report of each of n installations.
func arrived(t *testing.T, path string, n int) {
	t.Helper()
	db := open(t, path)
	for n := range n {
		r, key := storetest.Report(n, 1)
		stored := storetest.Stored(t, r, key, now())
		i := fleet.Installation{Ref: stored.Ref, Release: "one", Current: true, Seq: 1, Newest: r, Model: r.Model, Channel: r.Channel,
			Progress: r.Progress, Reports: 1, First: now(), Last: now()}
		if err := db.UpdateReports(ctx, func(tx fleet.Tx) error {
			_, err := tx.Reports().Append(ctx, stored)
			return errors.Join(err, tx.Installations().Put(ctx, i), tx.Counts().Move(ctx, nil, &i), tx.Walks().Put(ctx, "w", i.Ref))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// holds wants a database to have the reports of n installations, and to be sound.
func holds(t *testing.T, db *sqlite.DB, n int) {
	t.Helper()
	if err := db.View(ctx, func(tx fleet.Tx) error {
		leaves, err := tx.Seals().Leaves(ctx, fleet.TreeReports, 0, 100)
		refs, err2 := tx.Installations().Refs(ctx, "", 100)
		after, err3 := tx.Walks().At(ctx, "w")
		if len(leaves) != n || len(refs) != n || (after == "") != (n == 0) {
			t.Errorf("%d reports of %d installations, and the walk is at %q; wanted %d", len(leaves), len(refs), after, n)
		}
		return errors.Join(err, err2, err3)
	}); err != nil {
		t.Error(err)
	}
	for _, check := range []func() ([]string, error){
		func() ([]string, error) { return db.Integrity(ctx, false) },
		func() ([]string, error) { return db.Recount(ctx) }, func() ([]string, error) { return db.CheckRecords(ctx) },
	} {
		if faults, err := check(); err != nil || len(faults) > 0 {
			t.Errorf("%v: %s", err, strings.Join(faults, "\n"))
		}
	}
	if err := errors.Join(db.Ready(ctx), db.ReportsReady(ctx)); err != nil {
		t.Error(err)
	}
}

// TestSingleFileBecomesTwo has the program end at each step of that: nothing is lost, and nothing is there twice.
func TestSingleFileBecomesTwo(t *testing.T) {
	folder := t.TempDir()
	filled := filepath.Join(folder, "filled.db")
	arrived(t, filled, 3)
	write := func(t *testing.T, path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, before := range map[string]func(t *testing.T, path string){
		"at once": func(*testing.T, string) {},
		"while it was copied": func(t *testing.T, path string) {
			write(t, sqlite.ReportsFile(path)+".new", "half a copy")
			write(t, sqlite.ReportsFile(path)+".new-journal", "x")
		},
		"after it was copied": func(t *testing.T, path string) {
			if err := sqlite.CopyCutOff(ctx, path); err != nil {
				t.Fatal(err)
			}
		},
		"after it was copied, and the older program went on": func(t *testing.T, path string) {
			if err := sqlite.CopyCutOff(ctx, path); err != nil {
				t.Fatal(err)
			}
			do(t, raw(t, path), `INSERT INTO walks VALUES ('later', 'x')`)
		},
		"and what was copied is damaged": func(t *testing.T, path string) {
			write(t, sqlite.ReportsFile(path), strings.Repeat("x", 5000))
			write(t, sqlite.ReportsFile(path)+"-wal", "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			single(t, path, 15, sqlite.ReportsFile(filled))
			before(t, path)
			db := open(t, path)
			holds(t, db, 3)
			if strings.HasSuffix(name, "went on") {
				if err := db.View(ctx, func(tx fleet.Tx) error {
					after, err := tx.Walks().At(ctx, "later")
					if after != "x" {
						t.Error("what came after the copy is lost")
					}
					return err
				}); err != nil {
					t.Error(err)
				}
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			holds(t, open(t, path), 3)
			left, err := filepath.Glob(path[:len(path)-3] + "*.new*")
			if err != nil || len(left) > 1 { // the journal of nobody
				t.Errorf("left over: %v, %v", left, err)
			}
		})
	}
}

// TestReportsAreNotOverwritten: a single file beside a file with more reports was restored by hand, one without the other.
func TestReportsAreNotOverwritten(t *testing.T) {
	folder := t.TempDir()
	filled, path := filepath.Join(folder, "filled.db"), filepath.Join(folder, "x.db")
	arrived(t, filled, 3)
	if err := os.Rename(sqlite.ReportsFile(filled), sqlite.ReportsFile(path)); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Make(ctx, path, now)
	if e, ok := errors.AsType[*fleet.Error](err); !ok || e.Code != "reports_ahead" {
		t.Fatalf("got %v", err)
	}
	if err := os.Rename(sqlite.ReportsFile(path), sqlite.ReportsFile(filled)); err != nil {
		t.Fatal(err)
	}
	holds(t, open(t, filled), 3)
	holds(t, open(t, path), 0)
}

// TestControlGivesTheRoomBack: what the reports took in the single file is free afterwards.
func TestControlGivesTheRoomBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := sqlite.OldFile(ctx, path, 15); err != nil {
		t.Fatal(err)
	}
	old := raw(t, path)
	do(t, old, `INSERT INTO reports (ref, id, seq, at, late, envelope) VALUES ('R', 'I', 1, 0, 0, zeroblob(8000000))`)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	control, err1 := os.Stat(path)
	reports, err2 := os.Stat(sqlite.ReportsFile(path))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if control.Size() > 1<<20 || reports.Size() < 8_000_000 {
		t.Errorf("control has %d bytes, and the reports %d", control.Size(), reports.Size())
	}
}
