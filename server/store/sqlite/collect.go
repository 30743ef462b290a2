// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"

	"landed/server/store/rows"
)

// collect scans every row that a migration or a checker asked for, and closes them.
func collect[T any](all *sql.Rows, err error, scan func(func(...any) error) (T, error)) ([]T, error) {
	if err != nil {
		return nil, kind(err)
	}
	return rows.Collect(found{Rows: all}, nil, scan)
}

// recordAll records what the migrations of control wrote.
func recordAll(k rows.Key) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, t *sql.Tx) error {
		q := inTx{t}
		return rows.RecordAll(ctx, q, k, func(table string) (bool, error) {
			var made int
			err := q.Row(ctx, []any{&made}, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1`, table)
			return made > 0, err
		})
	}
}
