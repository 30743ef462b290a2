// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"math"
	"slices"

	"landed/manifests/report"
	"landed/server/fleet"
)

// reports reads from two tables: a report that is sealed moves from reports to compact_reports (compact.go), and means
// the same in both. asked is what an Intake holds of their installations.
type reports struct {
	q     Querier
	asked *asked
}

const reportColumns = `id, ref, seq, schema, release, envelope, at, late`

var appendReports = &Insert{"reports", reportColumns, `ON CONFLICT (ref, seq, id) DO NOTHING`}

// Append implements fleet.Reports.
func (s reports) Append(ctx context.Context, all ...fleet.StoredReport) (int, error) {
	packed, err := s.packed(ctx, all)
	if err != nil {
		return 0, err
	}
	rows := make([][]any, 0, len(all))
	for _, r := range all {
		if !packed[fleet.ReportID{Ref: r.Ref, Seq: r.Seq, ID: r.ID}] {
			rows = append(rows, []any{r.ID, string(r.Ref), r.Seq, int64(r.Schema), r.Release, r.Envelope, millis(r.At), r.Late})
		}
	}
	added := int64(0)
	if len(rows) > 0 {
		added, err = s.q.Insert(ctx, appendReports, rows)
	}
	if s.asked != nil && err == nil && int(added) < len(all) {
		s.asked.overtaken = true // or they were sent twice, which the next run finds again
	}
	return int(added), err
}

// packed says which of these reports are compact already.
func (s reports) packed(ctx context.Context, all []fleet.StoredReport) (map[fleet.ReportID]bool, error) {
	if len(all) == 0 {
		return nil, nil
	}
	refs, seqs := make([]string, len(all)), make([]int64, len(all))
	for n, r := range all {
		refs[n], seqs[n] = string(r.Ref), r.Seq
	}
	rows, err := s.q.QueryKeys(ctx, `SELECT {n}, `+compactColumns+` FROM {keys} `+compactOfKey+` WHERE w.ref = {0} AND c.seq = {1}`,
		refs, seqs)
	found := map[fleet.ReportID]bool{}
	err = Each(rows, err, func(rows Rows) error {
		n, r, err := scanKeyed(rows.Scan)
		if err == nil && r.Is(all[n].ID) {
			found[fleet.ReportID{Ref: r.Ref, Seq: r.Seq, ID: all[n].ID}] = true
		}
		return err
	})
	return found, err
}

// Get implements fleet.Reports. An id says nothing of where among the compact ones of an installation it is.
func (s reports) Get(ctx context.Context, ref report.Reference, id string) (fleet.StoredReport, error) {
	all, err := s.list(ctx, everyReport(`WHERE r.ref = $1 AND r.id = $2`, `WHERE w.ref = $1`)+` ORDER BY n`, string(ref), id)
	if err != nil {
		return fleet.StoredReport{}, err
	}
	at := slices.IndexFunc(all, func(r fleet.StoredReport) bool { return r.Is(id) })
	if at < 0 {
		return fleet.StoredReport{}, fleet.Errorf(fleet.NotFound, "report_unknown", "installation %s has sent no such report", ref)
	}
	return all[at], nil
}

// knownReports asks for a number from {1} to {2}, so that one that is known is found by the index and one that is not,
// among those of its installation.
const knownReports = `SELECT {n}, ` + looseColumns + ` FROM {keys}
	CROSS JOIN reports r WHERE r.ref = {0} AND r.seq BETWEEN {1} AND {2} AND r.id = {3}
	UNION ALL SELECT {n}, ` + compactColumns + ` FROM {keys} ` + compactOfKey + ` WHERE w.ref = {0} AND c.seq BETWEEN {1} AND {2}`

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
	return found, Each(rows, err, func(rows Rows) error {
		n, r, err := scanKeyed(rows.Scan)
		if err == nil && r.Is(names[n]) {
			found[ids[n]] = r
		}
		return err
	})
}

// TakenSequences is asked for each late report. The indexes have all that it reads.
const TakenSequences = `SELECT {n} FROM {keys} WHERE EXISTS (SELECT 1 FROM reports r WHERE r.ref = {0} AND r.seq = {1})
	OR EXISTS (SELECT 1 FROM report_keys w JOIN compact_reports c ON c.who = w.who WHERE w.ref = {0} AND c.seq = {1})`

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
	return s.list(ctx, everyReport(`WHERE r.ref = $1`, `WHERE w.ref = $1`)+` ORDER BY seq, n`, string(ref))
}

// numbersOf are the numbers of all reports of an installation. The indexes have them.
const numbersOf = `SELECT n, seq FROM reports WHERE ref = $1
	UNION ALL SELECT c.n, c.seq FROM compact_reports c JOIN report_keys w ON w.who = c.who WHERE w.ref = $1`

// Page implements fleet.Reports. The indexes alone say which they are, so that only those of the page are read.
func (s reports) Page(
	ctx context.Context, ref report.Reference, before, limit int,
) (page []fleet.StoredReport, from int, err error) {
	total := 0
	err = s.q.Row(ctx, []any{&total}, `SELECT count(*) FROM (`+numbersOf+`) AS every`, string(ref))
	if err != nil {
		return nil, 0, err
	}
	if before <= 0 || before > total {
		before = total
	}
	from = max(0, before-limit)
	const ofPage = `n IN (SELECT n FROM (` + numbersOf + `) AS every ORDER BY seq, n LIMIT $2 OFFSET $3)`
	page, err = s.list(ctx, everyReport(`WHERE r.`+ofPage, `WHERE c.`+ofPage)+` ORDER BY seq, n`, string(ref), before-from, from)
	return page, from, err
}

// Arrived implements fleet.Reports.
func (s reports) Arrived(ctx context.Context, ref report.Reference) ([]fleet.StoredReport, error) {
	return s.list(ctx, everyReport(`WHERE r.ref = $1`, `WHERE w.ref = $1`)+` ORDER BY n`, string(ref))
}

// First implements fleet.Reports. The indexes alone say which it is.
func (s reports) First(ctx context.Context, ref report.Reference) (fleet.StoredReport, error) {
	const first = `n = (SELECT min(n) FROM (` + numbersOf + `) AS every)`
	all, err := s.list(ctx, everyReport(`WHERE r.`+first, `WHERE c.`+first), string(ref))
	if err == nil && len(all) == 0 {
		err = fleet.Errorf(fleet.NotFound, "report_unknown", "installation %s has sent no report", ref)
	}
	if err != nil {
		return fleet.StoredReport{}, err
	}
	return all[0], nil
}

func (s reports) list(ctx context.Context, text string, args ...any) ([]fleet.StoredReport, error) {
	rows, err := s.q.Query(ctx, text, args...)
	return Collect(rows, err, func(scan func(...any) error) (fleet.StoredReport, error) {
		_, r, err := scanReport(scan)
		return r, err
	})
}
