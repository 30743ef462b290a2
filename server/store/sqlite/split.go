// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/server/fleet"
)

// prepareControl brings the control file up to date. Of a single file of an older program, and of a new one, it makes
// two: the reports are copied into a file that appears whole, and only then taken out of control, in the transaction
// that keeps every other writer out. Whatever ends the program before that is committed, the copy is made anew.
func prepareControl(ctx context.Context, conn *sql.Conn, path string, now func() time.Time) error {
	all, err := migrations(migrationFiles, ofControl)
	if err != nil {
		return err
	}
	single := slices.IndexFunc(all, func(m migration) bool { return m.Name == halves })
	h := hooks{after: backfills[ofControl], end: recordAll}
	if err := migrate(ctx, conn, all, single, now, h); err != nil {
		return err
	}
	h.before = map[string]func(context.Context, *sql.Tx) error{halves: func(ctx context.Context, _ *sql.Tx) error {
		return makeReports(ctx, path, now)
	}}
	if err := migrate(ctx, conn, all, len(all), now, h); err != nil {
		return err
	}
	return shrink(ctx, conn)
}

// shrink gives back the room that the reports left: most of the file is free after that, and never else. That it fails
// means no more than that the file stays large until it is opened the next time.
func shrink(ctx context.Context, conn *sql.Conn) error {
	var free, pages int64
	if err := conn.QueryRowContext(ctx, `SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count`).
		Scan(&free, &pages); err != nil {
		return kind(err)
	}
	if free > 1000 && free > pages/2 {
		conn.ExecContext(ctx, `VACUUM`)
	}
	return nil
}

// makeReports makes the file of the reports, with what the single file at path has of them.
func makeReports(ctx context.Context, path string, now func() time.Time) (err error) {
	to := ReportsFile(path)
	if err := notAhead(ctx, path, to); err != nil {
		return err
	}
	temp := to + ".new"
	if err := removeAll(temp, to+"-wal", to+"-shm"); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeAll(temp)) }() // it is gone if it was renamed
	err = copyReports(ctx, path, temp, now)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("copy the reports into a file of their own (there must be as much room as they take): %w", err)
	}
	return durable.Rename(temp, to)
}

func removeAll(names ...string) (err error) {
	for _, n := range names {
		if fault := os.Remove(n); !errors.Is(fault, fs.ErrNotExist) {
			err = errors.Join(err, fault)
		}
	}
	return err
}

// notAhead refuses to overwrite a file of reports that has more of them than the single file: it is not left over from
// a copy that was cut off. One that cannot be read is.
func notAhead(ctx context.Context, path, to string) error {
	newest := func(path string) (n int64, err error) {
		db, err := sql.Open("sqlite", address(path, "mode=ro&_pragma=busy_timeout(5000)"))
		if err == nil {
			defer db.Close()
			err = db.QueryRowContext(ctx, `SELECT coalesce(max(n), 0) FROM reports`).Scan(&n)
		}
		return n, kind(err)
	}
	if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	there, err := newest(to)
	if err != nil {
		return nil
	}
	here, err := newest(path)
	if err == nil && there > here {
		err = fleet.Errorf(fleet.Conflict, "reports_ahead", "%s has %d reports, and the database beside it, which is of an older "+
			"program, %d: they do not belong together. Nothing was changed. Move away the one that is not wanted", to, there, here)
	}
	return err
}

// copyReports fills an empty file. Whoever calls it keeps writers out of the single file, and makes the copy durable.
func copyReports(ctx context.Context, from, to string, now func() time.Time) error {
	db, err := sql.Open("sqlite", address(to, "_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-65536)"))
	if err != nil {
		return kind(err)
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return kind(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, `ATTACH $1 AS single`, address(from, "mode=ro")); err != nil {
		return kind(err)
	}
	all, err := migrations(migrationFiles, ofReports)
	if err != nil {
		return err
	}
	// The first one alone: its tables are those of the single file. What came later is done when the file is opened.
	return migrate(ctx, conn, all, 1, now, hooks{end: copyTables})
}

// copyTables takes each table of the reports over, column by column.
func copyTables(ctx context.Context, t *sql.Tx) error {
	names := func(text string, args ...any) ([]string, error) {
		rows, err := t.QueryContext(ctx, text, args...)
		return collect(rows, kind(err), func(scan func(...any) error) (s string, err error) { return s, scan(&s) })
	}
	tables, err := names(`SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'schema_migrations'
		AND name NOT LIKE 'sqlite_%'`)
	if err != nil {
		return err
	}
	for _, table := range tables {
		columns, err := names(`SELECT name FROM pragma_table_info($1, 'main') ORDER BY cid`, table)
		if err != nil {
			return err
		}
		list := strings.Join(columns, ", ")
		if _, err := t.ExecContext(ctx, fmt.Sprintf(`INSERT INTO main.%[1]s (%[2]s) SELECT %[2]s FROM single.%[1]s`, table,
			list)); err != nil {
			return fmt.Errorf("table %s: %w", table, kind(err))
		}
		var here, there int64
		if err := t.QueryRowContext(ctx, fmt.Sprintf(`SELECT (SELECT count(*) FROM main.%[1]s), (SELECT count(*) FROM single.%[1]s)`,
			table)).Scan(&here, &there); err != nil {
			return kind(err)
		}
		if here != there {
			return fmt.Errorf("table %s: %d rows of %d were copied", table, here, there)
		}
	}
	return nil
}
