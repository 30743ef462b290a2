// SPDX-License-Identifier: Apache-2.0

package datadir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/storetest"
)

// opened opens the database of a folder as a server does.
func opened(t *testing.T, d datadir.Dir) (store.Database, error) {
	t.Helper()
	db, err := d.Open(ctx, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, d.KeyRecords(ctx, db, storetest.Now)
}

// sound wants the records to be those of the key of the folder; if not, words.
func sound(t *testing.T, what string, d datadir.Dir, words string) {
	t.Helper()
	db, err := d.Open(ctx, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	faults, err := db.CheckRecords(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(faults, "\n"); words == "" && got != "" || !strings.Contains(got, words) {
		t.Errorf("%s: faults, wanted %q:\n%s", what, words, got)
	}
}

func keyFile(d datadir.Dir) string { return filepath.Join(string(d), "keys", "records.key") }

// lines are the lines of the trail that speak of the key.
func lines(t *testing.T, d datadir.Dir) (all []fleet.AuditEntry) {
	t.Helper()
	db, err := d.Open(ctx, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(ctx, func(tx fleet.Tx) (err error) {
		all, err = tx.Audit().OfSubject(ctx, "records", 100)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestNewFoldersHaveAKey: from the first record on; and nobody else may read it.
func TestNewFoldersHaveAKey(t *testing.T) {
	d := datadir.Dir(t.TempDir())
	if _, err := datadir.Init(ctx, string(d), "ann", storetest.Clock); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(keyFile(d)); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key: %v, %v", info, err)
	}
	if _, err := datadir.AddToken(ctx, string(d), "bo", fleet.RoleSupport, storetest.Clock); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(keyFile(d))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened(t, d); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(keyFile(d)); err != nil || string(after) != string(before) || len(lines(t, d)) != 0 {
		t.Errorf("the key became another one, %v, %v", err, lines(t, d))
	}
	sound(t, "a new folder", d, "")
	for text, want := range map[string]string{"": "is no key of records", "abcd\n": "is no key of records", strings.Repeat("x",
		64): "is no key"} {
		if err := os.WriteFile(keyFile(d), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Open(ctx, storetest.Clock); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a key %q: %v", text, err)
		}
	}
	if err := os.Chmod(keyFile(d), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(ctx, storetest.Clock); err == nil || !strings.Contains(err.Error(), "can be read by others") {
		t.Errorf("a key that others read: %v", err)
	}
}

// TestFoldersOfOlderProgramsGetAKey: at the first start, with one line on the trail, also if that was cut off; a database that
// has a key elsewhere gets no other one by itself.
func TestFoldersOfOlderProgramsGetAKey(t *testing.T) {
	d := datadir.Dir(t.TempDir())
	db, err := store.Make(ctx, d.Database(), storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	write(t, db, 0)
	db.Close()
	sound(t, "before", d, "")
	if db, err = opened(t, d); err != nil {
		t.Fatal(err)
	}
	write(t, db, 1)
	db.Close()
	sound(t, "after", d, "")
	if all := lines(t, d); len(all) != 1 || all[0].Action != "records.key" || all[0].Actor != "landed" {
		t.Errorf("the trail says %v", all)
	}
	if err := os.Rename(keyFile(d), keyFile(d)+".new"); err != nil { // cut off before the last step
		t.Fatal(err)
	}
	if db, err = opened(t, d); err != nil {
		t.Fatal(err)
	}
	write(t, db, 2)
	db.Close()
	sound(t, "cut off", d, "")
	if all := lines(t, d); len(all) != 1 {
		t.Errorf("the trail says %v", all)
	}
	if err := os.Rename(keyFile(d), keyFile(d)+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := opened(t, d); !fleet.Is(err, fleet.Conflict) || !strings.Contains(err.Error(), "otad keys records --data") {
		t.Errorf("without the key: %v", err)
	}
	if _, err := datadir.AddToken(ctx, string(d), "eve", fleet.RoleAdmin, storetest.Clock); err == nil {
		t.Error("a token was added without the key")
	}
	sound(t, "without the key", d, "put keys/records.key back")
	if _, err := d.RenewRecordsKey(ctx, "ann", " ", storetest.Clock); !fleet.Is(err, fleet.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	for n := range 2 { // lost, and then known to somebody
		aside, err := d.RenewRecordsKey(ctx, "ann", "it was lost", storetest.Clock)
		if err != nil || (aside != "") != (n == 1) {
			t.Fatalf("aside %q, %v", aside, err)
		}
		sound(t, "another key", d, "")
	}
	if all := lines(t, d); len(all) != 3 || all[0].Reason != "it was lost" || all[0].Actor != "ann" {
		t.Errorf("the trail says %v", all)
	}
}

// TestKeyOfABackup: it is in a backup with the keys alone, and a restore without it says what that means.
func TestKeyOfABackup(t *testing.T) {
	d := datadir.Dir(filepath.Join(t.TempDir(), "data"))
	if _, err := datadir.Init(ctx, string(d), "ann", storetest.Clock); err != nil {
		t.Fatal(err)
	}
	for _, with := range []bool{false, true} {
		file := filepath.Join(t.TempDir(), "b.tar")
		if err := d.Backup(ctx, file, datadir.BackupOptions{Keys: with}, storetest.Clock); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(keyFile(d))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), string(key)) != with {
			t.Errorf("with keys %t: it does not say so", with)
		}
		to := datadir.Dir(filepath.Join(t.TempDir(), "data"))
		done, err := to.Restore(ctx, file, false, storetest.Clock)
		if err != nil || done.Keys != with || (done.Records == "") != with {
			t.Errorf("with keys %t: %+v, %v", with, done, err)
		}
		if !with {
			if err := os.MkdirAll(filepath.Dir(keyFile(to)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(keyFile(to), key, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		sound(t, "restored", to, "")
	}
}
