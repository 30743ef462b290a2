// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/server/fleet"
	"landed/server/store/sqlite"
	"landed/server/store/storetest"
)

// compacted is a database at path with 20 reports, of which one is not compact.
func compacted(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db := open(t, path)
	if err := db.UpdateReports(ctx, func(tx fleet.Tx) error {
		for n := range 10 {
			for seq := int64(1); seq < 3; seq++ {
				r, key := storetest.Report(n, seq)
				if _, err := tx.Reports().Append(ctx, storetest.Stored(t, r, key, now())); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := storetest.CompactAll(ctx, db); n != 19 || err != nil {
		t.Fatalf("%d became compact, %v", n, err)
	}
	return db
}

func everything(t *testing.T, db *sqlite.DB) (all []fleet.StoredReport) {
	t.Helper()
	if err := db.View(ctx, func(tx fleet.Tx) error {
		for n := range 10 {
			r, key := storetest.Report(n, 1)
			of, err := tx.Reports().Of(ctx, storetest.Stored(t, r, key, now()).Ref)
			if err != nil {
				return err
			}
			all = append(all, of...)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCopyHasCompactReports(t *testing.T) {
	dir := t.TempDir()
	db := compacted(t, filepath.Join(dir, "x.db"))
	copied := filepath.Join(dir, "copy.db")
	if err := db.Copy(ctx, copied); err != nil {
		t.Fatal(err)
	}
	want, got := everything(t, db), everything(t, open(t, copied))
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 20 {
		t.Errorf("%d reports, and in the copy:\n%s", len(want), diff)
	}
}

// TestCompactReportsStay: no hand but that of the program takes a report out of either table, changes one, or has one
// that never came.
func TestCompactReportsStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	compacted(t, path)
	outside := raw(t, sqlite.ReportsFile(path))
	for _, text := range []string{
		`DELETE FROM reports`, `UPDATE reports SET seq = 2`, `DELETE FROM compact_reports`, `UPDATE compact_reports SET at = 5`,
		`DELETE FROM report_keys`, `UPDATE report_keys SET key = x'00'`,
		`INSERT INTO compact_reports VALUES (1000, 1, 1, 1, 0, x'00')`,
		`INSERT INTO compact_reports SELECT n, 1, seq, at, late, x'00' FROM reports; DELETE FROM reports`, // the last one
	} {
		_, err := outside.Exec(`BEGIN; ` + text)
		if err == nil || !strings.Contains(err.Error(), "append-only") && !strings.Contains(err.Error(), "of reports") {
			t.Errorf("%s: got %v, wanted a refusal", text, err)
		}
		do(t, outside, `ROLLBACK`)
	}
}
