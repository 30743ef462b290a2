// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

const silentCursor = "silent"

// Silent implements fleet.Installations.
func (s installations) Silent(ctx context.Context, before time.Time, limit int) ([]fleet.Installation, bool, error) {
	var from int64
	err := s.q.row(ctx, []any{&from}, `SELECT n FROM cursors WHERE name = $1`, silentCursor)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, false, err
	}
	refs, upTo, more, err := s.pass(ctx, from, before, limit)
	if err != nil || upTo == from {
		return nil, false, err
	}
	_, err = s.q.exec(ctx, `INSERT INTO cursors (name, n) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET n = excluded.n`, silentCursor, upTo)
	if err != nil {
		return nil, false, err
	}
	var silent []fleet.Installation
	for _, ref := range refs {
		i, err := s.Get(ctx, ref)
		if err != nil {
			return nil, false, err
		}
		silent = append(silent, i)
	}
	return silent, more, nil
}

// pass goes past reports in the order in which they came, until one is not older than
// before. A report speaks for its installation only if it is still the newest.
func (s installations) pass(
	ctx context.Context, from int64, before time.Time, limit int,
) (refs []report.Reference, upTo int64, more bool, err error) {
	rows, err := s.q.query(ctx, `SELECT r.n, r.at, r.ref, i.ref IS NOT NULL FROM reports r
		LEFT JOIN installations i ON i.ref = r.ref AND i.newest = r.id AND i.current AND i.verdict = $1 AND i.last < $2
		WHERE r.n > $3 ORDER BY r.n LIMIT $4`, effect.Unpatched, millis(before), from, limit)
	if err != nil {
		return nil, from, false, err
	}
	defer rows.Close()
	upTo = from
	passed := 0
	for rows.Next() {
		var n, at int64
		var ref report.Reference
		var waits bool
		if err := rows.Scan(&n, &at, &ref, &waits); err != nil {
			return nil, from, false, kind(err)
		}
		if at >= millis(before) {
			return refs, upTo, false, nil
		}
		if waits {
			refs = append(refs, ref)
		}
		upTo = n
		passed++
	}
	return refs, upTo, passed == limit, kind(rows.Err())
}

// Passed implements fleet.Installations.
func (s installations) Passed(ctx context.Context) (at time.Time, err error) {
	err = s.q.row(ctx, []any{asTime{&at}}, `SELECT r.at FROM cursors c JOIN reports r ON r.n <= c.n WHERE c.name = $1
		ORDER BY r.n DESC LIMIT 1`, silentCursor)
	if errors.Is(err, sql.ErrNoRows) {
		return at, nil
	}
	return at, err
}
