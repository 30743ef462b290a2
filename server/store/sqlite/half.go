// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"

	"landed/server/fleet"
)

// half is one of the two files, with a writer, a turn and readers of its own: nothing that is done to one waits for
// the other.
type half struct {
	readers *sql.DB
	views   *sessions // of readers: those of a View
	writers *sql.DB   // of one connection, held in writer
	writer  *session
	turn    chan struct{} // holds a token while nobody writes
	watcher *sql.Conn     // never writes, so that SQLite tells it of every commit
	beside  *session      // reads for whoever writes the other half, so that no reader of a page is in his way
}

const (
	pragmas      = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	writePragmas = pragmas + "&_txlock=immediate&_pragma=cache_size(-%d)&_pragma=wal_autocheckpoint(%d)" +
		"&_pragma=journal_size_limit(%d)" // the WAL is cut to what a checkpoint waits for
	readPragmas = pragmas + "&_pragma=query_only(1)&_pragma=cache_size(-16384)"
	maxReaders  = 8 // at a time, in a View
	others      = 4 // that read: watcher, beside, and two for all else
	pageSize    = 4096
)

// size is how much of a half is kept in memory and in its WAL.
type size struct{ cacheKiB, walPages int }

var (
	// sizeOfControl keeps its WAL far below the reserve of the disk (server/headroom).
	sizeOfControl = size{16 << 10, 1000}
	sizeOfReports = size{64 << 10, 4000}
)

// openHalf opens a file that exists. prepare brings its schema up to date before anybody else gets a connection.
func openHalf(ctx context.Context, path string, s size, prepare func(*sql.Conn) error) (h *half, err error) {
	h = &half{turn: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			h.close()
			h = nil
		}
	}()
	if h.writers, err = sql.Open("sqlite", address(path, fmt.Sprintf(writePragmas, s.cacheKiB, s.walPages, s.walPages*pageSize))); err != nil {
		return h, kind(err)
	}
	h.writers.SetMaxOpenConns(1)
	conn, err := h.writers.Conn(ctx)
	if err != nil {
		return h, kind(err)
	}
	h.writer = newSession(conn)
	if err := prepare(conn); err != nil {
		return h, err
	}
	if h.readers, err = sql.Open("sqlite", address(path, readPragmas)); err != nil {
		return h, kind(err)
	}
	h.readers.SetMaxOpenConns(maxReaders + others)
	h.views = newSessions(h.readers, maxReaders)
	if h.watcher, err = h.readers.Conn(ctx); err != nil {
		return h, kind(err)
	}
	beside, err := h.readers.Conn(ctx)
	if err != nil {
		return h, kind(err)
	}
	h.beside = newSession(beside)
	h.turn <- struct{}{}
	return h, nil
}

// address is a file as the driver wants it, whatever characters are in its path.
func address(path, query string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query}).String()
}

// close lets go of everything; it may be called again.
func (h *half) close() error {
	if h.watcher != nil {
		h.watcher.Close()
	}
	if h.beside != nil {
		h.beside.close()
	}
	if h.readers != nil {
		h.views.close()
		h.readers.Close()
	}
	if h.writer != nil {
		h.writer.close()
	}
	if h.writers != nil {
		return kind(h.writers.Close())
	}
	return nil
}

// end waits for a running transaction, then closes.
func (h *half) end() error {
	<-h.turn
	defer func() { h.turn <- struct{}{} }() // who waits must not wait for ever
	return h.close()
}

// write runs fn in the one writing transaction of this half. Calls queue. It is committed, and on disk, when nil is
// returned.
func (h *half) write(ctx context.Context, fn func(sure context.Context, w *session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-h.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { h.turn <- struct{}{} }()
	// Once begun it ends by fn's will: a commit that is cut off half-way would leave the
	// caller not knowing.
	sure := context.WithoutCancel(ctx)
	w := h.writer
	w.broken = nil
	if _, err := w.Exec(sure, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed { // also when fn panics
			w.broken = nil
			w.Exec(sure, `ROLLBACK`) // SQLite may have done it already: an error says no more than that
		}
	}()
	if err := fn(sure, w); err != nil {
		return err
	}
	if _, err := w.Exec(sure, `COMMIT`); err != nil {
		return err
	}
	committed = true
	return nil
}

// version is the number that SQLite keeps in the head of its log, with each commit.
func (h *half) version(ctx context.Context) (version int64, err error) {
	err = h.watcher.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version)
	return version, kind(err)
}

// ready says if the file answers, and if a write reaches its disk: it makes one, of a number in the header of the file
// that nothing else uses. It waits for its turn as long as ctx does.
func (h *half) ready(ctx context.Context) error {
	var version int
	err := h.readers.QueryRowContext(ctx, `SELECT max(version) FROM schema_migrations`).Scan(&version)
	if ctx.Err() != nil {
		return fleet.Errorf(fleet.Busy, "database_busy", "the database has not answered meanwhile")
	}
	if err != nil {
		return fmt.Errorf("the database does not answer: %w", kind(err))
	}
	if err := h.probe(ctx); err != nil {
		return fmt.Errorf("the database cannot be written: %w", err)
	}
	return nil
}

func (h *half) probe(ctx context.Context) error {
	select {
	case <-h.turn:
	case <-ctx.Done():
		return fleet.Errorf(fleet.Busy, "database_busy", "another write has not ended meanwhile")
	}
	defer func() { h.turn <- struct{}{} }()
	sure := context.WithoutCancel(ctx) // a transaction that was begun is ended
	var last int64
	if err := h.writer.conn.QueryRowContext(sure, `PRAGMA user_version`).Scan(&last); err != nil {
		return kind(err)
	}
	// By itself it is a transaction. Its text changes, so it is not kept prepared.
	_, err := h.writer.conn.ExecContext(sure, fmt.Sprintf(`PRAGMA user_version = %d`, (last+1)%(1<<30)))
	return kind(err)
}
