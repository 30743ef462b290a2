// SPDX-License-Identifier: Apache-2.0

//go:build unix

package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestEnginesHaveTheSameTables: a migration of one engine has one of the other beside it. A shard of a figure and the row
// in which readiness writes are PostgreSQL's alone.
func TestEnginesHaveTheSameTables(t *testing.T) {
	ctx := context.Background()
	address, path := storetest.Postgres(t), filepath.Join(t.TempDir(), "landed.db")
	db, err := store.Make(ctx, path, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for schema, file := range map[string]string{"landed_control": path, "landed_reports": store.ReportsFile(path)} {
		found, err := conn.Query(ctx, `SELECT table_name, string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns
			WHERE table_schema = $1 AND NOT (table_name = 'counts' AND column_name = 'shard') AND table_name <> 'probe' GROUP BY 1`, schema)
		if err != nil {
			t.Fatal(err)
		}
		onServer := map[string]string{}
		var table, columns string
		if _, err := pgx.ForEachRow(found, []any{&table, &columns}, func() error { onServer[table] = columns; return nil }); err != nil {
			t.Fatal(err)
		}
		inFile := tablesOf(t, file)
		for _, table := range slices.Sorted(maps.Keys(inFile)) {
			if onServer[table] != inFile[table] {
				t.Errorf("%s.%s: PostgreSQL has %q, SQLite %q", schema, table, onServer[table], inFile[table])
			}
			delete(onServer, table)
		}
		if len(onServer) > 0 {
			t.Errorf("%s: of PostgreSQL alone: %v", schema, onServer)
		}
	}
}

func tablesOf(t *testing.T, file string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.Query(`SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
		AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid`)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	all := map[string][]string{}
	for found.Next() {
		var table, column string
		if err := found.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		all[table] = append(all[table], column)
	}
	if err := found.Err(); err != nil || len(all) == 0 {
		t.Fatalf("%v, %v", all, err)
	}
	tables := map[string]string{}
	for table, columns := range all {
		tables[table] = strings.Join(columns, " ")
	}
	return tables
}

// TestEnginesRecordTheSame writes a row of each table that is recorded: its digest is the same on both, so that a fleet
// which moves from one to the other brings its records along.
func TestEnginesRecordTheSame(t *testing.T) {
	ctx := context.Background()
	at := storetest.Now.Add(1234 * time.Millisecond)
	write := func(tx fleet.Tx) error {
		return errors.Join(
			tx.Packages().Put(ctx, fleet.Package{SHA256: "aa", Name: "n", Size: 1 << 40, Model: "armani", Variant: "armani", Channel: "stable",
				PreBuilds: []string{"p"}, Facts: []byte{0, 1}, At: at}),
			tx.Releases().Create(ctx, fleet.Release{Name: "one", Counter: 7, State: fleet.ReleaseDraft, Source: []byte("é"), At: at}),
			tx.Changes().Create(ctx, fleet.Change{ID: "c", State: fleet.ChangeOpen, At: at}),
			tx.Metadata().Put(ctx, fleet.Metadata{Role: "root", Version: 1, Bytes: []byte("{}"), Expires: at}),
			tx.Rollouts().Create(ctx, fleet.Rollout{ID: "r", Release: "one", Model: "armani", Channel: "stable", Seconded: true,
				Stages: []fleet.Stage{{Share: 100}}, Reason: fleet.Said("“why”"), Started: at}),
			tx.Models().Put(ctx, fleet.Model{Device: "armani", At: at}),
			tx.Channels().Put(ctx, fleet.Channel{Name: "stable", At: at}),
			tx.Holders().Put(ctx, map[string]string{"k": "Ana"}),
			tx.Admissions().Put(ctx, fleet.Admission{Model: "armani", Key: []byte{9}, At: at}),
			tx.Quarantines().Put(ctx, fleet.Quarantine{ID: "q", At: at}),
			tx.Epochs().Put(ctx, fleet.Epoch{Model: "armani", Channel: "stable", N: 1, At: at}),
			tx.Statements().Put(ctx, fleet.Statement{ID: "s", Model: "armani", Envelope: []byte("x"), At: at}),
			tx.Statements().Suspend(ctx, "r", "me", at, "w"),
			tx.Tokens().Put(ctx, fleet.Token{Name: "t", Hash: []byte{1}, At: at}),
			tx.Proposals().Put(ctx, fleet.Proposal{ID: "p", At: at}))
	}
	records := func(address string) (all []string) {
		db, err := store.Make(ctx, address, storetest.Clock)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Update(ctx, write); err != nil {
			t.Fatal(err)
		}
		if err := db.View(ctx, func(tx fleet.Tx) error {
			leaves, err := tx.Seals().Leaves(ctx, fleet.TreeRecords, 0, 1000)
			for _, l := range leaves {
				text := string(l.Data)
				if !strings.Contains(text, "schema_migrations") { // each engine has its own
					all = append(all, text[:strings.Index(text, `"n":`)]+text[strings.Index(text, `"sha256"`):])
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	file, server := records(filepath.Join(t.TempDir(), "landed.db")), records(storetest.Postgres(t))
	if len(file) < 15 || fmt.Sprint(file) != fmt.Sprint(server) {
		for n := range max(len(file), len(server)) {
			t.Errorf("record %d: SQLite %q, PostgreSQL %q", n, lineOf(file, n), lineOf(server, n))
		}
	}
}

func lineOf(all []string, n int) string {
	if n < len(all) {
		return all[n]
	}
	return "none"
}
