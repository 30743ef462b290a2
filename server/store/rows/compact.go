// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"fmt"
	"time"

	"landed/server/fleet"
	"landed/server/store/compact"
)

// loose is a report that waits to become compact.
type loose struct {
	n      int64
	ref    string
	whole  compact.Report
	packed []byte
}

// Compact moves up to limit of the reports that are sealed and came before a time to compact_reports, the oldest first,
// and says how many. Packing holds up nobody; what is written then is one transaction, whose length limit bounds. Two at
// once do no harm: what one moved, the other leaves alone. The last report stays where it is, because n counts on it.
func Compact(ctx context.Context, s fleet.Store, before time.Time, limit int) (done int, err error) {
	var all []loose
	keys := map[string]owner{}
	if err := s.View(ctx, func(ft fleet.Tx) error {
		t := ft.(*Tx)
		sealed, _, err := t.Seals().Latest(ctx, fleet.TreeReports) // control first
		if err != nil {
			return err
		}
		if all, err = looseReports(ctx, t.reports, sealed.N, before, limit); err != nil || len(all) == 0 {
			return err
		}
		keys, err = owners(ctx, t.reports, all)
		return err
	}); err != nil || len(all) == 0 {
		return 0, err
	}
	for i := range all {
		l := &all[i]
		if _, known := keys[l.ref]; !known {
			keys[l.ref] = owner{key: compact.Key(l.whole.Envelope)}
		}
		if l.packed, err = compact.Pack(l.whole, keys[l.ref].key); err != nil {
			return 0, fmt.Errorf("report %d of installation %s: %w", l.n, l.ref, err)
		}
	}
	err = s.UpdateReports(ctx, func(ft fleet.Tx) (err error) {
		done, err = move(ctx, ft.(*Tx).reports, all, keys)
		return err
	})
	return done, err
}

// looseReports are the first that may be moved. Those behind one that came too late wait for it: nobody searches for more.
func looseReports(ctx context.Context, q Querier, upTo int64, before time.Time, limit int) (all []loose, err error) {
	rows, err := q.Query(ctx, `SELECT n, ref, id, schema, release, envelope, at FROM reports
		WHERE n <= $1 AND n < (SELECT max(n) FROM reports) ORDER BY n LIMIT $2`, upTo, limit)
	young := false
	return all, Each(rows, err, func(rows Rows) error {
		var l loose
		var at int64
		err := rows.Scan(&l.n, &l.ref, &l.whole.ID, &l.whole.Schema, &l.whole.Release, &l.whole.Envelope, &at)
		if young = young || at >= millis(before); !young {
			all = append(all, l)
		}
		return err
	})
}

// owner is a row of report_keys.
type owner struct {
	who int64
	key []byte
}

// owners are the rows of report_keys of these reports, by reference.
func owners(ctx context.Context, q Querier, all []loose) (map[string]owner, error) {
	refs := make([]string, len(all))
	for i, l := range all {
		refs[i] = l.ref
	}
	found := map[string]owner{}
	rows, err := q.QueryKeys(ctx, `SELECT ref, who, key FROM report_keys WHERE ref IN (SELECT {0} FROM {keys})`, refs)
	return found, Each(rows, err, func(rows Rows) error {
		var ref string
		var o owner
		err := rows.Scan(&ref, &o.who, &o.key)
		found[ref] = o
		return err
	})
}

var insertKeys = &Insert{"report_keys", "ref, key", "ON CONFLICT (ref) DO NOTHING"}

// move writes what was packed, and takes out what it was packed of.
func move(ctx context.Context, q Querier, all []loose, packedWith map[string]owner) (done int, err error) {
	var missing [][]any
	for _, l := range all {
		if o, ok := packedWith[l.ref]; ok && o.who == 0 {
			missing = append(missing, []any{l.ref, bytes(o.key)})
		}
	}
	if _, err := q.Insert(ctx, insertKeys, missing); err != nil {
		return 0, err
	}
	now, err := owners(ctx, q, all)
	if err != nil {
		return 0, err
	}
	for _, l := range all {
		o := now[l.ref]
		if string(o.key) != string(packedWith[l.ref].key) {
			continue // another one came first, by another key; the next call packs it with that
		}
		n, err := q.Exec(ctx, `INSERT INTO compact_reports (n, who, seq, at, late, body)
			SELECT n, $2, seq, at, late, $3 FROM reports WHERE n = $1 AND envelope = $4`, l.n, o.who, l.packed, l.whole.Envelope)
		if err == nil && n == 1 {
			n, err = q.Exec(ctx, `DELETE FROM reports WHERE n = $1`, l.n)
		}
		if err != nil {
			return 0, err
		}
		done += int(n)
	}
	return done, nil
}
