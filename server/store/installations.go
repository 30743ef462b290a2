// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

type installations struct{ q querier }

const installationColumns = `ref, model, channel, release, seq, newest, progress, verdict, because, before, leaked, cloned, reports, first, last`

// Get implements fleet.Installations.
func (s installations) Get(ctx context.Context, ref report.Reference) (fleet.Installation, error) {
	i, err := s.State(ctx, ref)
	if err != nil {
		return i, err
	}
	stored, err := reports(s).Get(ctx, ref, i.Newest.ID)
	if err != nil {
		return i, fmt.Errorf("newest report of %s: %w", ref, err)
	}
	i.Newest, _, err = report.Open(stored.Envelope)
	if err != nil {
		return i, fmt.Errorf("newest report of %s: %w", ref, err)
	}
	return i, nil
}

// State implements fleet.Installations.
func (s installations) State(ctx context.Context, ref report.Reference) (fleet.Installation, error) {
	var i fleet.Installation
	err := s.q.row(ctx, installationFields(&i), `SELECT `+installationColumns+` FROM installations WHERE ref = $1`, string(ref))
	i.Newest.Seq = i.Seq
	return i, notFound(err, "installation_unknown", "no report of an installation %s has come in", ref)
}

// Put implements fleet.Installations.
func (s installations) Put(ctx context.Context, i fleet.Installation) error {
	because, err := list(i.Because)
	if err != nil {
		return err
	}
	_, err = s.q.exec(ctx, `INSERT INTO installations (`+installationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (ref) DO UPDATE SET model = excluded.model, channel = excluded.channel, release = excluded.release, seq = excluded.seq,
		newest = excluded.newest, progress = excluded.progress, verdict = excluded.verdict, because = excluded.because, before = excluded.before,
		leaked = excluded.leaked, cloned = excluded.cloned, reports = excluded.reports, first = excluded.first, last = excluded.last`,
		string(i.Ref), i.Model, i.Channel, i.Release, i.Seq, i.Newest.ID, string(i.Progress), string(i.Verdict), because, string(i.Before),
		i.Leaked, i.Cloned, i.Reports, millis(i.First), millis(i.Last))
	return err
}

const silentCursor = "silent"

// Silent implements fleet.Installations.
func (s installations) Silent(ctx context.Context, before time.Time, limit int) ([]fleet.Installation, bool, error) {
	var from int64
	if err := s.q.row(ctx, []any{&from}, `SELECT n FROM cursors WHERE name = $1`, silentCursor); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, false, err
	}
	refs, upTo, more, err := s.walk(ctx, from, before, limit)
	if err != nil || upTo == from {
		return nil, false, err
	}
	if _, err := s.q.exec(ctx, `INSERT INTO cursors (name, n) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET n = excluded.n`, silentCursor, upTo); err != nil {
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

// walk passes reports in the order in which they came, until one is not older than
// before. A report speaks for its installation only if it is still the newest.
func (s installations) walk(ctx context.Context, from int64, before time.Time, limit int) (refs []report.Reference, upTo int64, more bool, err error) {
	rows, err := s.q.query(ctx, `SELECT r.n, r.at, r.ref, i.ref IS NOT NULL FROM reports r
		LEFT JOIN installations i ON i.ref = r.ref AND i.newest = r.id AND i.verdict = $1 AND i.last < $2
		WHERE r.n > $3 ORDER BY r.n LIMIT $4`, string(fleet.Unpatched), millis(before), from, limit)
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

// Alarming implements fleet.Installations.
func (s installations) Alarming(ctx context.Context, release, model string, limit int) ([]fleet.Installation, error) {
	rows, err := s.q.query(ctx, `SELECT `+installationColumns+` FROM installations
		WHERE verdict IN ('leak', 'contradictory') AND release = $1 AND model = $2 ORDER BY last DESC, ref LIMIT $3`, release, model, limit)
	return collect(rows, err, func(scan func(...any) error) (i fleet.Installation, err error) {
		err = scan(installationFields(&i)...)
		i.Newest.Seq = i.Seq
		return i, err
	})
}

func installationFields(i *fleet.Installation) []any {
	return []any{&i.Ref, &i.Model, &i.Channel, &i.Release, &i.Seq, &i.Newest.ID, &i.Progress, &i.Verdict, asList[string]{&i.Because}, &i.Before,
		&i.Leaked, &i.Cloned, &i.Reports, asTime{&i.First}, asTime{&i.Last}}
}
