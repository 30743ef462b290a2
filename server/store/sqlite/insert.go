// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"slices"
	"strings"
	"sync"

	"landed/server/store/rows"
)

// rowsAtOnce is how many rows one statement inserts: what a statement costs besides its rows is shared by them.
const rowsAtOnce = 16

// Statements of many rows that may ABORT in the middle keep a statement journal: a copy of each page that they touch, in a
// temporary file once it has 64 KiB, to undo what they did and no more (sqlite.org/tempfiles.html, "Statement Journal Files").
// Nobody here goes on after an Insert or an Update that failed, so they say OR FAIL and leave that to the ROLLBACK. The
// UPDATE of an upsert says ABORT whatever its INSERT says, so rows that are known to be there are updated by themselves.

// insert is a statement that writes one row, and the same for rowsAtOnce of them.
type insert struct{ one, many string }

var inserts sync.Map // of *rows.Insert: insert

// newInsert makes the two texts.
func newInsert(into *rows.Insert) insert {
	columns := strings.Count(into.Columns, ",") + 1
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", columns), ", ") + ")"
	many := strings.TrimSuffix(strings.Repeat(row+", ", rowsAtOnce), ", ")
	before := "INSERT OR FAIL INTO " + into.Table + " (" + into.Columns + ") VALUES "
	return insert{before + row + " " + into.Then, before + many + " " + into.Then}
}

// Insert implements rows.Querier.
func (s *session) Insert(ctx context.Context, into *rows.Insert, all [][]any) (affected int64, err error) {
	of, ok := inserts.Load(into)
	if !ok {
		of, _ = inserts.LoadOrStore(into, newInsert(into))
	}
	for rest := all; len(rest) > 0; {
		text, n := of.(insert).one, 1
		if len(rest) >= rowsAtOnce {
			text, n = of.(insert).many, rowsAtOnce
		}
		wrote, err := s.Exec(ctx, text, slices.Concat(rest[:n]...)...)
		if err != nil {
			return affected, s.half(err)
		}
		affected, rest = affected+wrote, rest[n:]
	}
	return affected, nil
}

// half notes that a statement left behind what it had done before it failed.
func (s *session) half(err error) error {
	s.broken = err
	return err
}

// update is a statement that changes one row, with so many columns of its key, which come last.
type update struct {
	text string
	keys int
}

var updates sync.Map // of *rows.Upsert: update

func newUpdate(of *rows.Upsert) update {
	columns, keys := strings.Split(of.Columns, ","), strings.Count(of.Key, ",")+1
	set, key := columns[keys:], columns[:keys]
	text := "UPDATE OR FAIL " + of.Table + " SET " + strings.Join(set, " = ?,") + " = ? WHERE " + strings.Join(key, " = ? AND ") + " = ?"
	return update{text, keys}
}

// Update implements rows.Querier.
func (s *session) Update(ctx context.Context, rows *rows.Upsert, all [][]any) (affected int64, err error) {
	of, ok := updates.Load(rows)
	if !ok {
		of, _ = updates.LoadOrStore(rows, newUpdate(rows))
	}
	u := of.(update)
	for _, row := range all {
		n, err := s.Exec(ctx, u.text, slices.Concat(row[u.keys:], row[:u.keys])...)
		if err != nil {
			return affected, s.half(err)
		}
		affected += n
	}
	return affected, nil
}
