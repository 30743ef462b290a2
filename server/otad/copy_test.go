// SPDX-License-Identifier: Apache-2.0

//go:build unix

package otad

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/internal/race"
	"landed/server/store/postgres/pgtest"
)

// recorded is the data folder that version 1 left (../testdata), judged by this program.
func recorded(t *testing.T) (data string) {
	t.Helper()
	data = unpacked(t)
	if r := run(t.Context(), nil, "rejudge", "--data", data); r.code != 0 {
		t.Fatalf("rejudge: %+v", r)
	}
	return data
}

// unpacked is that folder as it was left: this program finds faults in it.
func unpacked(t *testing.T) (data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-xzpf", "../testdata/datafolder-v1/folder.tar.gz", "-C", data).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return data
}

var told = regexp.MustCompile(`copy: (\w+\.\w+): (\d+ rows), \d+ written, \d+ taken out, (digest \w+)`)

// digests are those of the last time that each table was told.
func digests(t *testing.T, r result) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, m := range told.FindAllStringSubmatch(r.stderr, -1) {
		all[m[1]] = m[2] + " " + m[3]
	}
	if len(all) < 25 {
		t.Fatalf("%d tables were told: %+v", len(all), r)
	}
	return all
}

// TestCopyThereAndBack: every row is the same on PostgreSQL, and in files again; the server starts on each.
func TestCopyThereAndBack(t *testing.T) {
	ctx, data, there := t.Context(), recorded(t), pgtest.Database(t)
	out := run(ctx, nil, "copy", "--from", data, "--to", there)
	if out.code != 0 || !strings.Contains(out.stdout, "is on the server") {
		t.Fatalf("copy: %+v", out)
	}
	if _, err := os.Stat(filepath.Join(data, "landed.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the files that were left are still there: %v", err)
	}
	aside, _ := filepath.Glob(filepath.Join(data, "landed.db.before-*"))
	if len(aside) == 0 {
		t.Fatal("the files that were left are not kept")
	}
	if r := run(ctx, nil, "copy", "--from", data, "--to", there); r.code != 0 || !strings.Contains(r.stdout, "is on the server") {
		t.Errorf("once more: %+v; wanted to be told that it is there", r)
	}
	if r := run(ctx, nil, "fsck", "--data", data); r.code != 0 {
		t.Errorf("fsck: %+v", r)
	}
	back := run(ctx, nil, "copy", "--from", there, "--to", data)
	if back.code != 0 || !strings.Contains(back.stdout, "is in the folder") {
		t.Fatalf("back: %+v", back)
	}
	first, second := digests(t, out), digests(t, back)
	for table, words := range first {
		if table != "control.records" && second[table] != words { // it has those of the other's migrations as well
			t.Errorf("%s: %s, and back %s", table, words, second[table])
		}
	}
	for _, name := range []string{"database", "landed.db.copy"} {
		if _, err := os.Stat(filepath.Join(data, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if r := run(ctx, nil, "fsck", "--data", data); r.code != 0 {
		t.Errorf("fsck of what came back: %+v", r)
	}
	// The database that was left takes no more writes.
	if r := run(ctx, map[string]string{"OTAD_DATABASE": there}, "serve", "--data", data, "--addr", "127.0.0.1:0"); r.code == 0 ||
		!strings.Contains(r.stderr, "was moved to another database") {
		t.Errorf("serve from the database that was left: %+v", r)
	}
	_, end := serving(t, data)
	if r := run(context.Background(), nil, "token", "add", "late", "--data", data); r.code != 0 {
		t.Errorf("token add: %+v", r)
	}
	if r := end(); r.code != 0 {
		t.Errorf("serve: %+v", r)
	}
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, Setup: func(e *testscript.Env) error {
		e.Setenv("THERE", pgtest.Database(t))
		return nil
	}})
}

// TestCopyIsKilled ends the command without warning wherever it says how far it is, the same copy again and again; the last
// one goes through, and everything is there.
func TestCopyIsKilled(t *testing.T) {
	if race.Detector {
		t.Skip("each process starts ten times as slowly: told without the race detector")
	}
	ctx, data, there := t.Context(), recorded(t), pgtest.Database(t)
	places := []string{"the source: checking trees", "beside a server", "reports.installations:", "reports.reports:", "what is left",
		"control.audit:", "control.tokens:", "the copy: checking the database", "the copy: checking figures", "switched over"}
	for _, flags := range [][]string{{"--from", data, "--to", there}, {"--from", there, "--to", data}} {
		args := append([]string{"copy"}, flags...)
		for n, place := range places {
			if !killedAt(t, place, args...) {
				t.Errorf("%v: it did not come to %q", flags, place)
			}
			if n == 3 { // nothing is served of what is not whole
				r := run(ctx, map[string]string{"OTAD_DATABASE": there}, "fsck", "--data", data)
				if strings.HasPrefix(flags[1], "postgres") {
					r = run(ctx, nil, "fsck", "--data", data)
					if r.code != 0 {
						t.Errorf("the folder is not what it was: %+v", r)
					}
				} else if r.code == 0 || !strings.Contains(r.stderr, "not finished") {
					t.Errorf("an unfinished copy: %+v", r)
				}
			}
		}
		if r := run(ctx, nil, args...); r.code != 0 {
			t.Fatalf("%v: %+v", flags, r)
		}
		if r := run(ctx, nil, "fsck", "--data", data); r.code != 0 || !strings.Contains(r.stdout, "531 reports") {
			t.Errorf("fsck: %+v", r)
		}
	}
}

// killedAt kills otad when it says something. It says if it came to that.
func killedAt(t *testing.T, place string, args ...string) (came bool) {
	t.Helper()
	cmd := exec.Command("otad", args...)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(said); !came && lines.Scan(); {
		came = strings.Contains(lines.Text(), place)
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, said)
	_ = cmd.Wait()
	return came
}

// TestCopyBesideServer: while a server runs most is copied; what came until it ended is copied then.
func TestCopyBesideServer(t *testing.T) {
	ctx, data, there := t.Context(), recorded(t), pgtest.Database(t)
	_, end := serving(t, data)
	args := []string{"copy", "--from", data, "--to", there}
	if r := run(ctx, nil, args...); r.code == 0 || !strings.Contains(r.stderr, "end the server") ||
		!strings.Contains(r.stderr, "reports.installations: 73 rows, 73 written") {
		t.Errorf("beside a server: %+v", r)
	}
	if r := run(ctx, nil, "token", "add", "meanwhile", "--data", data); r.code != 0 {
		t.Errorf("token add: %+v", r)
	}
	if r := end(); r.code != 0 {
		t.Errorf("serve: %+v", r)
	}
	if r := run(ctx, nil, args...); r.code != 0 || !strings.Contains(r.stderr, "reports.installations: 73 rows, 0 written") {
		t.Fatalf("once it has ended: %+v", r)
	}
	if r := run(ctx, nil, "token", "add", "meanwhile", "--data", data); r.code == 0 || !strings.Contains(r.stderr, "meanwhile") {
		t.Errorf("the token that was added meanwhile is lost: %+v", r)
	}
	// The way back is refused while any otad has the database, on whichever folder it runs.
	other := recorded(t)
	key, err := os.ReadFile(filepath.Join(data, "keys", "records.key"))
	if err := errors.Join(err, os.WriteFile(filepath.Join(other, "keys", "records.key"), key, 0o600),
		os.WriteFile(filepath.Join(other, "database"), []byte(there+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, end = serving(t, other)
	if r := run(ctx, nil, "copy", "--from", there, "--to", data); r.code == 0 || !strings.Contains(r.stderr, "connections of otad are open") {
		t.Errorf("beside a server of another folder: %+v", r)
	}
	if r := end(); r.code != 0 {
		t.Errorf("serve: %+v", r)
	}
}

// TestCopyRefuses writes over nothing, and says why.
func TestCopyRefuses(t *testing.T) {
	ctx, data, there := t.Context(), recorded(t), pgtest.Database(t)
	another := filepath.Join(t.TempDir(), "another")
	if r := run(ctx, map[string]string{"OTAD_DATABASE": there}, "init", "--data", another); r.code != 0 {
		t.Fatalf("init: %+v", r)
	}
	if r := run(ctx, nil, "init", "--data", filepath.Join(another, "files")); r.code != 0 {
		t.Fatalf("init: %+v", r)
	}
	half := pgtest.Database(t)
	if !killedAt(t, "reports.reports:", "copy", "--from", filepath.Join(another, "files"), "--to", half) {
		t.Error("the copy of another fleet did not begin")
	}
	for _, test := range []struct{ from, to, words string }{
		{data, there, "has rows already (audit 1, tokens 1)"},
		{data, half, "a copy of another fleet"},
		{there, data, "has a fleet itself"},
		{half, another, "in another database than that to copy from"},
		{there, filepath.Join(another, "nothing"), "with its keys/"},
		{there, half, "one of --from and --to is the data folder"},
		{data, another, "one of --from and --to is the data folder"},
		{filepath.Join(another, "nothing"), half, "is no data folder"},
		{data, "postgres://u:sesame@h:a/x", "cannot be read"},
		{data, "", "wanted --from and --to"},
	} {
		r := run(ctx, nil, "copy", "--from", test.from, "--to", test.to)
		if r.code == 0 || !strings.Contains(r.stderr, test.words) || strings.Contains(r.stdout+r.stderr, "sesame") {
			t.Errorf("%q to %q: %+v; wanted to be told %q", test.from, test.to, r, test.words)
		}
	}
	for _, dir := range []string{data, another} {
		if r := run(ctx, nil, "fsck", "--data", dir); r.code != 0 {
			t.Errorf("fsck %s: %+v", dir, r)
		}
	}
}

// TestCopyWithFaults: a source with faults is copied only if somebody says so, and the copy has the same ones.
func TestCopyWithFaults(t *testing.T) {
	ctx, data, there := t.Context(), unpacked(t), pgtest.Database(t)
	args := []string{"copy", "--from", data, "--to", there}
	if r := run(ctx, nil, args...); r.code == 0 || !strings.Contains(r.stderr, "faults in the source; nothing was copied") {
		t.Fatalf("got %+v; wanted a refusal", r)
	}
	before := run(ctx, nil, "fsck", "--data", data)
	if r := run(ctx, nil, append(args, "--with-faults")...); r.code != 0 {
		t.Fatalf("with faults: %+v", r)
	}
	after := run(ctx, nil, "fsck", "--data", data)
	if before.code == 0 ||
		before.stderr[strings.LastIndex(before.stderr, "otad:"):] != after.stderr[strings.LastIndex(after.stderr, "otad:"):] {
		t.Errorf("faults before: %s\nand after: %s", before.stderr, after.stderr)
	}
}
