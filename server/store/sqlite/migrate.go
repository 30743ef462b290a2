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
	if err := rememberOldest(ctx, t); err != nil {
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
	_, err := t.ExecContext(ctx, `INSERT INTO schema_migrations (version, name, sha256, at, oldest) VALUES ($1, $2, $3, $4, $5)`,
		m.Version, m.Name, m.Digest(), rows.Millis(now()), m.Oldest)
	return kind(err)
}

// rememberOldest makes room for which older programs may go on, which those did not keep.
func rememberOldest(ctx context.Context, t *sql.Tx) error {
	if there, err := remembers(ctx, t, "oldest"); err != nil || there {
		return err
	}
	_, err := t.ExecContext(ctx, `ALTER TABLE schema_migrations ADD COLUMN oldest BIGINT NOT NULL DEFAULT 0`)
	return kind(err)
}

// remembers says if the list of migrations has a column.
func remembers(ctx context.Context, t *sql.Tx, column string) (there bool, err error) {
	err = t.QueryRowContext(ctx, `SELECT count(*) > 0 FROM pragma_table_info('schema_migrations') WHERE name = $1`, column).Scan(&there)
	return there, kind(err)
}

// applied is how many of all the database has.
func applied(ctx context.Context, t *sql.Tx, all []migration) (int, error) {
	digests, err := remembers(ctx, t, "sha256")
	if err != nil {
		return 0, err
	}
	oldests, err := remembers(ctx, t, "oldest")
	if err != nil {
		return 0, err
	}
	digest, oldest := "sha256", "oldest"
	if !digests { // a program made it that did not keep them yet
		digest = "'unknown'"
	}
	if !oldests {
		oldest = "0"
	}
	found, err := t.QueryContext(ctx, `SELECT version, name, `+digest+`, `+oldest+` FROM schema_migrations ORDER BY version`)
	done, err := collect(found, err, func(scan func(...any) error) (a rows.Applied, err error) {
		return a, scan(&a.Version, &a.Name, &a.Digest, &a.Oldest)
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

// newer says which version the schema of a half is if a newer program made that, beside which this one goes on; else 0. known
// is how many migrations this one knows.
func (h *half) newer(ctx context.Context, of string) (version, known int, err error) {
	all, err := migrations(migrationFiles, of)
	if err != nil {
		return 0, 0, err
	}
	err = h.readers.QueryRowContext(ctx, `SELECT max(version) FROM schema_migrations`).Scan(&version)
	if err != nil || version <= len(all) {
		return 0, len(all), kind(err)
	}
	return version, len(all), nil
}
