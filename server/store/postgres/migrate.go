// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"embed"
	"errors"
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

// migrate brings the schemas of both halves up to date, each in one transaction. Servers that start at once queue. It does
// nothing while a server lives that speaks another protocol: the tables are to stay his.
func (d *DB) migrate(ctx context.Context, now func() time.Time, k rows.Key) error {
	for _, h := range []*half{d.control, d.reports} {
		all, err := rows.Migrations(migrationFiles, h.of)
		if err != nil {
			return err
		}
		done, err := h.applied(ctx, all)
		if err == nil && done < len(all) {
			err = d.control.protocols(ctx)
		}
		if err != nil {
			return h.wrap("open", err)
		}
	}
	for _, h := range []*half{d.control, d.reports} {
		all, err := rows.Migrations(migrationFiles, h.of)
		if err != nil {
			return err
		}
		if err := h.migrateTo(ctx, all, now, k); err != nil {
			return h.wrap("open", err)
		}
	}
	return nil
}

// applied is appliedTo of a half.
func (h *half) applied(ctx context.Context, all []rows.Migration) (done int, err error) {
	conn, err := h.writers.Acquire(ctx)
	if err != nil {
		return 0, kind(err)
	}
	defer conn.Release()
	return appliedTo(ctx, conn, h.of, all)
}

// protocols refuses a database on which a server lives that speaks another protocol.
func (h *half) protocols(ctx context.Context) error {
	var members bool
	if err := h.writers.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'members')`,
		schemaOf(h.of)).Scan(&members); err != nil || !members {
		return kind(err)
	}
	var program string
	err := h.writers.QueryRow(ctx, `SELECT program FROM members WHERE protocol <> $1 AND until > (`+serverTime+`) LIMIT 1`,
		fleet.Protocol).Scan(&program)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = fleet.Errorf(fleet.Conflict, "other_protocol", "nothing was changed: a server of the program %s runs on this database, "+
			"with which this one does not agree how to publish; end it first", program)
	}
	return kind(err)
}

func (h *half) migrateTo(ctx context.Context, all []rows.Migration, now func() time.Time, k rows.Key) error {
	conn, err := h.writers.Acquire(ctx)
	if err != nil {
		return kind(err)
	}
	defer conn.Release()
	return migrateTo(ctx, conn.Conn(), h.of, all, now, k)
}

func migrateTo(
	ctx context.Context, conn *pgx.Conn, of string, all []rows.Migration, now func() time.Time, k rows.Key,
) error {
	done, err := appliedTo(ctx, conn, of, all)
	if err != nil || done >= len(all) { // nothing is locked, and nothing need be allowed
		return err
	}
	// Who writes the half has his turn first, and then waits: what is recorded of a row is what it is.
	t, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: fmt.Sprintf("%s; SELECT pg_advisory_xact_lock(%d, %d); "+
		"SELECT pg_advisory_xact_lock(%d, %d)", beginWriting, lockSpace, lockMigrations, lockSpace, lockOf(of))})
	if err != nil {
		return kind(err)
	}
	defer rollback(t)
	// Another server may have done it meanwhile.
	if done, err = appliedTo(ctx, t, of, all); err != nil || done >= len(all) {
		return err
	}
	if done == 0 {
		if err := makeSchema(ctx, t, schemaOf(of)); err != nil {
			return err
		}
	}
	// Older programs did not keep which of them may go on.
	if _, err := t.Exec(ctx, `ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS oldest BIGINT NOT NULL DEFAULT 0`); err != nil {
		return kind(err)
	}
	for _, m := range all[done:] {
		if _, err := t.Exec(ctx, m.Text); err != nil {
			return fmt.Errorf("migration %s: %w", m.Name, kind(err))
		}
		if _, err := t.Exec(ctx, `INSERT INTO schema_migrations (version, name, sha256, at, oldest) VALUES ($1, $2, $3, $4, $5)`,
			m.Version, m.Name, m.Digest(), rows.Millis(now()), m.Oldest); err != nil {
			return kind(err)
		}
	}
	if of == ofControl {
		if err := recordAll(ctx, t, k); err != nil {
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
	found, err := q.Query(ctx, `SELECT version, name, sha256, coalesce((to_jsonb(m) ->> 'oldest')::bigint, 0)
		FROM schema_migrations m ORDER BY version`) // older programs made it without the last column
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
func recordAll(ctx context.Context, t pgx.Tx, k rows.Key) error {
	q := &session{t: t}
	return rows.RecordAll(ctx, q, k, func(table string) (made bool, err error) {
		err = q.Row(ctx, []any{&made}, `SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2)`,
			schemaOfControl, table)
		return made, err
	})
}

// newer says which version the schema of a half is if a newer program made that, beside which this one goes on; else 0. known
// is how many migrations this one knows.
func newer(ctx context.Context, q asker, of string) (version, known int, err error) {
	all, err := rows.Migrations(migrationFiles, of)
	if err != nil {
		return 0, 0, err
	}
	err = q.QueryRow(ctx, `SELECT max(version) FROM `+schemaOf(of)+`.schema_migrations`).Scan(&version)
	if err != nil || version <= len(all) {
		return 0, len(all), kind(err)
	}
	return version, len(all), nil
}
