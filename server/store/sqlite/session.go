// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// session is a connection of which one goroutine at a time makes use: the one that writes, or the one that reads for whoever
// writes the other half. It prepares each statement once.
type session struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	// broken is the first error after which SQLite may have rolled back on its own. A
	// statement run then would commit by itself, so all of them are refused.
	broken error
}

func newSession(conn *sql.Conn) *session {
	return &session{conn: conn, prepared: map[string]*sql.Stmt{}}
}

func (s *session) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	if st, ok := s.prepared[text]; ok {
		return st, nil
	}
	st, err := s.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, s.note(err)
	}
	s.prepared[text] = st
	return st, nil
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
	all, err := st.QueryContext(ctx, args...)
	if err != nil {
		return nil, s.note(err)
	}
	return found{all}, nil
}

func (s *session) Row(ctx context.Context, into []any, text string, args ...any) error {
	st, err := s.prepare(ctx, text)
	if err != nil {
		return err
	}
	return s.note(st.QueryRowContext(ctx, args...).Scan(into...))
}

// note turns err into a kind, and remembers it unless the transaction surely stands.
func (s *session) note(err error) error {
	if err == nil {
		return nil
	}
	err = kind(err)
	if !errors.Is(err, rows.ErrNoRows) && !fleet.Is(err, fleet.Conflict) {
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

func (s *session) close() {
	for _, st := range s.prepared {
		st.Close()
	}
	s.conn.Close()
}
