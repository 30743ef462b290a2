// SPDX-License-Identifier: Apache-2.0

package datadir_test

import (
	"archive/tar"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/storetest"
)

var ctx = context.Background()

// write puts a token and a report of one installation into a database: a row of each half.
func write(t *testing.T, db store.Database, n int) {
	t.Helper()
	r, key := storetest.Report(n, 1)
	stored := storetest.Stored(t, r, key, storetest.Now)
	if err := errors.Join(db.UpdateReports(ctx, func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(ctx, stored)
		return err
	}), db.Update(ctx, func(tx fleet.Tx) error {
		return tx.Tokens().Put(ctx, fleet.Token{Name: string(rune('a' + n)), Hash: []byte{byte(n)}})
	})); err != nil {
		t.Fatal(err)
	}
}

// holds wants a folder to have the tokens and reports 0 to n-1.
func holds(t *testing.T, d datadir.Dir, n int) {
	t.Helper()
	db, err := store.Make(ctx, d.Database(), storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(ctx, func(tx fleet.Tx) error {
		tokens, err := tx.Tokens().List(ctx)
		leaves, err2 := tx.Seals().Leaves(ctx, fleet.TreeReports, 0, 100)
		if len(tokens) != n || len(leaves) != n {
			t.Errorf("%d tokens and %d reports, wanted %d", len(tokens), len(leaves), n)
		}
		return errors.Join(err, err2, db.Ready(ctx), db.ReportsReady(ctx))
	}); err != nil {
		t.Error(err)
	}
}

// TestBackupHoldsBothHalves writes a backup beside an open database, and brings it back beside the -wal files of a process
// that was killed.
func TestBackupHoldsBothHalves(t *testing.T) {
	d := datadir.Dir(t.TempDir())
	db, err := store.Make(ctx, d.Database(), storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write(t, db, 0)
	file := filepath.Join(t.TempDir(), "backup.tar")
	if err := d.Backup(ctx, file, datadir.BackupOptions{}, storetest.Clock); err != nil {
		t.Fatal(err)
	}
	write(t, db, 1)
	killed := datadir.Dir(t.TempDir())
	if err := os.CopyFS(string(killed), os.DirFS(string(d))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"landed.db-wal", "landed-reports.db-wal"} {
		if info, err := os.Stat(filepath.Join(string(killed), name)); err != nil || info.Size() == 0 {
			t.Fatalf("%s is not stale: %v", name, err)
		}
	}
	done, err := killed.Restore(ctx, file, true, storetest.Clock)
	if err != nil || done.Aside == "" {
		t.Fatalf("%+v, %v", done, err)
	}
	holds(t, killed, 1)
	aside, err := filepath.Glob(filepath.Join(string(killed), "*.before-*"))
	if err != nil || len(aside) < 4 { // each with its -wal
		t.Errorf("moved aside: %v, %v", aside, err)
	}
	other := datadir.Dir(filepath.Join(t.TempDir(), "other"))
	if _, err := other.Restore(ctx, file, false, storetest.Clock); err != nil {
		t.Fatal(err)
	}
	holds(t, other, 1)

	// One that lacks a half is no backup, and touches nothing.
	for _, without := range []string{"landed.db", "landed-reports.db"} {
		cut := filepath.Join(t.TempDir(), "cut.tar")
		if err := os.WriteFile(cut, repack(t, file, without), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := killed.Restore(ctx, cut, true, storetest.Clock); err == nil || !strings.Contains(err.Error(), "no whole backup") {
			t.Errorf("without %s: %v", without, err)
		}
		holds(t, killed, 1)
	}
}

// repack is an archive without one of its files.
func repack(t *testing.T, file, without string) []byte {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil && h.Name != without {
			if err = w.WriteHeader(h); err == nil {
				_, err = io.Copy(w, r)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestBackupOfOneFile: what a program wrote that kept everything in one file is restored, beside what came later.
func TestBackupOfOneFile(t *testing.T) {
	text, err := os.ReadFile("../store/sqlite/testdata/v2.sql")
	if err != nil {
		t.Fatal(err)
	}
	single := filepath.Join(t.TempDir(), "landed.db")
	old, err := sql.Open("sqlite", single)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Exec(string(text)); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(single)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, e := range []struct {
		name string
		text []byte
	}{{"backup.json", []byte(`{"schema": 1, "at": "2026-11-26T00:00:00Z"}`)}, {"landed.db", content}} {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Mode: 0o600, Size: int64(len(e.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file, d := filepath.Join(t.TempDir(), "backup.tar"), datadir.Dir(t.TempDir())
	if err := os.WriteFile(file, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time beside two files with more in them
		if _, err := d.Restore(ctx, file, true, storetest.Clock); err != nil {
			t.Fatal(err)
		}
		db, err := store.Make(ctx, d.Database(), storetest.Clock)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.View(ctx, func(tx fleet.Tx) error {
			leaves, err := tx.Seals().Leaves(ctx, fleet.TreeReports, 0, 100)
			if len(leaves) != 13 {
				t.Errorf("%d reports", len(leaves))
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		write(t, db, 70)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
