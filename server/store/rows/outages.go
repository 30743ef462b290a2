// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"
	"strconv"
	"time"

	"landed/server/fleet"
)

// outages are recorded; the beat is not: it changes every minute, and each record is a leaf for ever.
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
	var last, until int64
	err := s.q.Row(ctx, []any{&last, &until}, `SELECT n, until FROM outages WHERE cause = $1
		ORDER BY until = 0 DESC, since DESC, n DESC LIMIT 1`, o.Cause)
	if err != nil && !errors.Is(err, ErrNoRows) {
		return err
	}
	to := millis(o.To)
	if err == nil && (until == 0 || until >= millis(o.From.Add(-fleet.OutageGap))) {
		if to == until || to > 0 && until > to {
			return nil
		}
		return s.write(ctx, last, `UPDATE outages SET until = $2 WHERE n = $1`, to)
	}
	if _, err := s.q.Exec(ctx, `INSERT INTO outages (cause, since, until) VALUES ($1, $2, $3)`, o.Cause, millis(o.From),
		to); err != nil {
		return err
	}
	if err := s.q.Row(ctx, []any{&last}, `SELECT max(n) FROM outages`); err != nil {
		return err
	}
	if err := record(ctx, s.q, "outages", strconv.FormatInt(last, 10)); err != nil {
		return err
	}
	return s.bound(ctx)
}

// write changes one row, whose number is the first argument of the text.
func (s outages) write(ctx context.Context, n int64, text string, args ...any) error {
	if _, err := s.q.Exec(ctx, text, append([]any{n}, args...)...); err != nil {
		return err
	}
	return record(ctx, s.q, "outages", strconv.FormatInt(n, 10))
}

// bound makes one of the two oldest that have ended, while there are too many.
func (s outages) bound(ctx context.Context) error {
	var count int
	if err := s.q.Row(ctx, []any{&count}, `SELECT count(*) FROM outages`); err != nil || count <= fleet.MaxOutages {
		return err
	}
	rows, err := s.q.Query(ctx, `SELECT n, since, until FROM outages WHERE until > 0 ORDER BY since, n LIMIT 2`)
	oldest, err := Collect(rows, err, func(scan func(...any) error) (o [3]int64, err error) {
		return o, scan(&o[0], &o[1], &o[2])
	})
	if err != nil || len(oldest) < 2 {
		return err
	}
	return errors.Join(
		s.write(ctx, oldest[1][0], `UPDATE outages SET since = $2, until = $3 WHERE n = $1`, oldest[0][1], max(oldest[0][2], oldest[1][2])),
		s.write(ctx, oldest[0][0], `DELETE FROM outages WHERE n = $1`))
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
	rows, err := s.q.Query(ctx, `SELECT n FROM outages WHERE until > 0 AND until < $1`, millis(before))
	all, err := Collect(rows, err, func(scan func(...any) error) (n int64, err error) { return n, scan(&n) })
	for _, n := range all {
		err = errors.Join(err, s.write(ctx, n, `DELETE FROM outages WHERE n = $1`))
	}
	return err
}
