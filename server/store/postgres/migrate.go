// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"landed/server/fleet"
	"landed/server/store/rows"
)

//go:embed migrations/*/*.sql
var migrationFiles embed.FS

// Each half has migrations of its own, numbered from 1: migrations/control/NNNN_what.sql and
// migrations/reports/NNNN_what.sql. They name no schema: search_path has it.
const (
	ofControl = "control"
	ofReports = "reports"
)

// migrate brings the schema of a half up to date, in one transaction. Servers that start at once queue.
func migrate(ctx context.Context, conn *pgx.Conn, of string, now func() time.Time) error {
	all, err := rows.Migrations(migrationFiles, of)
	if err != nil {
		return err
	}
	return migrateTo(ctx, conn, of, all, now)
}

func migrateTo(ctx context.Context, conn *pgx.Conn, of string, all []rows.Migration, now func() time.Time) error {
	done, err := appliedTo(ctx, conn, of, all)
	if err != nil || done == len(all) { // nothing is locked, and nothing need be allowed
		return err
	}
	t, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: fmt.Sprintf("%s; SELECT pg_advisory_xact_lock(%d, %d)", beginWriting,
		lockSpace, lockMigrations)})
	if err != nil {
		return kind(err)
	}
	defer rollback(t)
	// Another server may have done it meanwhile.
	if done, err = appliedTo(ctx, t, of, all); err != nil || done == len(all) {
		return err
	}
	if done == 0 {
		if err := makeSchema(ctx, t, schemaOf(of)); err != nil {
			return err
		}
	}
	for _, m := range all[done:] {
		if _, err := t.Exec(ctx, m.Text); err != nil {
			return fmt.Errorf("migration %s: %w", m.Name, kind(err))
		}
		if _, err := t.Exec(ctx, `INSERT INTO schema_migrations (version, name, sha256, at) VALUES ($1, $2, $3, $4)`, m.Version, m.Name,
			m.Digest(), rows.Millis(now())); err != nil {
			return kind(err)
		}
	}
	if of == ofControl {
		if err := recordAll(ctx, t); err != nil {
			return err
		}
	}
	return kind(t.Commit(ctx))
}

// makeSchema makes an empty schema; one that a person made beforehand, for a user who may not, will do.
func makeSchema(ctx context.Context, t pgx.Tx, schema string) error {
	var there bool
	if err := t.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)`, schema).Scan(&there); err != nil {
		return kind(err)
	}
	if !there {
		if _, err := t.Exec(ctx, `CREATE SCHEMA `+schema); err != nil {
			return fmt.Errorf("make the schema %s (the user needs CREATE on the database, or somebody makes the schema his): %w", schema,
				kind(err))
		}
	}
	_, err := t.Exec(ctx, `CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, name TEXT COLLATE "C" NOT NULL,
		sha256 TEXT COLLATE "C" NOT NULL, at BIGINT NOT NULL)`)
	return kind(err)
}

// asker is a connection or a transaction.
type asker interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, text string, args ...any) pgx.Row
}

// appliedTo is how many of all the schema of a half has; it refuses one with tables of another program.
func appliedTo(ctx context.Context, q asker, of string, all []rows.Migration) (done int, err error) {
	var tables, ours int
	if err := q.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE tablename = 'schema_migrations') FROM pg_tables
		WHERE schemaname = $1`, schemaOf(of)).Scan(&tables, &ours); err != nil {
		return 0, kind(err)
	}
	if ours == 0 && tables > 0 {
		return 0, fleet.Errorf(fleet.Conflict, "database_foreign", "its schema %s has %d tables of another program; choose another "+
			"database", schemaOf(of), tables)
	}
	if ours == 0 {
		return 0, nil
	}
	found, err := q.Query(ctx, `SELECT version, name, sha256 FROM schema_migrations ORDER BY version`)
	if err != nil {
		return 0, kind(err)
	}
	applied, err := pgx.CollectRows(found, pgx.RowToStructByPos[rows.Applied])
	if err != nil {
		return 0, kind(err)
	}
	return rows.CheckApplied(applied, all)
}

// recordAll records what the migrations of control wrote.
func recordAll(ctx context.Context, t pgx.Tx) error {
	q := &session{t: t}
	return rows.RecordAll(ctx, q, func(table string) (made bool, err error) {
		err = q.Row(ctx, []any{&made}, `SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2)`,
			schemaOfControl, table)
		return made, err
	})
}
