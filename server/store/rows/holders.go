// SPDX-License-Identifier: Apache-2.0

package rows

import "context"

type holders struct{ q Querier }

// Put implements fleet.Holders.
func (s holders) Put(ctx context.Context, names map[string]string) error {
	for id, name := range names {
		if _, err := s.q.Exec(ctx, `INSERT INTO holders (key_id, name) VALUES ($1, $2)
			ON CONFLICT (key_id) DO UPDATE SET name = excluded.name`, id, name); err != nil {
			return err
		}
		if err := record(ctx, s.q, "holders", id); err != nil {
			return err
		}
	}
	return nil
}

// All implements fleet.Holders.
func (s holders) All(ctx context.Context) (map[string]string, error) {
	rows, err := s.q.Query(ctx, `SELECT key_id, name FROM holders`)
	pairs, err := Collect(rows, err, func(scan func(...any) error) (p [2]string, err error) {
		return p, scan(&p[0], &p[1])
	})
	names := map[string]string{}
	for _, p := range pairs {
		names[p[0]] = p[1]
	}
	return names, err
}
