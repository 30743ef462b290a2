// SPDX-License-Identifier: Apache-2.0

//go:build unix

package otad

import (
	"context"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/server/store/postgres/pgtest"
)

// The command runs as a process of its own where one is killed, and in scripts.
func TestMain(m *testing.M) {
	testscript.Main(pgtest.Tests{M: m}, map[string]func(){"otad": func() {
		ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
		defer cancel()
		os.Exit(Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
	}})
}

// TestDatabaseOnServer keeps the fleet in PostgreSQL: the folder remembers where, and what works with files alone says so.
func TestDatabaseOnServer(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	control, reports := pgtest.Database(t), pgtest.Database(t)
	env := map[string]string{"OTAD_DATABASE": control, "OTAD_REPORTS_DATABASE": reports}
	if made := run(ctx, env, "init", "--data", data, "--token-only"); made.code != 0 || !strings.HasPrefix(made.stdout, "landed_") {
		t.Fatalf("init: %+v", made)
	}
	if _, err := os.Stat(filepath.Join(data, "landed.db")); err == nil {
		t.Error("there is a file of SQLite as well")
	}
	info, err := os.Stat(filepath.Join(data, "database"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; wanted a private file", info, err)
	}
	for name, flags := range map[string][]string{"ann": nil, "ben": {"-database", control, "-reports-database", reports}} {
		url, end := serving(t, data, flags...)
		for _, path := range []string{"/readyz", "/status.json"} {
			resp := asked(t, url+path)
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("%s: %s %s", path, resp.Status, text)
			}
		}
		if r := run(ctx, nil, "token", "add", name, "--data", data); r.code != 0 {
			t.Errorf("token add beside a running server: %+v", r)
		}
		if r := end(); r.code != 0 {
			t.Errorf("serve: %+v", r)
		}
	}
	if r := run(ctx, nil, "fsck", "--data", data); r.code != 0 || !strings.Contains(r.stdout, "Everything is as it was") {
		t.Errorf("fsck: %+v", r)
	}
	for _, args := range [][]string{{"backup", filepath.Join(t.TempDir(), "b.tar")}, {"restore", filepath.Join(data, "database"), "--force"}} {
		if r := run(ctx, nil, append(args, "--data", data)...); r.code == 0 || !strings.Contains(r.stderr, "pg_dump") {
			t.Errorf("%s: %+v; wanted to be told of pg_dump", args[0], r)
		}
	}
}

// TestDatabaseAddresses refuses what is no address, in words that have no password.
func TestDatabaseAddresses(t *testing.T) {
	for _, flags := range [][]string{
		{"--database", "mysql://u:sesame@h/x"}, {"--database", "postgres://u:sesame@h:a/x"},
		{"--database", "postgres://u:sesame@127.0.0.1:1/x"}, {"--database", "postgres://u:sesame@h/x postgres://h/x"},
		{"--reports-database", "postgres://u:sesame@h/x"},
	} {
		data := filepath.Join(t.TempDir(), "data")
		r := run(context.Background(), nil, append([]string{"init", "--data", data}, flags...)...)
		if r.code == 0 || r.stderr == "" || strings.Contains(r.stdout+r.stderr, "sesame") {
			t.Errorf("%v: %+v", flags, r)
		}
	}
}
