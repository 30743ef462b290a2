// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// session is a connection of which one goroutine at a time makes use: the one that writes, the one that reads for whoever
// writes the other half, or one that reads for a View. It prepares each statement once.
type session struct {
	conn     *sql.Conn
	prepared map[string]*statement
	reads    bool // for a View: one error leaves the statements after it what they were
	worn     bool // reads: something went wrong, so nobody reads with it again
	// broken is the first error after which SQLite may have rolled back on its own. A
	// statement run then would commit by itself, so all of them are refused.
	broken error
}

// statement is one that is prepared. open says that somebody reads its rows: begun again, it would begin anew for them too.
type statement struct {
	*sql.Stmt
	open bool
}

// mostPrepared is far more than there are texts: it bounds what a text that is put together could fill.
const mostPrepared = 512

func newSession(conn *sql.Conn) *session {
	return &session{conn: conn, prepared: map[string]*statement{}}
}

func (s *session) prepare(ctx context.Context, text string) (*statement, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	if st, ok := s.prepared[text]; ok {
		return st, nil
	}
	if len(s.prepared) >= mostPrepared {
		s.forget()
	}
	st, err := s.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, s.note(err)
	}
	s.prepared[text] = &statement{Stmt: st}
	return s.prepared[text], nil
}

func (s *session) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	st, err := s.prepare(ctx, text)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, s.note(err)
	}
	n, err := res.RowsAffected()
	return n, s.note(err)
}

func (s *session) Query(ctx context.Context, text string, args ...any) (rows.Rows, error) {
	st, err := s.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	if st.open {
		all, err := s.conn.QueryContext(ctx, text, args...)
		if err != nil {
			return nil, s.note(err)
		}
		return found{Rows: all}, nil
	}
	all, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, s.note(err)
	}
	st.open = true
	return found{all, st}, nil
}

func (s *session) Row(ctx context.Context, into []any, text string, args ...any) error {
	st, err := s.prepare(ctx, text)
	if err != nil {
		return err
	}
	if st.open {
		return s.note(s.conn.QueryRowContext(ctx, text, args...).Scan(into...))
	}
	return s.note(st.QueryRowContext(ctx, args...).Scan(into...))
}

// note turns err into a kind, and remembers it unless the transaction surely stands.
func (s *session) note(err error) error {
	if err == nil {
		return nil
	}
	err = kind(err)
	switch {
	case errors.Is(err, rows.ErrNoRows), fleet.Is(err, fleet.Conflict):
	case s.reads && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)): // a reader who went away
	case s.reads:
		s.worn = true
	default:
		s.broken = err
	}
	return err
}

// snapshot begins to read: what is asked until end sees one state of the half, as of the first.
func (s *session) snapshot(ctx context.Context) (reading, error) {
	s.broken = nil
	_, err := s.Exec(ctx, `BEGIN`)
	return reading{s, func() {
		s.broken = nil
		s.Exec(context.WithoutCancel(ctx), `ROLLBACK`)
	}}, err
}

// forget lets go of what is prepared, but for what somebody reads.
func (s *session) forget() {
	for text, st := range s.prepared {
		if !st.open {
			st.Close()
			delete(s.prepared, text)
		}
	}
}

func (s *session) close() {
	for _, st := range s.prepared {
		st.Close()
	}
	s.conn.Close()
}
