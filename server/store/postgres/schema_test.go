// SPDX-License-Identifier: Apache-2.0

//go:build unix

package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"landed/server/fleet"
	"landed/server/store/postgres"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

// TestServersStartAtOnce: an empty database gets its tables once.
func TestServersStartAtOnce(t *testing.T) {
	address := pgtest.Database(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			db, err := postgres.Open(ctx, address, now)
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	group.Wait()
	db := open(t, address)
	faults, err := db.Integrity(ctx, false)
	more, err2 := db.CheckRecords(ctx)
	if err := errors.Join(err, err2); err != nil || len(faults)+len(more) > 0 {
		t.Errorf("%v, %v, %v", faults, more, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct{ name, code, text string }{
		{"a newer program's control", "database_newer", `INSERT INTO landed_control.schema_migrations VALUES (9999, 'x', '', 0)`},
		{"a newer program's reports", "database_newer", `INSERT INTO landed_reports.schema_migrations VALUES (9999, 'x', '', 0)`},
		{"tables that were edited in place", "database_differs", `UPDATE landed_reports.schema_migrations SET sha256 = 'abc'`},
		{"another program's schema", "database_foreign", `DROP TABLE landed_control.schema_migrations`},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := storetest.Postgres(t)
			do(t, outside(t, address), test.text)
			db, err := postgres.Open(ctx, address, now)
			if codeOf(err) != test.code || db != nil {
				t.Errorf("got %v, wanted %s", err, test.code)
			}
		})
	}
}

// TestSchemasMadeByAnother: who may not make a schema uses those that somebody made for him. That he cannot make one to
// compare with is said, and is no fault of the database.
func TestSchemasMadeByAnother(t *testing.T) {
	address := pgtest.Database(t)
	role := fmt.Sprintf("landed_limited_%d", os.Getpid())
	other := outside(t, address)
	do(t, other, `CREATE ROLE `+role+` LOGIN`)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	if db, err := postgres.Open(ctx, u.String(), now); err == nil || !strings.Contains(err.Error(), "CREATE on the database") || db != nil {
		t.Errorf("got %v, wanted to be told what is missing", err)
	}
	do(t, other, `CREATE SCHEMA landed_control AUTHORIZATION `+role)
	do(t, other, `CREATE SCHEMA landed_reports AUTHORIZATION `+role)
	db := open(t, u.String())
	if err := errors.Join(db.Update(ctx, putToken("a")), db.Ready(ctx), db.ReportsReady(ctx)); err != nil {
		t.Error(err)
	}
	if _, err := db.Integrity(ctx, true); err == nil || !strings.Contains(err.Error(), "CREATE on the database") {
		t.Errorf("got %v", err)
	}
	db.Close()
	do(t, other, `DROP OWNED BY `+role+` CASCADE`)
	do(t, other, `DROP ROLE `+role)
}

// TestDumpComesBack: what pg_dump wrote is, in another database, what it was, and goes on.
func TestDumpComesBack(t *testing.T) {
	dump, restore := pgtest.Program(t, "pg_dump"), pgtest.Program(t, "psql")
	from, to := storetest.Postgres(t), pgtest.Database(t)
	db := open(t, from)
	fill := func(db *postgres.DB, seq int64) error {
		return errors.Join(db.Update(ctx, putToken(fmt.Sprint("token ", seq))), db.Intake(ctx, func(tx fleet.Tx) error {
			_, err := tx.Reports().Append(ctx, fleet.StoredReport{Ref: "R", ID: fmt.Sprint(seq), Seq: seq, Envelope: []byte("x")})
			return err
		}))
	}
	if err := errors.Join(fill(db, 1), fill(db, 2)); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(dump, "-n", "landed_control", "-n", "landed_reports", from).Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(restore, "-q", "-v", "ON_ERROR_STOP=1", to)
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	back := open(t, to)
	if err := fill(back, 3); err != nil {
		t.Fatal(err)
	}
	faults, err1 := back.Integrity(ctx, false)
	more, err2 := back.CheckRecords(ctx)
	if err := errors.Join(err1, err2); err != nil || len(faults)+len(more) > 0 {
		t.Errorf("%v, %v, %v", faults, more, err)
	}
	if err := back.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Reports().Arrived(ctx, "R")
		if len(all) != 3 || all[2].Seq != 3 {
			t.Errorf("reports %+v", all)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAppendOnlyTablesRefuseChange(t *testing.T) {
	address := storetest.Postgres(t)
	db, other := open(t, address), outside(t, address)
	r, key := storetest.Report(1, 1)
	if err := errors.Join(db.UpdateReports(ctx, func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(ctx, storetest.Stored(t, r, key, now()))
		return err
	}), db.Update(ctx, func(tx fleet.Tx) error { return tx.Audit().Append(ctx, fleet.AuditEntry{Action: "x"}) })); err != nil {
		t.Fatal(err)
	}
	// Without it a report is not taken out either, but the trigger finds no table to look into.
	if _, err := other.Exec(ctx, `SET search_path TO landed_reports`); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`UPDATE landed_reports.reports SET seq = 2`, `DELETE FROM landed_reports.reports`,
		`TRUNCATE landed_reports.reports`, `UPDATE landed_control.audit SET actor = 'nobody'`, `DELETE FROM landed_control.audit`,
		`DELETE FROM landed_control.records`, `DELETE FROM landed_control.heads`, `DELETE FROM landed_control.statements`} {
		if _, err := other.Exec(ctx, text); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: got %v, wanted a refusal", text, err)
		}
	}
}

