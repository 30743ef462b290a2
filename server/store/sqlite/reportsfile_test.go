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
)

// TestWithoutReports: whatever became of the file of the reports, control is opened, read and written; who needs the
// reports is told; and once the file is back, all goes on.
func TestWithoutReports(t *testing.T) {
	rewrite := func(how func(text []byte) []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			text, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, how(text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(t *testing.T, path string){
		"missing": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"a folder": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		},
		"empty":                 rewrite(func([]byte) []byte { return nil }),
		"its first page zeroed": rewrite(func(text []byte) []byte { clear(text[:4096]); return text }),
		"zeroed":                rewrite(func(text []byte) []byte { clear(text); return text }),
		"cut":                   rewrite(func(text []byte) []byte { return text[:5000] }),
		"of somebody else":      rewrite(func([]byte) []byte { return []byte(strings.Repeat("not a database. ", 1000)) }),
		"of another program": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			do(t, raw(t, path), `CREATE TABLE songs (title TEXT)`)
		},
		"of a newer program": func(t *testing.T, path string) {
			do(t, raw(t, path), `INSERT INTO schema_migrations VALUES (9999, 'from the future', '', 0, 0)`)
		},
		"its tables taken out": func(t *testing.T, path string) { do(t, raw(t, path), `DROP TABLE schema_migrations`) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			arrived(t, path, 3)
			whole, err := os.ReadFile(sqlite.ReportsFile(path))
			if err != nil {
				t.Fatal(err)
			}
			damage(t, sqlite.ReportsFile(path))
			db := open(t, path)
			goesOnWithout(t, db)
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if err := os.RemoveAll(sqlite.ReportsFile(path) + suffix); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(sqlite.ReportsFile(path), whole, 0o600); err != nil {
				t.Fatal(err)
			}
			db.TryNow()
			holds(t, db, 3)
		})
	}
}

func goesOnWithout(t *testing.T, db *sqlite.DB) {
	t.Helper()
	readReports := func(tx fleet.Tx) error { _, err := tx.Counts().List(ctx); return err }
	if err := errors.Join(db.Ready(ctx), db.Update(ctx, putToken("a")), db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Tokens().List(ctx)
		if len(all) != 1 {
			t.Errorf("tokens: %v", all)
		}
		return err
	}), db.Update(ctx, func(tx fleet.Tx) error { // who only asked goes on without an answer
		if err := readReports(tx); !fleet.Is(err, fleet.Damaged) {
			t.Errorf("an update that reads them: %v", err)
		}
		return putToken("b")(tx)
	})); err != nil {
		t.Errorf("control: %v", err)
	}
	_, versionErr := db.Version(ctx)
	for what, err := range map[string]error{
		"a view": db.View(ctx, readReports), "an update of them": db.UpdateReports(ctx, func(fleet.Tx) error { return nil }),
		"readiness": db.ReportsReady(ctx), "the version": versionErr,
		"a copy": db.Copy(ctx, filepath.Join(t.TempDir(), "copy.db")),
	} {
		if !fleet.Is(err, fleet.Damaged) || !strings.Contains(err.Error(), "x-reports.db") {
			t.Errorf("%s: %v, wanted to be told which file is damaged", what, err)
		}
	}
	faults, err := db.Integrity(ctx, true)
	if err != nil || len(faults) != 1 || !strings.Contains(faults[0], "x-reports.db") {
		t.Errorf("integrity: %q, %v", faults, err)
	}
}

// TestDamageMetLater: pages that were damaged beneath an open database are met when they are read, and the reports are
// not ready then; control does not notice.
func TestDamageMetLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	arrived(t, path, 60)
	outside := raw(t, sqlite.ReportsFile(path))
	var pages []int64 // what readiness looks at is as it was
	var size int64
	of, err := outside.Query(`SELECT pageno, page_size FROM dbstat, pragma_page_size
		WHERE name NOT GLOB 'sqlite_schema' AND name NOT GLOB 'sqlite_master' AND name NOT GLOB '*schema_migrations*'`)
	for err == nil && of.Next() {
		var page int64
		err = of.Scan(&page, &size)
		pages = append(pages, page)
	}
	if err = errors.Join(err, outside.Close()); err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	db := open(t, path)
	text, err := os.ReadFile(sqlite.ReportsFile(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		for i := (page - 1) * size; i < min(page*size, int64(len(text))); i++ {
			text[i] = 0xff
		}
	}
	if err := os.WriteFile(sqlite.ReportsFile(path), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := db.ReportsReady(ctx); err != nil {
		t.Fatalf("before it was met: %v", err)
	}
	err = db.View(ctx, func(tx fleet.Tx) error { _, err := tx.Installations().Refs(ctx, "", 100); return err })
	if e, ok := errors.AsType[*fleet.Error](err); !ok || e.Kind != fleet.Damaged || !strings.Contains(e.Msg, "x-reports.db") {
		t.Errorf("reading: %v", err)
	}
	if err := db.ReportsReady(ctx); !fleet.Is(err, fleet.Damaged) {
		t.Errorf("after it was met: %v", err)
	}
	if err := errors.Join(db.Ready(ctx), db.Update(ctx, putToken("a"))); err != nil {
		t.Errorf("control: %v", err)
	}
}
