// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/sqlite"
	"landed/server/store/storetest"
)

var ctx = context.Background()

func now() time.Time { return storetest.Now }

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) fleet.Store { return storetest.Open(t) })
}

func TestConformanceCompact(t *testing.T) {
	storetest.RunCompact(t, func(t *testing.T) store.Database { return storetest.OpenDB(t) })
}

// open opens path and closes it with the test.
func open(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Make(ctx, path, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// raw opens the file as any other program would.
func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func do(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

func putToken(name string) func(fleet.Tx) error {
	return func(tx fleet.Tx) error {
		return tx.Tokens().Put(ctx, fleet.Token{Name: name, Hash: []byte(name)})
	}
}

func TestReopenKeepsWhatWasStored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a name with % ? # in it.db")
	first, err := sqlite.Make(ctx, path, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Update(ctx, putToken("a")); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, path)
	if err := second.Ready(ctx); err != nil {
		t.Error(err)
	}
	if err := second.Update(ctx, putToken("a")); !fleet.Is(err, fleet.Conflict) {
		t.Errorf("got %v, wanted the token to be there", err)
	}
	for _, name := range []string{path, sqlite.ReportsFile(path)} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v, %v; wanted it private", name, info, err)
		}
	}
	if got := filepath.Base(sqlite.ReportsFile(path)); got != "a name with % ? # in it-reports.db" {
		t.Errorf("the reports are in %s", got)
	}
}

// A goroutine that is still at work when the server ends must end as well.
func TestClosedStoreAnswers(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"))
	for range 2 {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Update(ctx, putToken("a")); err == nil {
		t.Error("a closed store took something in")
	}
	if err := db.View(ctx, func(fleet.Tx) error { return nil }); err == nil {
		t.Error("a closed store was read")
	}
	if err := db.UpdateReports(ctx, func(fleet.Tx) error { return nil }); err == nil {
		t.Error("a closed store took reports in")
	}
	if db.Ready(ctx) == nil || db.ReportsReady(ctx) == nil {
		t.Error("a closed store is ready")
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		name, code string
		make       func(t *testing.T, path string)
	}{
		{"a database that a newer program wrote", "database_newer", func(t *testing.T, path string) {
			db, err := sqlite.Make(ctx, path, now)
			if err != nil {
				t.Fatal(err)
			}
			db.Close()
			do(t, raw(t, path), `INSERT INTO schema_migrations VALUES (9999, 'from the future', '', 0, 0)`)
		}},
		{"a database of another program", "database_foreign", func(t *testing.T, path string) {
			do(t, raw(t, path), `CREATE TABLE songs (title TEXT)`)
		}},
		{"a file that is no database", "database_damaged", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database. ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			test.make(t, path)
			before, _ := os.ReadFile(path)
			_, err := sqlite.Make(ctx, path, now)
			e, ok := errors.AsType[*fleet.Error](err)
			if !ok || e.Code != test.code || (e.Kind == fleet.Damaged) != (test.code == "database_damaged") {
				t.Fatalf("got %v, wanted %s", err, test.code)
			}
			if after, _ := os.ReadFile(path); test.code == "database_damaged" && string(after) != string(before) {
				t.Error("the refused file was changed")
			}
		})
	}
}

func TestAppendOnlyTablesRefuseChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := open(t, path)
	r, key := storetest.Report(1, 1)
	if err := errors.Join(db.UpdateReports(ctx, func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(ctx, storetest.Stored(t, r, key, now()))
		return err
	}), db.Update(ctx, func(tx fleet.Tx) error { return tx.Audit().Append(ctx, fleet.AuditEntry{Action: "x"}) })); err != nil {
		t.Fatal(err)
	}
	for file, texts := range map[string][]string{
		sqlite.ReportsFile(path): {`UPDATE reports SET seq = 2`, `DELETE FROM reports`},
		path:                     {`UPDATE audit SET actor = 'nobody'`, `DELETE FROM audit`},
	} {
		outside := raw(t, file)
		for _, text := range texts {
			if _, err := outside.Exec(text); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: got %v, wanted a refusal", text, err)
			}
		}
	}
}

// TestInterruptedUpdateStaysWhole cuts a statement off inside an Update whose function
// ignores it: SQLite may roll back by itself then, and nothing later may slip in alone.
func TestInterruptedUpdateStaysWhole(t *testing.T) {
	db := storetest.OpenDB(t)
	cut, cancel := context.WithCancel(ctx)
	err := db.Update(ctx, func(tx fleet.Tx) error {
		if err := putToken("a")(tx); err != nil {
			return err
		}
		cancel()
		if err := tx.Tokens().Put(cut, fleet.Token{Name: "b", Hash: []byte("b")}); err == nil {
			t.Error("a statement ran although its context has ended")
		}
		putToken("c")(tx)
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, wanted the update to fail", err)
	}
	if err := db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Tokens().List(ctx)
		if len(all) != 0 {
			t.Errorf("stored %v", all)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestRecountFindsDifferences(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := open(t, path)
	outside := raw(t, sqlite.ReportsFile(path))
	do(t, outside, `INSERT INTO counts VALUES ('one', 'armani', 'stable', 'counted', 'verdict', 'leak', 7)`)
	do(t, outside, `INSERT INTO reports (ref, id, seq, at, late, envelope) VALUES ('R', 'I', 1, 0, 0, 'x')`)
	do(t, outside, `INSERT INTO installations VALUES
		('S', 'one', 0, 'armani', 'stable', 3, 'I', 'known', 'unpatched', 'unjudged', '[]', 'quiet', 0, 0, 1, 0, 0, '', 0, 0, 1, 0, x'', -1),
		('T', 'one', 1, 'armani', 'stable', 3, 'I', 'known', 'unpatched', 'unjudged', '[]', 'quiet', 0, 0, 1, 0, 0, '', 0, 0, 1, 2, x'', -1)`)
	do(t, outside, `INSERT INTO provisional VALUES (2, 'R', 1, 'I', 0, 'x')`)
	got, err := db.Recount(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(got, "\n")
	for _, want := range []string{"uncounted  is 0, a scan finds 1", "kept in slots 2 to 2",
		"counted verdict leak is 7, a scan finds 0", "stable: installations  is 0, a scan finds 1",
		"of all releases, armani, stable: quarantined kind unjudged is 0, a scan finds 1",
		"S has 1 states, of which 0 are current", "installation T says 1 reports", "1 reports belong to no installation"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}