// TestIntegrityNames what another hand did to the schemas, and to rows.
func TestIntegrityNames(t *testing.T) {
	address := storetest.Postgres(t)
	db, other := open(t, address), outside(t, address)
	if err := db.Update(ctx, putToken("a")); err != nil {
		t.Fatal(err)
	}
	if faults, err := db.Integrity(ctx, false); err != nil || len(faults) > 0 {
		t.Fatalf("of a good database: %v, %v", faults, err)
	}
	for _, text := range []string{
		`CREATE TABLE landed_control.songs (title TEXT)`,
		`DROP TRIGGER audit_append_only ON landed_control.audit`,
		`ALTER TABLE landed_reports.reports DISABLE TRIGGER reports_append_only`,
		`DROP INDEX landed_reports.counts_model`,
		`CREATE OR REPLACE FUNCTION landed_reports.append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
		`ALTER TABLE landed_control.tokens ALTER COLUMN by SET DEFAULT 'x'`,
		`UPDATE landed_control.tokens SET role = 'admin'`,
	} {
		do(t, other, text)
	}
	faults, err := db.Integrity(ctx, true)
	more, err2 := db.CheckRecords(ctx)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(append(faults, more...), "\n")
	for _, want := range []string{"table songs is none of this program", "trigger audit_append_only on audit is missing",
		"trigger reports_append_only on reports is missing, or not as", "index counts_model is missing",
		"function append_only is missing, or not as", "table tokens is missing, or not as", `tokens: the row "a" is not as`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	if n := len(faults) + len(more); n != 7 {
		t.Errorf("%d faults, wanted 7:\n%s", n, got)
	}
}

func TestRecountFindsDifferences(t *testing.T) {
	address := storetest.Postgres(t)
	db, other := open(t, address), outside(t, address)
	do(t, other, `INSERT INTO landed_reports.counts VALUES ('one', 'armani', 'stable', '', 'verdict', 'leak', 3, 7),
		('one', 'armani', 'stable', '', 'verdict', 'leak', 4, -9)`)
	do(
		t,
		other,
		`INSERT INTO landed_reports.reports (ref, id, seq, at, late, envelope, schema, release) VALUES ('R', 'I', 1, 0, false, 'x', 1, '')`,
	)
	got, err := db.Recount(ctx)
	text := strings.Join(got, "\n")
	if err != nil || !strings.Contains(text, "verdict leak is -2, a scan finds 0") || !strings.Contains(text, "1 reports belong to no") {
		t.Errorf("%v, %s", err, text)
	}
}
