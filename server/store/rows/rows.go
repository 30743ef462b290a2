// SPDX-License-Identifier: Apache-2.0

// Package rows keeps the nouns of the fleet in rows of a database: what both engines share.
//
// Parties: server/store/sqlite and server/store/postgres each make a Tx of what their transactions can do (Querier), and
// have it keep the contracts of server/fleet. It promises that each statement and each shape of a row is spelled once,
// in SQL that both understand; what only one of them offers is behind Querier. It refuses to know a driver: it begins
// no transaction, ends none, and its errors are those that a Querier gives it.
package rows

import (
	"context"
	"errors"
	"strings"
	"time"

	"landed/server/fleet"
)

// ErrNoRows is what Querier.Row answers if there is none.
var ErrNoRows = errors.New("there is no such row")

// Rows is what a query found. Whoever got it closes it.
type Rows interface {
	Next() bool
	Scan(into ...any) error // *any gets int64, string, []byte or bool
	Columns() ([]string, error)
	Err() error
	Close() error
}

// Runner runs statements in a transaction over one half. Its errors, and those of its Rows, are of fleet's kinds.
// Arguments are $1, $2 and so on; a text has all of its arguments. An empty value of bytes is read as nil.
type Runner interface {
	Exec(ctx context.Context, text string, args ...any) (affected int64, err error)
	Query(ctx context.Context, text string, args ...any) (Rows, error)
	Row(ctx context.Context, into []any, text string, args ...any) error // ErrNoRows if there is none
}

// Querier is what the nouns need of a transaction over one half.
type Querier interface {
	Runner
	// Try is Exec for what may be a fleet.Conflict: that leaves the rest of the transaction standing.
	Try(ctx context.Context, text string, args ...any) (affected int64, err error)
	// QueryKeys asks for many keys at once. Each of columns is a []string or an []int64 of as many values. In the text
	// {keys} is the table of them with its name, to stand after FROM, {n} the number of a key from 0, and {0}, {1} and
	// so on are its columns.
	QueryKeys(ctx context.Context, text string, columns ...any) (Rows, error)
	// Insert writes rows in their order, as few statements as it can. No two of them may meet the same ON CONFLICT DO
	// UPDATE. Values are string, int64, bool or []byte, in a column always the same.
	Insert(ctx context.Context, into *Insert, rows [][]any) (affected int64, err error)
	// Update is Insert of rows of which the caller has read that they are there.
	Update(ctx context.Context, of *Upsert, rows [][]any) (affected int64, err error)
	// Count moves figures. It is called with each figure once, in their order, and none goes below zero.
	Count(ctx context.Context, changes []Change) error
	// Hold keeps everybody else from changing these installations until the transaction ends. It is called in Intake.
	Hold(ctx context.Context, refs []string) error
	// Settled gives a transaction that reads the half with every report up to a number: none up to there is still to
	// be committed. It may be this one.
	Settled(ctx context.Context) (q Querier, upTo int64, err error)
	// Now is the time by the one clock that all who use the database have in common: that of the database, in UTC.
	Now(ctx context.Context) (time.Time, error)
}

// Insert is a statement that writes rows: INSERT INTO Table (Columns), the rows, Then.
type Insert struct{ Table, Columns, Then string }

// Upsert is an Insert that changes the rows that are there. Key is what these are found by, the first of its columns.
type Upsert struct {
	Insert
	Key string
}

// NewUpsert names the columns of the key and the others, each with commas between.
func NewUpsert(table, key, columns string) *Upsert {
	set := make([]string, 0, strings.Count(columns, ",")+1)
	for c := range strings.SplitSeq(columns, ",") {
		c = strings.TrimSpace(c)
		set = append(set, c+" = excluded."+c)
	}
	then := "ON CONFLICT (" + key + ") DO UPDATE SET " + strings.Join(set, ", ")
	return &Upsert{Insert{table, key + ", " + columns, then}, key}
}

// Change is by how much one figure changes. One that is Aged is removed when it is 0.
type Change struct {
	Release, Model, Channel, Who, Kind, Value string
	By                                        int64
	Aged                                      bool
}

// notFound turns ErrNoRows into fleet.NotFound with words; other errors pass.
func notFound(err error, code, format string, args ...any) error {
	if errors.Is(err, ErrNoRows) {
		return fleet.Errorf(fleet.NotFound, code, format, args...)
	}
	return err
}

// conflict gives a fleet.Conflict better words; other errors pass.
func conflict(err error, code, format string, args ...any) error {
	if fleet.Is(err, fleet.Conflict) {
		return fleet.Errorf(fleet.Conflict, code, format, args...)
	}
	return err
}
