// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"
	"time"

	"landed/server/fleet"
)

// outages are not recorded: see their migration.
type outages struct{ q Querier }

// Beat implements fleet.Outages.
func (s outages) Beat(ctx context.Context, at time.Time) error {
	_, err := s.q.Exec(ctx, `INSERT INTO beat (one, at) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET at = excluded.at`,
		millis(at))
	return err
}

// Beaten implements fleet.Outages.
func (s outages) Beaten(ctx context.Context) (at time.Time, err error) {
	err = s.q.Row(ctx, []any{asTime{&at}}, `SELECT at FROM beat`)
	if errors.Is(err, ErrNoRows) {
		return time.Time{}, nil
	}
	return at, err
}

// Add implements fleet.Outages.
func (s outages) Add(ctx context.Context, o fleet.Outage) error {
	n, err := s.q.Exec(ctx, `UPDATE outages SET until = CASE WHEN CAST($1 AS BIGINT) = 0 OR until < $1 THEN $1 ELSE until END
		WHERE n = (SELECT n FROM outages WHERE cause = $2 ORDER BY since DESC, n DESC LIMIT 1)
		AND (until = 0 OR until >= $3)`, millis(o.To), o.Cause, millis(o.From.Add(-fleet.OutageGap)))
	if err != nil || n > 0 {
		return err
	}
	if _, err := s.q.Exec(ctx, `INSERT INTO outages (cause, since, until) VALUES ($1, $2, $3)`, o.Cause, millis(o.From),
		millis(o.To)); err != nil {
		return err
	}
	return s.bound(ctx)
}

// bound makes one of the two oldest that have ended, while there are too many.
func (s outages) bound(ctx context.Context) error {
	var count int
	if err := s.q.Row(ctx, []any{&count}, `SELECT count(*) FROM outages`); err != nil || count <= fleet.MaxOutages {
		return err
	}
	var oldest, next, since int64
	if err := s.q.Row(ctx, []any{&oldest, &since}, `SELECT n, since FROM outages WHERE until > 0 ORDER BY since, n
		LIMIT 1`); err != nil {
		return err
	}
	if err := s.q.Row(ctx, []any{&next}, `SELECT n FROM outages WHERE until > 0 ORDER BY since, n LIMIT 1 OFFSET 1`); err != nil {
		return err
	}
	if _, err := s.q.Exec(ctx, `UPDATE outages SET since = $1, until = (SELECT max(until) FROM outages WHERE n IN ($2, $3))
		WHERE n = $3`, since, oldest, next); err != nil {
		return err
	}
	_, err := s.q.Exec(ctx, `DELETE FROM outages WHERE n = $1`, oldest)
	return err
}

// Since implements fleet.Outages.
func (s outages) Since(ctx context.Context, from time.Time) ([]fleet.Outage, error) {
	rows, err := s.q.Query(ctx, `SELECT cause, since, until FROM outages WHERE until = 0 OR until > $1 ORDER BY since, n`,
		millis(from))
	return Collect(rows, err, func(scan func(...any) error) (o fleet.Outage, err error) {
		return o, scan(&o.Cause, asTime{&o.From}, asTime{&o.To})
	})
}

// Forget implements fleet.Outages.
func (s outages) Forget(ctx context.Context, before time.Time) error {
	_, err := s.q.Exec(ctx, `DELETE FROM outages WHERE until > 0 AND until < $1`, millis(before))
	return err
}
