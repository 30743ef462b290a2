// SPDX-License-Identifier: Apache-2.0

// Package postgres keeps the fleet in a PostgreSQL database, or in two: control, which is what people decide and sign,
// is a schema of one; the reports, which are what handsets say, are a schema of the same or of another.
//
// Parties: server/store opens it by its address. It keeps the contracts of server/fleet and those of server/store, with
// the tables of server/store/rows. Several servers may have one database open.
//
// It promises that an Update which returned nil is on disk, and where the database has a synchronous standby, on that
// too (synchronous_commit is looked at when it is opened); that one which returned an error never happened, unless the
// answer to its commit was lost, which the error says; that of all servers one writes control at a time, and that those
// who take reports in wait for each other only over the same installation; that a View sees one state of each half and
// cannot write; and that every error of the driver has become a kind of fleet by its SQLSTATE. No error and no word of
// it has a password.
//
// It refuses a database that a newer program wrote, unless that said that this one may go on, or one with other tables,
// and a server that acknowledges what it has not written. It changes no tables beside a server of another protocol. It
// keeps no copy: pg_dump and the archive of the log do that.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"time"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// The schemas, and the halves of which they are.
const (
	schemaOfControl = "landed_control"
	schemaOfReports = "landed_reports"
)

// DB is an open database. It implements fleet.Store.
type DB struct {
	control, reports *half
	key              atomic.Pointer[rows.Key] // of the MACs of records and of the trail
	closed           atomic.Bool
}

var _ fleet.Store = (*DB)(nil)

// Open opens the database at an address and brings its schemas up to date; now stamps the migrations. The address is a
// URL as libpq takes it (postgresql.org/docs/current/libpq-connect.html); a second one after a space is where the reports
// are. A password may also come from PGPASSWORD, or from a file that PGPASSFILE names.
func Open(ctx context.Context, address string, now func() time.Time, options ...rows.Option) (d *DB, err error) {
	if d, err = openAs(ctx, address, programServing, now, rows.Chosen(options)); err != nil {
		return nil, err
	}
	mark, err := Whole{d}.Mark(ctx)
	if err == nil && strings.HasPrefix(mark, rows.Unfinished) {
		err = d.control.wrap("open", rows.ErrUnfinished)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// OpenToCopy is Open for whoever copies the database or into it: it opens one that is an unfinished copy, too.
func OpenToCopy(ctx context.Context, address string, now func() time.Time, options ...rows.Option) (Whole, error) {
	d, err := openAs(ctx, address, programCopying, now, rows.Chosen(options))
	if err != nil {
		return Whole{}, err
	}
	for _, h := range []*half{d.control, d.reports} {
		version, known, err := newer(ctx, h.readers, h.of)
		if err == nil && version > 0 {
			err = rows.Newer(version, known)
		}
		if err != nil {
			d.Close()
			return Whole{}, h.wrap("open", err)
		}
	}
	return Whole{d}, nil
}

// What connections are listed as, with the half after it.
const (
	programServing = "landed "
	programCopying = "landed copy "
)

func openAs(ctx context.Context, address, program string, now func() time.Time, o rows.Options) (d *DB, err error) {
	control, reports, two := strings.Cut(strings.TrimSpace(address), " ")
	if !two {
		reports = control
	}
	d = &DB{}
	d.key.Store(&o.Key)
	if d.control, err = openHalf(ctx, strings.TrimSpace(control), ofControl, program); err != nil {
		return nil, err
	}
	if d.reports, err = openHalf(ctx, strings.TrimSpace(reports), ofReports, program); err != nil {
		d.control.close()
		return nil, err
	}
	if err = d.migrate(ctx, now, o.Key); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Close waits for running Updates, then closes every connection. It may be called again; whatever else is called after
// it answers with an error.
func (d *DB) Close() error {
	d.closed.Store(true)
	d.control.writers.Close() // waits for what runs, which may read the other half
	d.reports.writers.Close()
	d.control.close()
	d.reports.close()
	return nil
}

// Version implements store.Database. It moves with every transaction of the cluster that writes.
func (d *DB) Version(ctx context.Context) (int64, error) {
	sum := fnv.New64a()
	halves := []*half{d.control, d.reports}
	if d.control.where == d.reports.where {
		halves = halves[:1]
	}
	for _, h := range halves {
		var snapshot string
		if err := h.readers.QueryRow(ctx, `SELECT pg_current_snapshot()::text`).Scan(&snapshot); err != nil {
			return 0, kind(err)
		}
		sum.Write([]byte(snapshot + "|"))
	}
	return int64(sum.Sum64()), nil
}

// Ready implements store.Database.
func (d *DB) Ready(ctx context.Context) error { return d.control.ready(ctx) }

// ReportsReady implements store.Database.
func (d *DB) ReportsReady(ctx context.Context) error { return d.reports.ready(ctx) }

// Committers implements store.Database.
func (d *DB) Committers() int { return committers }

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

// Compact implements store.Database.
func (d *DB) Compact(ctx context.Context, before time.Time, limit int) (done int, err error) {
	return rows.Compact(ctx, d, before, limit)
}

// Copy implements store.Database: it refuses.
func (d *DB) Copy(context.Context, string) error {
	return fleet.Errorf(fleet.Unsupported, "database_copy", "a PostgreSQL database is not copied from here; run pg_dump -n %s -n %s, or "+
		"archive its log (docs/operate/postgres.md)", schemaOfControl, schemaOfReports)
}

var errClosed = errors.New("the database is closed")

func (h *half) wrap(doing string, err error) error {
	return fmt.Errorf("%s database %s: %w", doing, h.where, err)
}
