// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"math"
	"sync"
	"time"

	"landed/server/store/rows"
)

// found are rows whose errors are of fleet's kinds. of is the prepared statement that finds them, if it is one.
type found struct {
	*sql.Rows
	of *statement
}

func (f found) Close() error {
	err := f.Rows.Close()
	if f.of != nil {
		f.of.open = false
	}
	return err
}

func (f found) Scan(into ...any) error { return kind(f.Rows.Scan(into...)) }
func (f found) Err() error             { return kind(f.Rows.Err()) }

// inTx queries in a transaction of database/sql: a read-only one, or that of a migration.
type inTx struct{ t *sql.Tx }

func (r inTx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	res, err := r.t.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, kind(err)
	}
	n, err := res.RowsAffected()
	return n, kind(err)
}

func (r inTx) Query(ctx context.Context, text string, args ...any) (rows.Rows, error) {
	all, err := r.t.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, kind(err)
	}
	return found{Rows: all}, nil
}

func (r inTx) Row(ctx context.Context, into []any, text string, args ...any) error {
	return kind(r.t.QueryRowContext(ctx, text, args...).Scan(into...))
}

// lazy reads in a read-only transaction that begins when it is first asked: a half that nobody reads is in nobody's way.
// It refuses to write.
type lazy struct {
	refused error
	begin   func() (reading, error)
	once    sync.Once
	reading
	err error
}

// reading is a transaction that reads. end ends it: it has nothing to commit.
type reading struct {
	rows.Runner
	end func()
}

// read begins one on any connection of a pool.
func read(ctx context.Context, pool *sql.DB) (reading, error) {
	t, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return reading{}, kind(err)
	}
	return reading{inTx{t}, func() { t.Rollback() }}, nil
}

func newLazy(refused error, begin func() (reading, error)) *lazy {
	return &lazy{refused: refused, begin: begin}
}

func (l *lazy) reader() (rows.Runner, error) {
	l.once.Do(func() {
		if r, err := l.begin(); err == nil {
			l.reading = r
		} else {
			l.err = err
		}
	})
	return l.Runner, l.err
}

// begun says if it was asked for anything, and there was somebody to ask.
func (l *lazy) begun() bool { return l.Runner != nil }

// close ends what was begun.
func (l *lazy) close() {
	if l.begun() {
		l.end()
	}
}

// Exec implements rows.Querier, as all that follows does.
func (l *lazy) Exec(context.Context, string, ...any) (int64, error) { return 0, l.refused }
func (l *lazy) Try(context.Context, string, ...any) (int64, error)  { return 0, l.refused }
func (l *lazy) Count(context.Context, []rows.Change) error          { return l.refused }

func (l *lazy) Update(ctx context.Context, of *rows.Upsert, all [][]any) (int64, error) {
	return l.Insert(ctx, &of.Insert, all)
}

func (l *lazy) Insert(_ context.Context, _ *rows.Insert, all [][]any) (int64, error) {
	if len(all) == 0 {
		return 0, nil
	}
	return 0, l.refused
}

func (l *lazy) Hold(context.Context, []string) error { return l.refused }

func (l *lazy) Settled(context.Context) (rows.Querier, int64, error) { return l, math.MaxInt64, nil }

func (l *lazy) Now(context.Context) (time.Time, error) { return machineTime() }

func (l *lazy) Query(ctx context.Context, text string, args ...any) (rows.Rows, error) {
	r, err := l.reader()
	if err != nil {
		return nil, err
	}
	return r.Query(ctx, text, args...)
}

func (l *lazy) QueryKeys(ctx context.Context, text string, columns ...any) (rows.Rows, error) {
	text, keys, err := asKeys(text, columns)
	if err != nil {
		return nil, err
	}
	return l.Query(ctx, text, keys)
}

func (l *lazy) Row(ctx context.Context, into []any, text string, args ...any) error {
	r, err := l.reader()
	if err != nil {
		return err
	}
	return r.Row(ctx, into, text, args...)
}
