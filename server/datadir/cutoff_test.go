// SPDX-License-Identifier: Apache-2.0

package datadir_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"landed/internal/race"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/storetest"
)

const childOf = "LANDED_DATADIR_CHILD" // what the child of TestRestoreKilled restores: the folder, the backup, after how many files it ends

// TestMain is the test, or a process that restores a backup and is gone in the middle of it.
func TestMain(m *testing.M) {
	args := strings.Split(os.Getenv(childOf), "\n")
	if len(args) != 3 {
		os.Exit(m.Run())
	}
	left := 0
	fmt.Sscan(args[2], &left)
	_, err := datadir.Dir(args[0]).RestoreTold(context.Background(), args[1], true, storetest.Clock, func(string) {
		if left--; left == 0 {
			os.Exit(3) // nothing that waits to be done is done
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// killed runs a restore that ends after so many files; false if it came to its end before.
func killed(t *testing.T, d datadir.Dir, file string, after int) bool {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%s\n%s\n%d", childOf, d, file, after))
	said, err := c.CombinedOutput()
	if e, ok := errors.AsType[*exec.ExitError](err); ok && e.ExitCode() == 3 {
		return true
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return false
}

// TestRestoreKilled ends a restore after each file that it puts into another place: until the last one, nothing opens the
// folder and nothing is made in it; a second restore, which is ended at each place as well, brings the backup; and what was
// there before is kept whole.
func TestRestoreKilled(t *testing.T) {
	if race.Detector {
		t.Skip("one restore after the other, killed: told without the race detector")
	}
	d := datadir.Dir(filepath.Join(t.TempDir(), "data"))
	if err := os.Mkdir(string(d), 0o755); err != nil {
		t.Fatal(err)
	}
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
	write(t, db, 1) // this one is in no backup, and in the -wal alone
	steps, tried := 0, 0
	for first := 1; ; first++ {
		again := 0
		for second := 1; ; second++ {
			folder := datadir.Dir(filepath.Join(t.TempDir(), "data"))
			if err := os.CopyFS(string(folder), os.DirFS(string(d))); err != nil {
				t.Fatal(err)
			}
			if !killed(t, folder, file, first) {
				steps = first - 1
				break
			}
			if !refuses(t, folder, first) {
				break // it had come to its end
			}
			cut := killed(t, folder, file, second)
			if cut && refuses(t, folder, second) {
				if _, err := folder.Restore(ctx, file, false, storetest.Clock); err != nil {
					t.Fatalf("killed after %d and %d: %v", first, second, err)
				}
			}
			holds(t, folder, 1)
			putBack(t, folder)
			holds(t, folder, 2)
			if again = second; !cut || first > 1 && second > 1 {
				break
			}
		}
		if steps > 0 {
			break
		}
		tried += again
	}
	if steps < 8 || tried < steps { // the mark, two files with their logs aside, two brought, the mark away
		t.Errorf("only %d files were moved, and %d times the restore was run again", steps, tried)
	}
}

// refuses wants the folder to be opened by nobody while its restore has not come to its end; false if it has.
func refuses(t *testing.T, d datadir.Dir, step int) bool {
	t.Helper()
	if _, err := os.Stat(filepath.Join(string(d), ".restoring")); errors.Is(err, os.ErrNotExist) {
		return false
	}
	before := names(t, d)
	_, opened := d.Open(ctx, storetest.Clock)
	_, token := datadir.AddToken(ctx, string(d), "eve", fleet.RoleAdmin, storetest.Clock)
	_, made := datadir.Init(ctx, string(d), "eve", storetest.Clock)
	backup := d.Backup(ctx, filepath.Join(t.TempDir(), "b.tar"), datadir.BackupOptions{}, storetest.Clock)
	for what, err := range map[string]error{"open": opened, "a token": token, "init": made, "backup": backup} {
		if err == nil || !strings.Contains(err.Error(), "run it again (otad restore") {
			t.Errorf("after %d files, %s says %v", step, what, err)
		}
	}
	if after := names(t, d); after != before {
		t.Errorf("after %d files, the folder holds\n%s, and before that was\n%s", step, after, before)
	}
	return true
}

func names(t *testing.T, d datadir.Dir) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(string(d), "*"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// putBack puts the files that were moved aside back, as the words of Open have it.
func putBack(t *testing.T, d datadir.Dir) {
	t.Helper()
	aside, err := filepath.Glob(filepath.Join(string(d), "landed*.before-*"))
	if err != nil || len(aside) < 4 {
		t.Fatalf("aside: %v, %v", aside, err)
	}
	for _, here := range []string{"landed.db", "landed-reports.db"} {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(filepath.Join(string(d), here+suffix))
		}
	}
	for _, from := range aside {
		name, rest, _ := strings.Cut(from, ".before-")
		suffix := ""
		if at := strings.LastIndexByte(rest, '-'); at >= 0 {
			suffix = rest[at:]
		}
		if err := os.Rename(from, name+suffix); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoDatabaseIsMade: a folder whose files of the database are away is refused in words, and stays as it is; so does init
// beside a feed that was published.
func TestNoDatabaseIsMade(t *testing.T) {
	for name, tt := range map[string]struct {
		lies map[string]string
		want string
	}{
		"nothing":          {nil, "only otad init makes"},
		"empty":            {map[string]string{"landed.db": ""}, "there is no database at"},
		"an unfilled file": {map[string]string{"landed.db": "", "landed-reports.db": ""}, "there is no database at"},
		"reports alone":    {map[string]string{"landed-reports.db": "SQLite format 3"}, "there is no database at"},
		"aside":            {map[string]string{"landed.db.before-20140820T090000Z": "x"}, "landed.db.before-20140820T090000Z lies beside it"},
		"a mark":           {map[string]string{".restoring": `{"file":"b.tar","before":".before-1"}`}, "a restore of b.tar into"},
		"a bent mark":      {map[string]string{".restoring": `{`}, "does not say which restore"},
	} {
		d := datadir.Dir(t.TempDir())
		for file, text := range tt.lies {
			if err := os.WriteFile(filepath.Join(string(d), file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := names(t, d)
		db, err := d.Open(ctx, storetest.Clock)
		if err == nil || db != nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tt.want)) {
			t.Errorf("%s: %v", name, err)
		}
		if after := names(t, d); after != before {
			t.Errorf("%s: the folder holds %s", name, after)
		}
		if text, err := os.ReadFile(d.Database()); err == nil && len(text) > 0 {
			t.Errorf("%s: the database was written", name)
		}
	}
	d := datadir.Dir(t.TempDir())
	place := filepath.Join(d.Feed(), "metadata", "1.root.json")
	if err := errors.Join(os.MkdirAll(filepath.Dir(place), 0o755), os.WriteFile(place, []byte("{}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := datadir.Init(ctx, string(d), "eve", storetest.Clock); err == nil ||
		!strings.Contains(err.Error(), "a feed that was published") {
		t.Errorf("init beside a feed: %v", err)
	}
}
