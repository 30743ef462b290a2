// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"encoding/json"

	"landed/manifests/report"
	"landed/server/fleet"
)

type reports struct{ q querier }

const reportColumns = `id, ref, seq, schema, release, envelope, at, late`

var appendReports = newInsert(`INSERT INTO reports (`+reportColumns+`)`, 8, `ON CONFLICT (ref, id) DO NOTHING`)

// Append implements fleet.Reports.
func (s reports) Append(ctx context.Context, all ...fleet.StoredReport) (int, error) {
	rows := make([][]any, len(all))
	for n, r := range all {
		rows[n] = []any{r.ID, string(r.Ref), r.Seq, r.Schema, r.Release, r.Envelope, millis(r.At), r.Late}
	}
	added, err := appendReports.write(ctx, s.q, rows)
	return int(added), err
}

// Get implements fleet.Reports.
func (s reports) Get(ctx context.Context, ref report.Reference, id string) (fleet.StoredReport, error) {
	var r fleet.StoredReport
	err := s.q.row(ctx, reportFields(&r), `SELECT `+reportColumns+` FROM reports WHERE ref = $1 AND id = $2`,
		string(ref), id)
	return r, notFound(err, "report_unknown", "installation %s has sent no such report", ref)
}

// Stored implements fleet.Reports.
func (s reports) Stored(ctx context.Context, ids ...fleet.ReportID) (map[fleet.ReportID]fleet.StoredReport, error) {
	found := map[fleet.ReportID]fleet.StoredReport{}
	pairs := make([][2]any, len(ids))
	for n, id := range ids {
		pairs[n] = [2]any{id.Ref, id.ID}
	}
	all, err := s.of(ctx, pairs, `SELECT r.id, r.ref, r.seq, r.schema, r.release, r.envelope, r.at, r.late
		FROM json_each($1) k
		CROSS JOIN reports r ON r.ref = json_extract(k.value, '$[0]') AND r.id = json_extract(k.value, '$[1]')`)
	for _, r := range all {
		found[fleet.ReportID{Ref: r.Ref, ID: r.ID}] = r
	}
	return found, err
}

const takenSequences = `SELECT '', r.ref, r.seq, 0, '', x'', 0, FALSE FROM json_each($1) k
	CROSS JOIN reports r ON r.ref = json_extract(k.value, '$[0]') AND r.seq = json_extract(k.value, '$[1]')`

// Sequences implements fleet.Reports. The index has all that it reads.
func (s reports) Sequences(ctx context.Context, seqs ...fleet.ReportSeq) (map[fleet.ReportSeq]bool, error) {
	found := map[fleet.ReportSeq]bool{}
	pairs := make([][2]any, len(seqs))
	for n, seq := range seqs {
		pairs[n] = [2]any{seq.Ref, seq.Seq}
	}
	all, err := s.of(ctx, pairs, takenSequences)
	for _, r := range all {
		found[fleet.ReportSeq{Ref: r.Ref, Seq: r.Seq}] = true
	}
	return found, err
}

// of queries by pairs of an installation and something.
func (s reports) of(ctx context.Context, pairs [][2]any, text string) ([]fleet.StoredReport, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	keys, err := json.Marshal(pairs)
	if err != nil {
		return nil, err
	}
	return s.list(ctx, text, string(keys))
}

// Of implements fleet.Reports.
func (s reports) Of(ctx context.Context, ref report.Reference) ([]fleet.StoredReport, error) {
	return s.list(ctx, `SELECT `+reportColumns+` FROM reports WHERE ref = $1 ORDER BY seq, n`, string(ref))
}

// Arrived implements fleet.Reports.
func (s reports) Arrived(ctx context.Context, ref report.Reference) ([]fleet.StoredReport, error) {
	return s.list(ctx, `SELECT `+reportColumns+` FROM reports WHERE ref = $1 ORDER BY n`, string(ref))
}

func (s reports) list(ctx context.Context, text string, args ...any) ([]fleet.StoredReport, error) {
	rows, err := s.q.query(ctx, text, args...)
	return collect(rows, err, func(scan func(...any) error) (r fleet.StoredReport, err error) {
		return r, scan(reportFields(&r)...)
	})
}

func reportFields(r *fleet.StoredReport) []any {
	return []any{&r.ID, &r.Ref, &r.Seq, &r.Schema, &r.Release, &r.Envelope, asTime{&r.At}, &r.Late}
}
