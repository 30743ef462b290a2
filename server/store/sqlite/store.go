// SPDX-License-Identifier: Apache-2.0

// Package sqlite keeps the fleet in two SQLite files: control, which is what people decide and sign, and the reports,
// which are what handsets say and what that adds up to.
//
// Parties: server/store opens it by its address. It keeps the contracts of server/fleet and those of server/store.
//
// It promises that an Update which returned nil is on disk (WAL, synchronous=FULL), that
// one which returned an error never happened, that a View sees one state of each file and cannot write,
// and that every error of the driver has become a kind of fleet by its code. Reports and
// the audit trail are append-only: a trigger refuses anything else. Figures are
// maintained, never counted for a page; Recount checks them. Whatever becomes of the file of the reports, control is
// opened, read and written: no connection has both, and none waits for the other's.
//
// It refuses a database that a newer program wrote, unless that said that this one may go on, or one with other tables,
// and files that are no database of ours. Where there is none, Open makes none: one that is away must not be taken for one that is new.
// Its migrations are for SQLite alone (a remark in the first one says otherwise, and cannot be
// mended: databases remember the digest of each). What it keeps in them, and most of how it asks for it, is
// server/store/rows; here are files, transactions, migrations, and what SQLite does in its own way.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// DB is an open database. It implements fleet.Store.
type DB struct {
	path    string // of control
	control *half
	reports *reportsFile
	key     atomic.Pointer[rows.Key] // of the MACs of records and of the trail
	closed  atomic.Bool
}

var _ fleet.Store = (*DB)(nil)

// ReportsFile is where the reports lie of a database whose control file is at path: beside it.
func ReportsFile(path string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-reports" + ext
}

// Open opens the database whose control file is at path, and brings its schema up to date; a single file of an older
// program becomes two. now stamps the migrations. Only one process at a time should write. A control file that is not there,
// or is empty, is refused with the code database_missing and not made. If the file of the reports is missing, damaged or not
// ours, the database opens all the same; ReportsReady and whatever needs them say what is wrong.
func Open(ctx context.Context, path string, now func() time.Time, options ...rows.Option) (*DB, error) {
	mark, err := readMark(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if strings.HasPrefix(mark, rows.Unfinished) {
		return nil, fmt.Errorf("open database %s: %w", path, rows.ErrUnfinished)
	}
	return open(ctx, path, now, false, rows.Chosen(options))
}

// Make is Open, and makes both files if there is no control file. It refuses to make one beside reports that are there.
func Make(ctx context.Context, path string, now func() time.Time, options ...rows.Option) (*DB, error) {
	return open(ctx, path, now, true, rows.Chosen(options))
}

func open(ctx context.Context, path string, now func() time.Time, mayMake bool, o rows.Options) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := place(path, mayMake); err != nil {
		return nil, err
	}
	d := &DB{path: path, reports: &reportsFile{path: ReportsFile(path), now: now}}
	d.key.Store(&o.Key)
	if d.control, err = openHalf(ctx, path, sizeOfControl, func(conn *sql.Conn) error {
		if err := hasTables(ctx, conn, path); err != nil && !mayMake {
			return err
		}
		return prepareControl(ctx, conn, path, now, o.Key)
	}); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	_, _ = d.reports.open(ctx) // who needs them is told
	return d, nil
}

// place wants a control file to be there, or makes an empty one.
func place(path string, mayMake bool) error {
	info, err := os.Stat(path)
	none := errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
	if none && !mayMake {
		return missing(path)
	}
	if info, err := os.Stat(ReportsFile(path)); none && err == nil && info.Size() > 0 {
		return fleet.Errorf(fleet.Conflict, "reports_ahead", "%s lies there, and the database that belongs to it, %s, does not: "+
			"nothing was made in its place. Put it back or restore a backup; to begin anew, move the reports away", ReportsFile(path), path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite gives its WAL the same mode
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return nil
}

// CodeMissing is of a database that is not there.
const CodeMissing = "database_missing"

func missing(path string) error {
	return fleet.Errorf(fleet.NotFound, CodeMissing, "there is no database at %s: it was moved away, its disk is not mounted, or "+
		"a restore was cut off. None was made in its place", path)
}

// hasTables refuses a file in which nothing was ever made.
func hasTables(ctx context.Context, conn *sql.Conn, path string) error {
	var n int
	if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&n); err != nil {
		return kind(err)
	}
	if n == 0 {
		return missing(path)
	}
	return nil
}

// Close waits for running Updates, then closes both files. It may be called again; whatever
// else is called after it answers with an error.
func (d *DB) Close() error {
	d.closed.Store(true)
	// Who writes one half reads the other beside it: both have ended before control is closed.
	<-d.control.turn
	defer func() { d.control.turn <- struct{}{} }()
	return errors.Join(d.reports.end(), d.control.close())
}

// Version implements store.Database.
func (d *DB) Version(ctx context.Context) (int64, error) {
	reports, err := d.reports.get(ctx)
	if err != nil {
		return 0, err
	}
	of, err1 := d.control.version(ctx)
	and, err2 := reports.version(ctx)
	return of<<32 | and&(1<<32-1), errors.Join(err1, err2)
}

// Ready says if control answers, and if a write reaches its disk. It waits for its turn as long as ctx does.
func (d *DB) Ready(ctx context.Context) error { return d.control.ready(ctx) }

// ReportsReady says the same of the reports, and tries to open them if that failed before.
func (d *DB) ReportsReady(ctx context.Context) error {
	h, err := d.reports.get(ctx)
	if err != nil {
		return err
	}
	if err := h.ready(ctx); err != nil {
		return d.reports.met(err)
	}
	return d.reports.lately()
}

// Recount implements store.Database.
func (d *DB) Recount(ctx context.Context) (differences []string, err error) {
	return rows.Recount(ctx, d)
}

// CheckRecords implements store.Database.
func (d *DB) CheckRecords(ctx context.Context) (faults []string, err error) {
	return rows.CheckRecords(ctx, d, *d.key.Load())
}

// Keyed implements store.Database.
func (d *DB) Keyed(ctx context.Context) (bool, error) { return rows.Keyed(ctx, d) }

// RecordAnew implements store.Database.
func (d *DB) RecordAnew(ctx context.Context, k rows.Key, line fleet.AuditEntry) error {
	if err := rows.RecordAnew(ctx, d, k, line); err != nil {
		return err
	}
	d.key.Store(&k)
	return nil
}

// Committers implements store.Database: there is one writer.
func (d *DB) Committers() int { return 1 }

// Compact implements store.Database.
func (d *DB) Compact(ctx context.Context, before time.Time, limit int) (done int, err error) {
	return rows.Compact(ctx, d, before, limit)
}
