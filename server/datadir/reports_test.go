// SPDX-License-Identifier: Apache-2.0

package datadir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/seal"
	"landed/server/store"
	"landed/server/store/storetest"
)

// filled is a folder with a database in which reports and tokens 0 to n-1 are, all sealed.
func filled(t *testing.T, n int) datadir.Dir {
	t.Helper()
	d := datadir.Dir(t.TempDir())
	db, err := store.Make(ctx, d.Database(), storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		write(t, db, i)
	}
	sealed(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func sealed(t *testing.T, db store.Database) {
	t.Helper()
	if err := (seal.Sealer{Store: db, Now: storetest.Clock}).Seal(ctx); err != nil {
		t.Fatal(err)
	}
}

// more adds reports and tokens from to to-1 in batches of their own, and seals them.
func more(t *testing.T, d datadir.Dir, from, to int) {
	t.Helper()
	db, err := d.Open(ctx, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for n := from; n < to; n++ {
		write(t, db, n)
		sealed(t, db)
	}
}

// walked is the tree of the reports, which must be sound; so must the trail be.
func walked(t *testing.T, d datadir.Dir) (w seal.Walked) {
	t.Helper()
	db, err := d.Open(ctx, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.ReportsReady(ctx); err != nil {
		t.Error(err)
	}
	if err := db.View(ctx, func(tx fleet.Tx) error {
		for _, tree := range []fleet.Tree{fleet.TreeAudit, fleet.TreeReports} {
			if w, err = seal.Walk(ctx, tx, tree, nil, nil); err != nil || len(w.Faults) > 0 {
				return fmt.Errorf("%s: %v %w", tree, w.Faults, err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	return w
}

func backup(t *testing.T, d datadir.Dir, o datadir.BackupOptions) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "backup.tar")
	if err := d.Backup(ctx, file, o, storetest.Clock); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestReportsLost loses the file of the reports again and again, and goes on with an empty one or with that of a backup:
// what people decided stays, what is lost is on record, and the tree over what came later can be walked.
func TestReportsLost(t *testing.T) {
	d := filled(t, 5)
	old := backup(t, d, datadir.BackupOptions{}) // 5 of 5
	more(t, d, 5, 9)
	reports := filepath.Join(string(d), "landed-reports.db")
	lose := func() {
		t.Helper()
		if err := os.Remove(reports); err != nil {
			t.Fatal(err)
		}
	}
	begin := func(kept, lost int64) {
		t.Helper()
		done, err := d.BeginReports(ctx, "ann", "the disk died (again)", storetest.Clock)
		if err != nil || done.Kept != kept || done.Lost != lost {
			t.Fatalf("%+v, %v; wanted %d kept and %d lost", done, err, kept, lost)
		}
	}
	restore := func(file string, kept, lost int64) {
		t.Helper()
		done, err := d.RestoreReports(ctx, file, "ann", "the disk died", storetest.Clock)
		if err != nil || done.Kept != kept || done.Lost != lost {
			t.Fatalf("%+v, %v; wanted %d kept and %d lost", done, err, kept, lost)
		}
	}
	tree := func(leaves, lost int64) {
		t.Helper()
		if w := walked(t, d); w.Leaves != leaves || w.Lost != lost {
			t.Errorf("a tree of %d leaves, %d of them lost; wanted %d and %d", w.Leaves, w.Lost, leaves, lost)
		}
	}

	lose()
	begin(0, 9)
	tree(10, 9) // its own leaf is the tenth
	more(t, d, 9, 12)
	tree(13, 9)
	between := backup(t, d, datadir.BackupOptions{}) // 3 of 13
	more(t, d, 12, 14)
	tree(15, 9)

	lose()
	restore(between, 3, 2)
	tree(16, 11)
	more(t, d, 14, 15)
	tree(17, 11)

	lose()
	restore(old, 5, 12)
	tree(18, 12)
	more(t, d, 15, 20)
	tree(23, 12)
	holdsTokens(t, d, 20)
	restore(backup(t, d, datadir.BackupOptions{}), 10, 0) // nothing is lost, and the tree stays as it is
	tree(23, 12)

	// Whoever cannot be believed.
	if _, err := d.BeginReports(ctx, "ann", "why not", storetest.Clock); !fleet.Is(err, fleet.Conflict) {
		t.Errorf("sound reports are given up: %v", err)
	}
	if _, err := d.RestoreReports(ctx, old, "ann", " ", storetest.Clock); !fleet.Is(err, fleet.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	other := filled(t, 3)
	more(t, other, 6, 8)
	if _, err := d.RestoreReports(ctx, backup(t, other, datadir.BackupOptions{}), "ann", "x", storetest.Clock); err == nil ||
		!strings.Contains(err.Error(), "do not belong to this database") {
		t.Errorf("the reports of another fleet: %v", err)
	}
	tree(23, 12)
}

func holdsTokens(t *testing.T, d datadir.Dir, n int) {
	t.Helper()
	db, err := d.Open(ctx, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(ctx, func(tx fleet.Tx) error {
		tokens, err := tx.Tokens().List(ctx)
		if len(tokens) != n {
			t.Errorf("%d tokens, wanted %d", len(tokens), n)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestBackupWithoutReports: control is saved while the reports cannot be read, if that is asked for, and comes back alone.
func TestBackupWithoutReports(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"missing": os.Remove,
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"zeroed": func(path string) error {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, append(make([]byte, 8192), text[8192:]...), 0o600)
		},
	} {
		d := filled(t, 4)
		if err := damage(filepath.Join(string(d), "landed-reports.db")); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "backup.tar")
		if err := d.Backup(ctx, file, datadir.BackupOptions{}, storetest.Clock); err == nil ||
			!strings.Contains(err.Error(), "--without-reports") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(file); err == nil {
			t.Errorf("%s: a backup without reports was written unasked", name)
		}
		file = backup(t, d, datadir.BackupOptions{Alone: true})
		to := datadir.Dir(filepath.Join(t.TempDir(), "to"))
		done, err := to.Restore(ctx, file, false, storetest.Clock)
		if err != nil || done.Reports {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
		holdsTokens(t, to, 4)
		if _, err := to.RestoreReports(ctx, file, "ann", "x", storetest.Clock); err == nil ||
			!strings.Contains(err.Error(), "it has no reports") {
			t.Errorf("%s: reports of a backup that has none: %v", name, err)
		}
		if done, err := to.BeginReports(ctx, "ann", "the disk died", storetest.Clock); err != nil || done.Lost != 4 {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
		walked(t, to)
	}
}

// TestLossIsNotMadeUp: a line of the trail that somebody writes, or changes, does not pass for a loss that was put on record.
func TestLossIsNotMadeUp(t *testing.T) {
	for name, reason := range map[string]string{
		"no hashes":       "it burns (tree of reports: 0 of 6 leaves kept, to row 0: )",
		"other hashes":    "it burns (tree of reports: 0 of 6 leaves kept, to row 0: " + strings.Repeat("A", 86) + ")",
		"not at its end":  "(tree of reports: 0 of 1 leaves kept, to row 0: " + strings.Repeat("A", 43) + ") it burns",
		"nothing is lost": "(tree of reports: 6 of 6 leaves kept, to row 6: )",
	} {
		d := filled(t, 6)
		reports := filepath.Join(string(d), "landed-reports.db")
		if err := os.Remove(reports); err != nil {
			t.Fatal(err)
		}
		db, err := d.Open(ctx, storetest.Clock)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(ctx, func(tx fleet.Tx) error {
			return tx.Audit().Append(ctx, fleet.AuditEntry{At: storetest.Now, Actor: "eve", Action: seal.ActionBegin,
				Subject: seal.LostSubject, Reason: reason})
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := store.BeginReports(ctx, d.Database(), storetest.Clock); err != nil {
			t.Fatal(err)
		}
		if db, err = d.Open(ctx, storetest.Clock); err != nil {
			t.Fatal(err)
		}
		var w seal.Walked
		if err := db.View(ctx, func(tx fleet.Tx) (err error) {
			w, err = seal.Walk(ctx, tx, fleet.TreeReports, nil, nil)
			return err
		}); err != nil {
			t.Error(err)
		}
		if len(w.Faults) == 0 {
			t.Errorf("%s: no fault is found: %+v", name, w)
		}
		db.Close()
	}
}
