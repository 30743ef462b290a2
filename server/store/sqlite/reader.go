// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// reader queries in a read-only transaction.
type reader struct{ t *sql.Tx }

func (r reader) exec(ctx context.Context, text string, args ...any) (int64, error) {
	res, err := r.t.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, kind(err)
	}
	n, err := res.RowsAffected()
	return n, kind(err)
}

func (r reader) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	rows, err := r.t.QueryContext(ctx, text, args...)
	return rows, kind(err)
}

func (r reader) row(ctx context.Context, into []any, text string, args ...any) error {
	return kind(r.t.QueryRowContext(ctx, text, args...).Scan(into...))
}

// lazy reads in a read-only transaction that begins when it is first asked: a half that nobody reads is in nobody's way.
// It refuses to write.
type lazy struct {
	refused error
	begin   func() (*sql.Tx, error)
	once    sync.Once
	t       *sql.Tx
	err     error
}

func newLazy(refused error, begin func() (*sql.Tx, error)) *lazy {
	return &lazy{refused: refused, begin: begin}
}

func (l *lazy) reader() (reader, error) {
	l.once.Do(func() {
		l.t, l.err = l.begin()
		l.err = kind(l.err)
	})
	return reader{l.t}, l.err
}

// begun says if it was asked for anything, and there was somebody to ask.
func (l *lazy) begun() bool { return l.t != nil }

// end ends the transaction: a reader has nothing to commit.
func (l *lazy) end() {
	if l.t != nil {
		l.t.Rollback()
	}
}

func (l *lazy) exec(context.Context, string, ...any) (int64, error) { return 0, l.refused }

func (l *lazy) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	r, err := l.reader()
	if err != nil {
		return nil, err
	}
	return r.query(ctx, text, args...)
}

func (l *lazy) row(ctx context.Context, into []any, text string, args ...any) error {
	r, err := l.reader()
	if err != nil {
		return err
	}
	return r.row(ctx, into, text, args...)
}
