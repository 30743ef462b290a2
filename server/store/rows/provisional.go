// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"
	"fmt"

	"landed/manifests/report"
	"landed/server/fleet"
)

type provisional struct {
	q     Querier
	asked *asked
}

const provisionalKey = `slot, ref, seq, id, at`

// Size implements fleet.Provisional.
func (s provisional) Size(ctx context.Context) (n int64, err error) {
	return n, s.q.Row(ctx, []any{&n}, `SELECT coalesce(max(slot), 0) FROM provisional`)
}

// Of implements fleet.Provisional.
func (s provisional) Of(ctx context.Context, refs ...report.Reference) ([]fleet.ProvisionalReport, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	keys := make([]string, len(refs))
	for n, ref := range refs {
		keys[n] = string(ref)
	}
	rows, err := s.q.QueryKeys(ctx, `SELECT `+provisionalKey+` FROM provisional
		WHERE ref IN (SELECT {0} FROM {keys}) ORDER BY slot`, keys)
	return Collect(rows, err, func(scan func(...any) error) (r fleet.ProvisionalReport, err error) {
		return r, scan(provisionalFields(&r)...)
	})
}

// Put implements fleet.Provisional.
func (s provisional) Put(ctx context.Context, p fleet.ProvisionalReport) error {
	if _, err := s.q.Exec(ctx, `DELETE FROM provisional WHERE slot = $1`, p.Slot); err != nil {
		return err
	}
	_, err := s.q.Try(ctx, `INSERT INTO provisional (`+provisionalKey+`, envelope) VALUES ($1, $2, $3, $4, $5, $6)`,
		p.Slot, string(p.Ref), p.Seq, p.ID, millis(p.At), p.Envelope)
	if s.asked != nil && fleet.Is(err, fleet.Conflict) {
		s.asked.overtaken = true // somebody else took the slot: the next run sees it
	}
	return conflict(err, "provisional_kept", "this report is kept provisionally already")
}

// Oldest implements fleet.Provisional.
func (s provisional) Oldest(
	ctx context.Context, after fleet.ProvisionalReport, limit int,
) ([]fleet.ProvisionalReport, error) {
	rows, err := s.q.Query(ctx, `SELECT `+provisionalKey+`, envelope FROM provisional
		WHERE (at, ref, seq, id) > ($1, $2, $3, $4) ORDER BY at, ref, seq, id LIMIT $5`,
		millis(after.At), string(after.Ref), after.Seq, after.ID, limit)
	return Collect(rows, err, func(scan func(...any) error) (r fleet.ProvisionalReport, err error) {
		return r, scan(append(provisionalFields(&r), &r.Envelope)...)
	})
}

// Take implements fleet.Provisional.
func (s provisional) Take(ctx context.Context, keys ...fleet.ReportID) (taken int64, err error) {
	for _, k := range keys {
		var slot int64
		err := s.q.Row(ctx, []any{&slot}, `SELECT slot FROM provisional WHERE ref = $1 AND seq = $2 AND id = $3`,
			string(k.Ref), k.Seq, k.ID)
		if errors.Is(err, ErrNoRows) {
			continue
		}
		if err == nil {
			_, err = s.q.Exec(ctx, `DELETE FROM provisional WHERE slot = $1`, slot)
		}
		if err == nil {
			_, err = s.q.Exec(ctx, `UPDATE provisional SET slot = $1
				WHERE slot = (SELECT max(slot) FROM provisional) AND slot > $1`, slot)
		}
		if err != nil {
			return taken, err
		}
		taken++
	}
	return taken, nil
}

func provisionalFields(r *fleet.ProvisionalReport) []any {
	return []any{&r.Slot, &r.Ref, &r.Seq, &r.ID, asTime{&r.At}}
}

// recountProvisional finds slots that are left out.
func recountProvisional(ctx context.Context, q Querier) ([]string, error) {
	var n, low, high int64
	err := q.Row(ctx, []any{&n, &low, &high}, `SELECT count(*), coalesce(min(slot), 1), coalesce(max(slot), 0) FROM provisional`)
	if err != nil || low == 1 && high == n {
		return nil, err
	}
	return []string{fmt.Sprintf("%d provisional reports are kept in slots %d to %d; wanted 1 to %d", n, low, high, n)}, nil
}
