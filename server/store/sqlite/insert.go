// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"slices"
	"strings"
)

// rowsAtOnce is how many rows one statement writes: what a statement costs besides its rows is shared by them.
const rowsAtOnce = 16

// insert is a statement that writes one row, and the same for rowsAtOnce of them.
type insert struct{ one, many string }

// newInsert makes it of what stands before and after the rows of so many columns.
func newInsert(before string, columns int, after string) insert {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", columns), ", ") + ")"
	rows := strings.TrimSuffix(strings.Repeat(row+", ", rowsAtOnce), ", ")
	return insert{before + " VALUES " + row + " " + after, before + " VALUES " + rows + " " + after}
}

// write runs it for all rows, in their order.
func (i insert) write(ctx context.Context, s *session, rows [][]any) (affected int64, err error) {
	for rest := rows; len(rest) > 0; {
		text, n := i.one, 1
		if len(rest) >= rowsAtOnce {
			text, n = i.many, rowsAtOnce
		}
		wrote, err := s.Exec(ctx, text, slices.Concat(rest[:n]...)...)
		if err != nil {
			return affected, err
		}
		affected, rest = affected+wrote, rest[n:]
	}
	return affected, nil
}
