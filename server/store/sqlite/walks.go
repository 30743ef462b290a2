// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"landed/manifests/report"
)

type walks struct{ q querier }

// At implements fleet.Walks.
func (s walks) At(ctx context.Context, name string) (after report.Reference, err error) {
	err = s.q.row(ctx, []any{&after}, `SELECT after FROM walks WHERE name = $1`, name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return after, err
}

// Put implements fleet.Walks.
func (s walks) Put(ctx context.Context, name string, after report.Reference) error {
	_, err := s.q.exec(ctx, `INSERT INTO walks (name, after) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET after = excluded.after`, name, after)
	return err
}

// End implements fleet.Walks.
func (s walks) End(ctx context.Context, name string) error {
	_, err := s.q.exec(ctx, `DELETE FROM walks WHERE name = $1`, name)
	return err
}
