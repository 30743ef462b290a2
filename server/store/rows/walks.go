// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"

	"landed/manifests/report"
)

type walks struct{ q Querier }

// At implements fleet.Walks.
func (s walks) At(ctx context.Context, name string) (after report.Reference, err error) {
	err = s.q.Row(ctx, []any{&after}, `SELECT after FROM walks WHERE name = $1`, name)
	if errors.Is(err, ErrNoRows) {
		return "", nil
	}
	return after, err
}

// Put implements fleet.Walks.
func (s walks) Put(ctx context.Context, name string, after report.Reference) error {
	_, err := s.q.Exec(ctx, `INSERT INTO walks (name, after) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET after = excluded.after`, name, after)
	return err
}

// End implements fleet.Walks.
func (s walks) End(ctx context.Context, name string) error {
	_, err := s.q.Exec(ctx, `DELETE FROM walks WHERE name = $1`, name)
	return err
}
