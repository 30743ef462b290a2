// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"strconv"

	"landed/server/fleet"
)

type admissions struct{ q Querier }

const admissionColumns = `model, channel, at, key, cutoff, counted, candidates, admitted, by, reason`

// Put implements fleet.Admissions.
func (s admissions) Put(ctx context.Context, a fleet.Admission) error {
	if _, err := s.q.Exec(ctx, `INSERT INTO admissions (`+admissionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, a.Model, a.Channel, millis(a.At), bytes(a.Key), a.Cutoff,
		a.Counted, a.Candidates, a.Admitted, a.By, a.Reason); err != nil {
		return err
	}
	var n int64
	if err := s.q.Row(ctx, []any{&n}, `SELECT max(n) FROM admissions`); err != nil {
		return err
	}
	return record(ctx, s.q, "admissions", strconv.FormatInt(n, 10))
}

// List implements fleet.Admissions.
func (s admissions) List(ctx context.Context) ([]fleet.Admission, error) {
	rows, err := s.q.Query(ctx, `SELECT n, `+admissionColumns+` FROM admissions ORDER BY n`)
	return Collect(rows, err, func(scan func(...any) error) (a fleet.Admission, err error) {
		return a, scan(&a.N, &a.Model, &a.Channel, asTime{&a.At}, &a.Key, &a.Cutoff, &a.Counted, &a.Candidates, &a.Admitted,
			&a.By, &a.Reason)
	})
}

type quarantines struct{ q Querier }

const quarantineColumns = `id, since, until, model, at, by, reason, installations, bad, lifted, lifted_by, lifted_reason`

// Put implements fleet.Quarantines.
func (s quarantines) Put(ctx context.Context, q fleet.Quarantine) error {
	_, err := s.q.Exec(ctx, `INSERT INTO quarantines (`+quarantineColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO UPDATE SET lifted = excluded.lifted,
		lifted_by = excluded.lifted_by, lifted_reason = excluded.lifted_reason`, q.ID, millis(q.From), millis(q.To), q.Model,
		millis(q.At), q.By, q.Reason, q.Installations, q.Bad, millis(q.Lifted), q.LiftedBy, q.LiftedReason)
	if err != nil {
		return err
	}
	return record(ctx, s.q, "quarantines", q.ID)
}

// Get implements fleet.Quarantines.
func (s quarantines) Get(ctx context.Context, id string) (q fleet.Quarantine, err error) {
	err = s.q.Row(ctx, quarantineFields(&q), `SELECT `+quarantineColumns+` FROM quarantines WHERE id = $1`, id)
	return q, notFound(err, "quarantine_unknown", "there is no quarantine %.20q", id)
}

// List implements fleet.Quarantines.
func (s quarantines) List(ctx context.Context) ([]fleet.Quarantine, error) {
	rows, err := s.q.Query(ctx, `SELECT `+quarantineColumns+` FROM quarantines ORDER BY at, id`)
	return Collect(rows, err, func(scan func(...any) error) (q fleet.Quarantine, err error) {
		return q, scan(quarantineFields(&q)...)
	})
}

// Written implements fleet.Quarantines.
func (s quarantines) Written(ctx context.Context) (ids []string, err error) {
	last := map[string]string{}
	rows, err := s.q.Query(ctx, `SELECT key, sha256 FROM records WHERE kind = 'quarantines' ORDER BY n`)
	return ids, Each(rows, err, func(rows Rows) error {
		var id, sum string
		err := rows.Scan(&id, &sum)
		if last[id] != sum {
			ids = append(ids, id)
		}
		last[id] = sum
		return err
	})
}

func quarantineFields(q *fleet.Quarantine) []any {
	return []any{&q.ID, asTime{&q.From}, asTime{&q.To}, &q.Model, asTime{&q.At}, &q.By, &q.Reason, &q.Installations, &q.Bad,
		asTime{&q.Lifted}, &q.LiftedBy, &q.LiftedReason}
}
