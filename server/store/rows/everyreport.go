// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"landed/server/fleet"
	"landed/server/store/compact"
)

// A report in either table has these columns: r is reports, c is compact_reports, w is report_keys.
const (
	looseColumns   = `r.n, r.ref, r.seq, r.at, r.late, r.id, r.schema, r.release, r.envelope AS body, '' AS key, 0 AS packed`
	compactColumns = `c.n, w.ref, c.seq, c.at, c.late, '' AS id, 0 AS schema, '' AS release, c.body, w.key, 1 AS packed`
	// compactOfKey follows a table of keys, of which w.ref is one.
	compactOfKey = `CROSS JOIN report_keys w JOIN compact_reports c ON c.who = w.who`
)

// everyReport selects from both tables. ofReports and ofCompact are their conditions; an order may follow, by n or by
// seq, n.
func everyReport(ofReports, ofCompact string) string {
	return `SELECT ` + looseColumns + ` FROM reports r ` + ofReports + `
		UNION ALL SELECT ` + compactColumns + ` FROM compact_reports c JOIN report_keys w ON w.who = c.who ` + ofCompact
}

// scanReport reads a row of everyReport. A compact one that does not come back is given as what is stored of it: whoever
// opens the envelope finds that it is none.
func scanReport(scan func(...any) error) (n int64, r fleet.StoredReport, err error) {
	var body, key []byte
	var packed int64
	if err := scan(&n, &r.Ref, &r.Seq, asTime{&r.At}, &r.Late, &r.ID, &r.Schema, &r.Release, &body, &key, &packed); err != nil {
		return n, r, err
	}
	r.N, r.Envelope = n, body
	if packed == 0 {
		return n, r, nil
	}
	if sum, id, dropped := compact.Dropped(body); dropped {
		r.ID, r.Sum, r.Envelope = id, sum, nil
	} else if p, err := compact.Unpack(body, key); err == nil {
		r.ID, r.Schema, r.Release, r.Envelope = p.ID, p.Schema, p.Release, p.Envelope
	}
	return n, r, nil
}

// scanKeyed is scanReport behind the number of a key.
func scanKeyed(scan func(...any) error) (key int, r fleet.StoredReport, err error) {
	_, r, err = scanReport(func(into ...any) error { return scan(append([]any{&key}, into...)...) })
	return key, r, err
}
