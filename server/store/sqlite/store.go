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
// It refuses a database that a newer program wrote or one with other tables, and files that
// are no database of ours. Its migrations are for SQLite alone (a remark in the first one says otherwise, and cannot be
// mended: databases remember the digest of each). What it keeps in them, and most of how it asks for it, is
// server/store/rows; here are files, transactions, migrations, and what SQLite does in its own way.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	closed  atomic.Bool
}

var _ fleet.Store = (*DB)(nil)

// ReportsFile is where the reports lie of a database whose control file is at path: beside it.
func ReportsFile(path string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-reports" + ext
}

// Open opens the database whose control file is at path, making both files if there is none, and brings their schemas up
// to date; a single file of an older program becomes two. now stamps the migrations. Only one process at a time should
// write. If the file of the reports is missing, damaged or not ours, the database opens all the same; ReportsReady and
// whatever needs them say what is wrong.
func Open(ctx context.Context, path string, now func() time.Time) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite gives its WAL the same mode
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	d := &DB{path: path, reports: &reportsFile{path: ReportsFile(path), now: now}}
	if d.control, err = openHalf(ctx, path, sizeOfControl, func(conn *sql.Conn) error {
		return prepareControl(ctx, conn, path, now)
	}); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	_, _ = d.reports.open(ctx) // who needs them is told
	return d, nil
}

// Close waits for running Updates, then closes both files. It may be called again; whatever
// else is called after it answers with an error.
func (d *DB) Close() error {
	d.closed.Store(true)
	return errors.Join(d.control.end(), d.reports.end())
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
	return rows.CheckRecords(ctx, d)
}

// Committers implements store.Database: there is one writer.
func (d *DB) Committers() int { return 1 }

// Compact implements store.Database.
func (d *DB) Compact(ctx context.Context, before time.Time, limit int) (done int, err error) {
	return rows.Compact(ctx, d, before, limit)
}
