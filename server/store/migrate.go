// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"landed/server/fleet"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one file migrations/NNNN_what.sql. It is never edited after a release.
type migration struct {
	version int
	name    string
	text    string
}

// migrations lists the files in order and checks that none is missing.
func migrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, path := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql")
		number, _, _ := strings.Cut(name, "_")
		if version, err := strconv.Atoi(number); err != nil || len(number) != 4 || version != i+1 {
			return nil, fmt.Errorf("migration %s: wanted number %04d", path, i+1)
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{i + 1, name, string(text)})
	}
	return all, nil
}

// migrate runs what is missing, all of it in one transaction.
func migrate(ctx context.Context, conn *sql.Conn, now func() time.Time) error {
	all, err := migrations(migrationFiles)
	if err != nil {
		return err
	}
	if err := checkOurs(ctx, conn); err != nil {
		return err
	}
	t, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return kind(err)
	}
	defer t.Rollback()
	if _, err := t.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, at BIGINT NOT NULL)`); err != nil {
		return kind(err)
	}
	var done int
	if err := t.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM schema_migrations`).Scan(&done); err != nil {
		return kind(err)
	}
	if done > len(all) {
		return fleet.Errorf(fleet.Conflict, "database_newer", "its schema is version %d, this program knows %d and older: a newer program wrote it. Run that program, or restore a backup made before it", done, len(all))
	}
	for _, m := range all[done:] {
		if _, err := t.ExecContext(ctx, m.text); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, kind(err))
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO schema_migrations (version, name, at) VALUES ($1, $2, $3)`, m.version, m.name, millis(now())); err != nil {
			return kind(err)
		}
	}
	return kind(t.Commit())
}

// checkOurs refuses a database of another program before anything is written to it.
func checkOurs(ctx context.Context, conn *sql.Conn) error {
	var tables, ours int
	err := conn.QueryRowContext(ctx, `SELECT count(*), count(CASE WHEN name = 'schema_migrations' THEN 1 END) FROM sqlite_master WHERE type = 'table'`).Scan(&tables, &ours)
	if err != nil {
		return kind(err)
	}
	if tables > 0 && ours == 0 {
		return fleet.Errorf(fleet.Conflict, "database_foreign", "the file is a database of another program (%d tables, none of them ours); choose another path", tables)
	}
	return nil
}
