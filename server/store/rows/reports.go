// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"math"

	"landed/manifests/report"
	"landed/server/fleet"
)

// reports, of whose installations asked is what an Intake holds.
type reports struct {
	q     Querier
	asked *asked
}

const reportColumns = `id, ref, seq, schema, release, envelope, at, late`

var appendReports = &Insert{"reports", reportColumns, `ON CONFLICT (ref, seq, id) DO NOTHING`}

// Append implements fleet.Reports.
func (s reports) Append(ctx context.Context, all ...fleet.StoredReport) (int, error) {
	rows := make([][]any, len(all))
	for n, r := range all {
		rows[n] = []any{r.ID, string(r.Ref), r.Seq, int64(r.Schema), r.Release, r.Envelope, millis(r.At), r.Late}
	}
	if len(rows) == 0 {
		return 0, nil
	}
	added, err := s.q.Insert(ctx, appendReports, rows)
	if s.asked != nil && err == nil && int(added) < len(rows) {
		s.asked.overtaken = true // or they were sent twice, which the next run finds again
	}
	return int(added), err
}

// Get implements fleet.Reports.
func (s reports) Get(ctx context.Context, ref report.Reference, id string) (fleet.StoredReport, error) {
	var r fleet.StoredReport
	err := s.q.Row(ctx, reportFields(&r), `SELECT `+reportColumns+` FROM reports WHERE ref = $1 AND id = $2`,
		string(ref), id)
	return r, notFound(err, "report_unknown", "installation %s has sent no such report", ref)
}

// knownReports asks for a number from {1} to {2}, so that one that is known is found by the index and one that is not,
// among those of its installation.
const knownReports = `SELECT {n}, r.id, r.ref, r.seq, r.schema, r.release, r.envelope, r.at, r.late FROM {keys}
	CROSS JOIN reports r WHERE r.ref = {0} AND r.seq BETWEEN {1} AND {2} AND r.id = {3}`

// Stored implements fleet.Reports.
func (s reports) Stored(ctx context.Context, ids ...fleet.ReportID) (map[fleet.ReportID]fleet.StoredReport, error) {
	found := map[fleet.ReportID]fleet.StoredReport{}
	if len(ids) == 0 {
		return found, nil
	}
	refs, names := make([]string, len(ids)), make([]string, len(ids))
	from, to := make([]int64, len(ids)), make([]int64, len(ids))
	for n, id := range ids {
		refs[n], names[n], from[n], to[n] = string(id.Ref), id.ID, id.Seq, id.Seq
		if id.Seq == 0 {
			to[n] = math.MaxInt64
		}
	}
	rows, err := s.q.QueryKeys(ctx, knownReports, refs, from, to, names)
	type known struct {
		n int
		r fleet.StoredReport
	}
	all, err := Collect(rows, err, func(scan func(...any) error) (k known, err error) {
		return k, scan(append([]any{&k.n}, reportFields(&k.r)...)...)
	})
	for _, k := range all {
		found[ids[k.n]] = k.r
	}
	return found, err
}

// TakenSequences is asked for each late report. The index has all that it reads.
const TakenSequences = `SELECT {n} FROM {keys} WHERE EXISTS (SELECT 1 FROM reports r WHERE r.ref = {0} AND r.seq = {1})`

// Sequences implements fleet.Reports.
func (s reports) Sequences(ctx context.Context, seqs ...fleet.ReportSeq) (map[fleet.ReportSeq]bool, error) {
	found := map[fleet.ReportSeq]bool{}
	if len(seqs) == 0 {
		return found, nil
	}
	refs, numbers := make([]string, len(seqs)), make([]int64, len(seqs))
	for n, seq := range seqs {
		refs[n], numbers[n] = string(seq.Ref), seq.Seq
	}
	rows, err := s.q.QueryKeys(ctx, TakenSequences, refs, numbers)
	all, err := Collect(rows, err, func(scan func(...any) error) (n int, err error) { return n, scan(&n) })
	for _, n := range all {
		found[seqs[n]] = true
	}
	return found, err
}

// Of implements fleet.Reports.
func (s reports) Of(ctx context.Context, ref report.Reference) ([]fleet.StoredReport, error) {
	return s.list(ctx, `SELECT `+reportColumns+` FROM reports WHERE ref = $1 ORDER BY seq, n`, string(ref))
}

// Page implements fleet.Reports. The index alone says which they are, so that only those of the page are read.
func (s reports) Page(
	ctx context.Context, ref report.Reference, before, limit int,
) (page []fleet.StoredReport, from int, err error) {
	total := 0
	err = s.q.Row(ctx, []any{&total}, `SELECT count(*) FROM reports WHERE ref = $1`, string(ref))
	if err != nil {
		return nil, 0, err
	}
	if before <= 0 || before > total {
		before = total
	}
	from = max(0, before-limit)
	page, err = s.list(ctx, `SELECT `+reportColumns+` FROM reports WHERE n IN
		(SELECT n FROM reports WHERE ref = $1 ORDER BY seq, n LIMIT $2 OFFSET $3) ORDER BY seq, n`,
		string(ref), before-from, from)
	return page, from, err
}

// Arrived implements fleet.Reports.
func (s reports) Arrived(ctx context.Context, ref report.Reference) ([]fleet.StoredReport, error) {
	return s.list(ctx, `SELECT `+reportColumns+` FROM reports WHERE ref = $1 ORDER BY n`, string(ref))
}

// First implements fleet.Reports. The index alone says which it is.
func (s reports) First(ctx context.Context, ref report.Reference) (r fleet.StoredReport, err error) {
	err = s.q.Row(ctx, reportFields(&r), `SELECT `+reportColumns+` FROM reports WHERE n =
		(SELECT min(n) FROM reports WHERE ref = $1)`, string(ref))
	return r, notFound(err, "report_unknown", "installation %s has sent no report", ref)
}

func (s reports) list(ctx context.Context, text string, args ...any) ([]fleet.StoredReport, error) {
	rows, err := s.q.Query(ctx, text, args...)
	return Collect(rows, err, func(scan func(...any) error) (r fleet.StoredReport, err error) {
		return r, scan(reportFields(&r)...)
	})
}

func reportFields(r *fleet.StoredReport) []any {
	return []any{&r.ID, &r.Ref, &r.Seq, &r.Schema, &r.Release, &r.Envelope, asTime{&r.At}, &r.Late}
}
