// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"

	"landed/manifests/report"
	"landed/server/fleet"
)

type reports struct{ q querier }

const reportColumns = `id, ref, seq, envelope, at, late`

// Append implements fleet.Reports.
func (s reports) Append(ctx context.Context, r fleet.StoredReport) (bool, error) {
	n, err := s.q.exec(ctx, `INSERT INTO reports (`+reportColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (ref, id) DO NOTHING`,
		r.ID, string(r.Ref), r.Seq, r.Envelope, millis(r.At), r.Late)
	return n == 1, err
}

// Get implements fleet.Reports.
func (s reports) Get(ctx context.Context, ref report.Reference, id string) (fleet.StoredReport, error) {
	var r fleet.StoredReport
	err := s.q.row(ctx, reportFields(&r), `SELECT `+reportColumns+` FROM reports WHERE ref = $1 AND id = $2`, string(ref), id)
	return r, notFound(err, "report_unknown", "installation %s has sent no such report", ref)
}

// HasSeq implements fleet.Reports. It looks at the reports of one installation.
func (s reports) HasSeq(ctx context.Context, ref report.Reference, seq int64) (bool, error) {
	var has bool
	err := s.q.row(ctx, []any{&has}, `SELECT EXISTS (SELECT 1 FROM reports WHERE ref = $1 AND seq = $2)`, string(ref), seq)
	return has, err
}

// Of implements fleet.Reports.
func (s reports) Of(ctx context.Context, ref report.Reference) ([]fleet.StoredReport, error) {
	rows, err := s.q.query(ctx, `SELECT `+reportColumns+` FROM reports WHERE ref = $1 ORDER BY seq, n`, string(ref))
	return collect(rows, err, func(scan func(...any) error) (r fleet.StoredReport, err error) {
		return r, scan(reportFields(&r)...)
	})
}

func reportFields(r *fleet.StoredReport) []any {
	return []any{&r.ID, &r.Ref, &r.Seq, &r.Envelope, asTime{&r.At}, &r.Late}
}
