// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"landed/server/fleet"
	"landed/server/store/rows"
)

const (
	beginReading = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	beginWriting = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`
)

// begin begins a transaction on a connection of the pool. Ended by end, the connection goes back.
func begin(ctx context.Context, pool *pgxpool.Pool, text string) (conn *pgxpool.Conn, t pgx.Tx, err error) {
	wait, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	if conn, err = pool.Acquire(wait); err != nil {
		if ctx.Err() == nil && wait.Err() != nil {
			err = &fleet.Error{Kind: fleet.Busy, Code: "database_busy", Err: err,
				Msg: "no connection to the database was free or made meanwhile; try again in a moment"}
		}
		return nil, nil, kind(err)
	}
	if t, err = conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: text}); err != nil {
		conn.Release()
		return nil, nil, kind(err)
	}
	return conn, t, nil
}

// lazy reads in a read-only transaction that begins when it is first asked: a half that nobody reads is in nobody's way.
// It refuses to write.
type lazy struct {
	refused error
	ctx     context.Context // of the transaction that reads
	half    *half
	pool    *pgxpool.Pool

	once    sync.Once
	conn    *pgxpool.Conn
	t       pgx.Tx
	err     error
	settled *lazy // begun when no report was still to be committed, up to a number
	upTo    int64
}

func newLazy(ctx context.Context, h *half, pool *pgxpool.Pool, refused error) *lazy {
	return &lazy{refused: refused, ctx: ctx, half: h, pool: pool}
}

func (l *lazy) begun() error {
	l.once.Do(func() { l.conn, l.t, l.err = begin(l.ctx, l.pool, beginReading) })
	return l.err
}

// end ends the transaction: a reader has nothing to commit.
func (l *lazy) end() {
	if l.settled != nil {
		l.settled.end()
	}
	if l.t != nil {
		rollback(l.t)
		l.conn.Release()
	}
}

// rollback ends a transaction whose end nobody waits for. A connection that does not answer is closed by it.
func rollback(t pgx.Tx) {
	soon, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = t.Rollback(soon)
}

// Exec implements rows.Querier, as all that follows does.
func (l *lazy) Exec(context.Context, string, ...any) (int64, error) { return 0, l.refused }
func (l *lazy) Try(context.Context, string, ...any) (int64, error)  { return 0, l.refused }
func (l *lazy) Count(context.Context, []rows.Change) error          { return l.refused }
func (l *lazy) Hold(context.Context, []string) error                { return l.refused }

func (l *lazy) Update(ctx context.Context, of *rows.Upsert, all [][]any) (int64, error) {
	return l.Insert(ctx, &of.Insert, all)
}

func (l *lazy) Insert(_ context.Context, _ *rows.Insert, all [][]any) (int64, error) {
	if len(all) == 0 {
		return 0, nil
	}
	return 0, l.refused
}

func (l *lazy) Query(ctx context.Context, text string, args ...any) (rows.Rows, error) {
	if err := l.begun(); err != nil {
		return nil, err
	}
	all, err := l.t.Query(ctx, text, args...)
	if err != nil {
		return nil, kind(err)
	}
	return found{all, kind}, nil
}

func (l *lazy) QueryKeys(ctx context.Context, text string, columns ...any) (rows.Rows, error) {
	return l.Query(ctx, asKeys(text, columns), columns...)
}

func (l *lazy) Row(ctx context.Context, into []any, text string, args ...any) error {
	all, err := l.Query(ctx, text, args...)
	return oneRow(all, err, into)
}

// Settled implements rows.Querier: it waits until whoever takes reports in has ended what he is at, notes how far the
// numbers have come, and reads in a transaction that began after that.
func (l *lazy) Settled(ctx context.Context) (rows.Querier, int64, error) {
	if l.settled == nil {
		upTo, err := l.half.fence(ctx)
		if err != nil {
			return nil, 0, err
		}
		l.settled, l.upTo = newLazy(l.ctx, l.half, l.pool, l.refused), upTo
	}
	return l.settled, l.upTo, nil
}
