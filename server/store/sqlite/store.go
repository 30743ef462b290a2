// SPDX-License-Identifier: Apache-2.0

// Package sqlite keeps the fleet in one SQLite file.
//
// Parties: server/store opens it by its address. It keeps the contracts of server/fleet and those of server/store.
//
// It promises that an Update which returned nil is on disk (WAL, synchronous=FULL), that
// one which returned an error never happened, that a View is consistent and cannot write,
// and that every error of the driver has become a kind of fleet by its code. Reports and
// the audit trail are append-only: a trigger refuses anything else. Figures are
// maintained, never counted for a page; Recount checks them.
//
// It refuses a database that a newer program wrote or one with other tables, and files that
// are no database of ours. Its migrations are for SQLite alone (a remark in the first one says otherwise, and cannot be
// mended: databases remember the digest of each). Most queries would run elsewhere too, but not those that take many
// keys at once, as JSON.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"landed/server/fleet"
)

// DB is an open database. It implements fleet.Store.
type DB struct {
	readers *sql.DB
	writers *sql.DB // of one connection, held in writer
	writer  *session
	turn    chan struct{} // holds a token while nobody writes
	watcher *sql.Conn     // never writes, so that SQLite tells it of every commit
}

var _ fleet.Store = (*DB)(nil)

const (
	pragmas      = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	writePragmas = pragmas + "&_txlock=immediate&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(4000)" +
		"&_pragma=journal_size_limit(16777216)" // the WAL is cut to what a checkpoint waits for: 4000 pages
	readPragmas = pragmas + "&_pragma=query_only(1)&_pragma=cache_size(-16384)"
	maxReaders  = 8
)

// Open opens the database file at path, making it if there is none, and brings its schema
// up to date. now stamps the migrations. Only one process at a time should write.
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
	d := &DB{turn: make(chan struct{}, 1)}
	if err := d.open(ctx, path, now); err != nil {
		d.close()
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	d.turn <- struct{}{}
	return d, nil
}

func (d *DB) open(ctx context.Context, path string, now func() time.Time) (err error) {
	file := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	file.RawQuery = writePragmas
	if d.writers, err = sql.Open("sqlite", file.String()); err != nil {
		return kind(err)
	}
	d.writers.SetMaxOpenConns(1)
	conn, err := d.writers.Conn(ctx)
	if err != nil {
		return kind(err)
	}
	d.writer = &session{conn: conn, prepared: map[string]*sql.Stmt{}}
	all, err := migrations(migrationFiles)
	if err != nil {
		return err
	}
	if err := migrate(ctx, conn, all, now); err != nil {
		return err
	}
	file.RawQuery = readPragmas
	if d.readers, err = sql.Open("sqlite", file.String()); err != nil {
		return kind(err)
	}
	d.readers.SetMaxOpenConns(maxReaders + 1) // and the watcher
	d.readers.SetMaxIdleConns(maxReaders)
	d.watcher, err = d.readers.Conn(ctx)
	return kind(err)
}

// Close waits for a running Update, then closes the file. It may be called again; whatever
// else is called after it answers with an error.
func (d *DB) Close() error {
	<-d.turn
	defer func() { d.turn <- struct{}{} }() // who waits must not wait for ever
	return kind(d.close())
}

func (d *DB) close() error {
	if d.watcher != nil {
		d.watcher.Close()
	}
	if d.readers != nil {
		d.readers.Close()
	}
	if d.writer != nil {
		d.writer.close()
	}
	if d.writers != nil {
		return d.writers.Close()
	}
	return nil
}

// Version implements store.Database. It is kept by SQLite in the head of its log, with each commit.
func (d *DB) Version(ctx context.Context) (version int64, err error) {
	err = d.watcher.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version)
	return version, kind(err)
}

// Ready says if the database answers, and if a write reaches its disk: it makes one, of a number in the header of the
// file that nothing else uses. It waits for its turn as long as ctx does.
func (d *DB) Ready(ctx context.Context) error {
	var version int
	err := d.readers.QueryRowContext(ctx, `SELECT max(version) FROM schema_migrations`).Scan(&version)
	if err != nil {
		return fmt.Errorf("the database does not answer: %w", kind(err))
	}
	if err := d.probe(ctx); err != nil {
		return fmt.Errorf("the database cannot be written: %w", err)
	}
	return nil
}

func (d *DB) probe(ctx context.Context) error {
	select {
	case <-d.turn:
	case <-ctx.Done():
		return fleet.Errorf(fleet.Busy, "database_busy", "another write has not ended meanwhile")
	}
	defer func() { d.turn <- struct{}{} }()
	sure := context.WithoutCancel(ctx) // a transaction that was begun is ended
	var last int64
	if err := d.writer.conn.QueryRowContext(sure, `PRAGMA user_version`).Scan(&last); err != nil {
		return kind(err)
	}
	// By itself it is a transaction. Its text changes, so it is not kept prepared.
	_, err := d.writer.conn.ExecContext(sure, fmt.Sprintf(`PRAGMA user_version = %d`, (last+1)%(1<<30)))
	return kind(err)
}
