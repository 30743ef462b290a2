// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
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

// migration is one of these files. Databases remember its digest: once it was
// applied anywhere it is never edited, and a change of the schema is a new file.
type migration struct {
	version int
	name    string
	text    string
}

// digest is the SHA-256 of the file, in hex.
func (m migration) digest() string {
	sum := sha256.Sum256([]byte(m.text))
	return hex.EncodeToString(sum[:])
}

// migrations lists the files of a half in order and checks that none is missing.
func migrations(files fs.FS, of string) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/"+of+"/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, path := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"+of+"/"), ".sql")
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
		if err := m.apply(ctx, t, now, h); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	if h.end != nil {
		if err := h.end(ctx, t); err != nil {
			return err
		}
	}
	return kind(t.Commit())
}

func (m migration) apply(ctx context.Context, t *sql.Tx, now func() time.Time, h hooks) error {
	if first := h.before[m.name]; first != nil {
		if err := first(ctx, t); err != nil {
			return err
		}
	}
	if _, err := t.ExecContext(ctx, m.text); err != nil {
		return kind(err)
	}
	if then := h.after[m.name]; then != nil {
		if err := then(ctx, t); err != nil {
			return err
		}
	}
	_, err := t.ExecContext(ctx, `INSERT INTO schema_migrations (version, name, sha256, at) VALUES ($1, $2, $3, $4)`, m.version,
		m.name, m.digest(), rows.Millis(now()))
	return kind(err)
}

// applied is how many of all the database has. It refuses a database to which a newer program
// applied more, or another one something else: its tables would not be what the queries want.
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
	rows, err := t.QueryContext(ctx, `SELECT version, name, `+column+` FROM schema_migrations ORDER BY version`)
	if err != nil {
		return 0, kind(err)
	}
	defer rows.Close()
	done := 0
	var faults []string
	for rows.Next() {
		var version int
		var name, digest string
		if err := rows.Scan(&version, &name, &digest); err != nil {
			return 0, kind(err)
		}
		done = version
		if version < 1 || version > len(all) {
			continue
		}
		if m := all[version-1]; m.name != name || m.digest() != digest {
			faults = append(faults, fmt.Sprintf("it was made with %s of SHA-256 %.12s, and this program has %s of %.12s",
				name, digest, m.name, m.digest()))
		}
	}
	if err := rows.Err(); err != nil {
		return 0, kind(err)
	}
	if len(faults) > 0 {
		return 0, fleet.Errorf(fleet.Conflict, "database_differs", "another build of this program made its tables: %s. "+
			"Nothing was changed. Run the program that made it, or begin with a new folder; before the first release of this "+
			"program its folders do not outlive a change of the tables", strings.Join(faults, "; "))
	}
	if done > len(all) {
		return 0, fleet.Errorf(fleet.Conflict, "database_newer", "its schema is version %d, this program knows %d and "+
			"older: a newer program wrote it. Run that program, or restore a backup made before it", done, len(all))
	}
	return done, nil
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
