// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"time"

	"landed/server/fleet"
)

type retentions struct{ q Querier }

// Put implements fleet.Retentions.
func (s retentions) Put(ctx context.Context, r fleet.Retention) error {
	if _, err := s.q.Exec(ctx, `INSERT INTO retentions (release, keep, at, by, reason) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (release) DO UPDATE SET keep = excluded.keep, at = excluded.at, by = excluded.by, reason = excluded.reason`,
		r.Release, r.Keep.Milliseconds(), millis(r.At), r.By, r.Reason); err != nil {
		return err
	}
	return record(ctx, s.q, "retentions", r.Release)
}

// List implements fleet.Retentions.
func (s retentions) List(ctx context.Context) ([]fleet.Retention, error) {
	rows, err := s.q.Query(ctx, `SELECT release, keep, at, by, reason FROM retentions ORDER BY release`)
	return Collect(rows, err, func(scan func(...any) error) (r fleet.Retention, err error) {
		var keep int64
		err = scan(&r.Release, &keep, asTime{&r.At}, &r.By, &r.Reason)
		r.Keep = time.Duration(keep) * time.Millisecond
		return r, err
	})
}
