// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"database/sql"
	"encoding/hex"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// The column who.
const (
	isCounted = 1 << iota
	isQuarantined
	isOutOfDraw
	isAbsent
)

func whoBits(i *fleet.Installation) (bits int64) {
	if i.Counted {
		bits |= isCounted
	}
	if i.Quarantined {
		bits |= isQuarantined
	}
	if i.OutOfDraw {
		bits |= isOutOfDraw
	}
	if i.Absent {
		bits |= isAbsent
	}
	return bits
}

// asWho scans it.
type asWho struct{ into *fleet.Installation }

// Scan implements sql.Scanner.
func (a asWho) Scan(v any) error {
	var bits sql.NullInt64
	err := bits.Scan(v)
	a.into.Counted, a.into.Quarantined = bits.Int64&isCounted != 0, bits.Int64&isQuarantined != 0
	a.into.OutOfDraw, a.into.Absent = bits.Int64&isOutOfDraw != 0, bits.Int64&isAbsent != 0
	return err
}

// asHex scans bytes.
type asHex struct{ into *string }

// Scan implements sql.Scanner.
func (a asHex) Scan(v any) error {
	raw, _ := v.([]byte)
	*a.into = hex.EncodeToString(raw)
	return nil
}

// Muster implements fleet.Installations.
func (s installations) Muster(ctx context.Context, model, channel string, at time.Time) ([]fleet.Muster, error) {
	within, known := millis(at.Add(-fleet.HeardWithin)), millis(at.Add(-fleet.KnownFor))
	rows, err := s.q.Query(ctx, `SELECT model, channel, count(CASE WHEN who & 2 = 0 THEN 1 END),
		count(CASE WHEN who & 2 = 0 AND admitted <> 0 AND last >= $3 THEN 1 END),
		count(CASE WHEN who & 2 = 0 AND admitted <> 0 AND last < $3 THEN 1 END),
		count(CASE WHEN who & 2 = 0 AND admitted = 0 AND last >= $3 AND first <= $4 AND last - first >= $5 THEN 1 END),
		count(CASE WHEN who & 2 <> 0 THEN 1 END)
		FROM installations WHERE current AND ($1 = '' OR model = $1) AND ($2 = '' OR channel = $2)
		GROUP BY model, channel ORDER BY model, channel`,
		model, channel, within, known, fleet.HeardOver.Milliseconds())
	return Collect(rows, err, func(scan func(...any) error) (m fleet.Muster, err error) {
		return m, scan(&m.Model, &m.Channel, &m.Installations, &m.Counted, &m.Quiet, &m.Candidates, &m.Quarantined)
	})
}

// Heard implements fleet.Installations: ages are counted in SQL, and whose they are is added up here. An installation has one
// current row, so that no page of them ends within one.
func (s installations) Heard(
	ctx context.Context, at time.Time, after report.Reference, limit int,
) (all []fleet.HeardOf, last report.Reference, err error) {
	var since [len(fleet.SilentFor)]int64
	for n, age := range fleet.SilentFor {
		since[n] = millis(at.Add(-age))
	}
	rows, err := s.q.Query(ctx, `SELECT model, release, channel, who & 3, CASE WHEN admitted > 0 THEN 1 ELSE 0 END, max(ref), count(*),
		count(CASE WHEN last < $1 THEN 1 END), count(CASE WHEN last < $2 THEN 1 END), count(CASE WHEN last < $3 THEN 1 END)
		FROM (SELECT ref, model, release, channel, who, admitted, last FROM installations WHERE current AND ref > $4
			ORDER BY ref LIMIT $5) AS page GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3`, since[0], since[1], since[2], string(after), limit)
	read := int64(0)
	err = Each(rows, err, func(r Rows) error {
		var of fleet.Cell
		var who, admitted int64
		var ref report.Reference
		var h fleet.Heard
		if err := r.Scan(&of.Model, &of.Release, &of.Channel, &who, &admitted, &ref, &h.Of, &h.Silent[0], &h.Silent[1],
			&h.Silent[2]); err != nil {
			return err
		}
		if len(all) == 0 || all[len(all)-1].Cell != of {
			all = append(all, fleet.HeardOf{Cell: of})
		}
		all[len(all)-1].Count(who&isQuarantined != 0, who&isCounted != 0, admitted != 0, h)
		last, read = max(last, ref), read+h.Of
		return nil
	})
	if read < int64(limit) {
		last = ""
	}
	return all, last, err
}

// Covered implements fleet.Installations.
func (s installations) Covered(ctx context.Context, model string, from, to time.Time) (n, bad int64, err error) {
	err = s.q.Row(ctx, []any{&n, &bad}, `SELECT count(DISTINCT ref),
		count(DISTINCT CASE WHEN leaked OR kind = 'bad' OR cause IN ('package', 'build') THEN ref END)
		FROM installations WHERE first >= $1 AND first < $2 AND ($3 = '' OR model = $3)`, millis(from), millis(to), model)
	return n, bad, err
}
