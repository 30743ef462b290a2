// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"landed/server/fleet"
	"landed/server/store/rows"
)

//go:embed migrations/*/*.sql
var migrationFiles embed.FS

// Each half has migrations of its own, numbered from 1: migrations/control/NNNN_what.sql and
// migrations/reports/NNNN_what.sql. Those of control before halves are from the time of a single file; they make tables
// of the reports, too, which halves takes out.
const (
	ofControl = "control"
	ofReports = "reports"
	halves    = "0016_halves"
)

type migration = rows.Migration

func migrations(files fs.FS, of string) ([]migration, error) { return rows.Migrations(files, of) }

// hooks are what a half does beside the text of its migrations, in the transaction that applies them.
type hooks struct {
	before map[string]func(context.Context, *sql.Tx) error // a migration, by its name
	after  map[string]func(context.Context, *sql.Tx) error
	end    func(context.Context, *sql.Tx) error // once any was applied
}

// migrate runs those of all[:upTo] that are missing, in one transaction, unless the database was
// made with others than these.
func migrate(ctx context.Context, conn *sql.Conn, all []migration, upTo int, now func() time.Time, h hooks) error {
	if err := checkOurs(ctx, conn); err != nil {
		return err
	}
	t, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return kind(err)
	}
	defer t.Rollback()
	if _, err := t.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY,
		name TEXT NOT NULL, sha256 TEXT NOT NULL, at BIGINT NOT NULL)`); err != nil {
		return kind(err)
	}
	done, err := applied(ctx, t, all)
	if err != nil || done >= upTo {
		return err
	}
	for _, m := range all[done:upTo] {
		if err := apply(ctx, t, m, now, h); err != nil {
			return fmt.Errorf("migration %s: %w", m.Name, err)
		}
	}
	if h.end != nil {
		if err := h.end(ctx, t); err != nil {
			return err
		}
	}
	return kind(t.Commit())
}

func apply(ctx context.Context, t *sql.Tx, m migration, now func() time.Time, h hooks) error {
	if first := h.before[m.Name]; first != nil {
		if err := first(ctx, t); err != nil {
			return err
		}
	}
	if _, err := t.ExecContext(ctx, m.Text); err != nil {
		return kind(err)
	}
	if then := h.after[m.Name]; then != nil {
		if err := then(ctx, t); err != nil {
			return err
		}
	}
	_, err := t.ExecContext(ctx, `INSERT INTO schema_migrations (version, name, sha256, at) VALUES ($1, $2, $3, $4)`, m.Version,
		m.Name, m.Digest(), rows.Millis(now()))
	return kind(err)
}

// applied is how many of all the database has.
func applied(ctx context.Context, t *sql.Tx, all []migration) (int, error) {
	var digests int
	if err := t.QueryRowContext(ctx, `SELECT count(*) FROM pragma_table_info('schema_migrations')
		WHERE name = 'sha256'`).Scan(&digests); err != nil {
		return 0, kind(err)
	}
	column := "sha256"
	if digests == 0 { // a program made it that did not keep them yet
		column = "'unknown'"
	}
	found, err := t.QueryContext(ctx, `SELECT version, name, `+column+` FROM schema_migrations ORDER BY version`)
	done, err := collect(found, err, func(scan func(...any) error) (a rows.Applied, err error) {
		return a, scan(&a.Version, &a.Name, &a.Digest)
	})
	if err != nil {
		return 0, err
	}
	return rows.CheckApplied(done, all)
}

// checkOurs refuses a database of another program before anything is written to it.
func checkOurs(ctx context.Context, conn *sql.Conn) error {
	var tables, ours int
	err := conn.QueryRowContext(ctx, `SELECT count(*), count(CASE WHEN name = 'schema_migrations' THEN 1 END)
		FROM sqlite_master WHERE type = 'table'`).Scan(&tables, &ours)
	if err != nil {
		return kind(err)
	}
	if tables > 0 && ours == 0 {
		return fleet.Errorf(fleet.Conflict, "database_foreign", "the file is a database of another program (%d tables, "+
			"none of them ours); choose another path", tables)
	}
	return nil
}
