// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// session is a transaction that writes a half.
type session struct {
	t      pgx.Tx
	shared bool // beside others
	// numbered is set while rows bring the numbers that the database gives else.
	numbered bool
	// broken is the first error after which PostgreSQL has given the transaction up. Whatever comes later has that error.
	broken error
}

// note turns err into a kind, and remembers it: PostgreSQL goes on with no transaction that met an error.
func (s *session) note(err error) error {
	if err = kind(err); err != nil && !errors.Is(err, rows.ErrNoRows) {
		s.broken = err
	}
	return err
}

func (s *session) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	if s.broken != nil {
		return 0, s.broken
	}
	tag, err := s.t.Exec(ctx, text, args...)
	return tag.RowsAffected(), s.note(err)
}

func (s *session) Query(ctx context.Context, text string, args ...any) (rows.Rows, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	all, err := s.t.Query(ctx, text, args...)
	if err != nil {
		return nil, s.note(err)
	}
	return found{all, s.note}, nil
}

func (s *session) Row(ctx context.Context, into []any, text string, args ...any) error {
	all, err := s.Query(ctx, text, args...)
	return oneRow(all, err, into)
}

// Try implements rows.Querier: what a conflict undoes goes back to a savepoint.
func (s *session) Try(ctx context.Context, text string, args ...any) (affected int64, err error) {
	if _, err := s.Exec(ctx, `SAVEPOINT try`); err != nil {
		return 0, err
	}
	tag, err := s.t.Exec(ctx, text, args...)
	if err = kind(err); fleet.Is(err, fleet.Conflict) {
		if _, back := s.Exec(ctx, `ROLLBACK TO SAVEPOINT try; RELEASE SAVEPOINT try`); back != nil {
			return 0, back
		}
		return 0, err
	}
	if err != nil {
		return 0, s.note(err)
	}
	_, err = s.Exec(ctx, `RELEASE SAVEPOINT try`)
	return tag.RowsAffected(), err
}

// found are rows as the nouns want them.
type found struct {
	pgx.Rows
	note func(error) error
}

// Scan implements rows.Rows: no bytes are nil, as SQLite has it.
func (f found) Scan(into ...any) error {
	if err := f.Rows.Scan(into...); err != nil {
		return f.note(err)
	}
	for _, v := range into {
		if b, ok := v.(*[]byte); ok && len(*b) == 0 {
			*b = nil
		}
	}
	return nil
}

func (f found) Err() error { return f.note(f.Rows.Err()) }

func (f found) Close() error {
	f.Rows.Close()
	return nil
}

func (f found) Columns() ([]string, error) {
	var names []string
	for _, d := range f.FieldDescriptions() {
		names = append(names, d.Name)
	}
	return names, nil
}

// oneRow scans the first row.
func oneRow(all rows.Rows, err error, into []any) error {
	if err != nil {
		return err
	}
	defer all.Close()
	if !all.Next() {
		if err := all.Err(); err != nil {
			return err
		}
		return rows.ErrNoRows
	}
	if err := all.Scan(into...); err != nil {
		return err
	}
	all.Close()
	return all.Err()
}
