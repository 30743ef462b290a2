// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"database/sql"
	"encoding/hex"
	"time"

	"landed/server/fleet"
)

// The column who.
const (
	isCounted = 1 << iota
	isQuarantined
	isOutOfDraw
	isAbsent
)

func whoBits(i fleet.Installation) (bits int64) {
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

// Heard implements fleet.Installations. Ages are counted in SQL, and whose they are is added up here: one scan, in which a row
// is looked at a few times, and few groups.
func (s installations) Heard(ctx context.Context, at time.Time) (all []fleet.HeardOf, err error) {
	args := make([]any, len(fleet.SilentFor))
	for n, age := range fleet.SilentFor {
		args[n] = millis(at.Add(-age))
	}
	rows, err := s.q.Query(ctx, `SELECT model, release, channel, who & 3, CASE WHEN admitted > 0 THEN 1 ELSE 0 END, count(*),
		count(CASE WHEN last < $1 THEN 1 END), count(CASE WHEN last < $2 THEN 1 END), count(CASE WHEN last < $3 THEN 1 END)
		FROM installations WHERE current GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3`, args...)
	return all, Each(rows, err, func(r Rows) error {
		var of fleet.Cell
		var who, admitted int64
		var h fleet.Heard
		if err := r.Scan(&of.Model, &of.Release, &of.Channel, &who, &admitted, &h.Of, &h.Silent[0], &h.Silent[1], &h.Silent[2]); err != nil {
			return err
		}
		if len(all) == 0 || all[len(all)-1].Cell != of {
			all = append(all, fleet.HeardOf{Cell: of})
		}
		cell := &all[len(all)-1]
		if who&isQuarantined != 0 {
			cell.Quarantined = cell.Quarantined.Add(h)
			return nil
		}
		cell.Everybody = cell.Everybody.Add(h)
		if who&isCounted != 0 {
			cell.Counted = cell.Counted.Add(h)
		}
		if admitted != 0 {
			cell.Members = cell.Members.Add(h)
		}
		return nil
	})
}

// Covered implements fleet.Installations.
func (s installations) Covered(ctx context.Context, model string, from, to time.Time) (n, bad int64, err error) {
	err = s.q.Row(ctx, []any{&n, &bad}, `SELECT count(DISTINCT ref),
		count(DISTINCT CASE WHEN leaked OR kind = 'bad' OR cause IN ('package', 'build') THEN ref END)
		FROM installations WHERE first >= $1 AND first < $2 AND ($3 = '' OR model = $3)`, millis(from), millis(to), model)
	return n, bad, err
}
