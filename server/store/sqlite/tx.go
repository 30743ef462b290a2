// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"landed/server/fleet"
)

// View runs fn in one read-only transaction: it sees one state of the database.
func (d *DB) View(ctx context.Context, fn func(fleet.Tx) error) error {
	t, err := d.readers.BeginTx(ctx, nil)
	if err != nil {
		return kind(err)
	}
	defer t.Rollback() // a reader has nothing to commit
	return fn(&tx{reader{t}, nil})
}

// Update runs fn in the one writing transaction. Calls queue; fn must not call Update or
// wait for another one. It is committed, and on disk, when nil is returned.
func (d *DB) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-d.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { d.turn <- struct{}{} }()
	// Once begun it ends by fn's will: a commit that is cut off half-way would leave the
	// caller not knowing.
	sure := context.WithoutCancel(ctx)
	w := d.writer
	w.broken = nil
	if _, err := w.exec(sure, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed { // also when fn panics
			w.broken = nil
			w.exec(sure, `ROLLBACK`) // SQLite may have done it already: an error says no more than that
		}
	}()
	t := &tx{w, cells{}}
	if err := fn(t); err != nil {
		return err
	}
	if err := t.flush(sure); err != nil {
		return err
	}
	if _, err := w.exec(sure, `COMMIT`); err != nil {
		return err
	}
	committed = true
	return nil
}

// querier is what the nouns need of a transaction. Its errors are of fleet's kinds.
type querier interface {
	exec(ctx context.Context, text string, args ...any) (affected int64, err error)
	query(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	row(ctx context.Context, into []any, text string, args ...any) error // sql.ErrNoRows if there is none
}

// tx is one transaction. cells gathers what the figures change by; nil in a View.
type tx struct {
	q     querier
	cells cells
}

func (t *tx) Packages() fleet.Packages           { return packages{t.q} }
func (t *tx) Releases() fleet.Releases           { return releases{t.q} }
func (t *tx) Changes() fleet.Changes             { return changes{t.q} }
func (t *tx) Metadata() fleet.MetadataFiles      { return metadata{t.q} }
func (t *tx) Rollouts() fleet.Rollouts           { return rollouts{t.q} }
func (t *tx) Models() fleet.Models               { return models{t.q} }
func (t *tx) Channels() fleet.Channels           { return channels{t.q} }
func (t *tx) Holders() fleet.Holders             { return holders{t.q} }
func (t *tx) Admissions() fleet.Admissions       { return admissions{t.q} }
func (t *tx) Quarantines() fleet.Quarantines     { return quarantines{t.q} }
func (t *tx) Installations() fleet.Installations { return installations{t.q} }
func (t *tx) Reports() fleet.Reports             { return reports{t.q} }
func (t *tx) Counts() fleet.CountsTable          { return counts{t} }
func (t *tx) Walks() fleet.Walks                 { return walks{t.q} }
func (t *tx) Audit() fleet.Audit                 { return audit{t.q} }
func (t *tx) Tokens() fleet.Tokens               { return tokens{t.q} }
func (t *tx) Seals() fleet.Seals                 { return seals{t.q} }

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

// session is the one writing connection. It prepares each statement once.
type session struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	// broken is the first error after which SQLite may have rolled back on its own. A
	// statement run then would commit by itself, so all of them are refused.
	broken error
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

func (s *session) exec(ctx context.Context, text string, args ...any) (int64, error) {
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

func (s *session) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	st, err := s.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, args...)
	return rows, s.note(err)
}

func (s *session) row(ctx context.Context, into []any, text string, args ...any) error {
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
	if !errors.Is(err, sql.ErrNoRows) && !fleet.Is(err, fleet.Conflict) {
		s.broken = err
	}
	return err
}

func (s *session) close() {
	for _, st := range s.prepared {
		st.Close()
	}
	s.conn.Close()
}
