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
	n, seq int64
	at     int64
	late   bool
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
	rows, err := q.Query(ctx, `SELECT n, ref, seq, at, late, id, schema, release, envelope FROM reports
		WHERE n <= $1 AND n < (SELECT max(n) FROM reports) ORDER BY n LIMIT $2`, upTo, limit)
	young := false
	return all, Each(rows, err, func(rows Rows) error {
		var l loose
		err := rows.Scan(&l.n, &l.ref, &l.seq, &l.at, &l.late, &l.whole.ID, &l.whole.Schema, &l.whole.Release, &l.whole.Envelope)
		if young = young || l.at >= millis(before); !young {
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

var insertCompact = &Insert{"compact_reports", "n, who, seq, at, late, body", ""}

// move writes what was packed, and takes out what it was packed of.
func move(ctx context.Context, q Querier, all []loose, packedWith map[string]owner) (done int, err error) {
	var missing [][]any
	added := map[string]bool{}
	for _, l := range all {
		if o := packedWith[l.ref]; o.who == 0 && !added[l.ref] {
			missing, added[l.ref] = append(missing, []any{l.ref, bytes(o.key)}), true
		}
	}
	if len(missing) > 0 {
		if _, err := q.Insert(ctx, insertKeys, missing); err != nil {
			return 0, err
		}
	}
	now, err := owners(ctx, q, all)
	if err != nil {
		return 0, err
	}
	there, err := stillThere(ctx, q, all)
	if err != nil {
		return 0, err
	}
	var packed [][]any
	var numbers []int64
	for _, l := range all {
		// Another one may have come first, also by another key; the next call packs it with that.
		o := now[l.ref]
		if text, is := there[l.n]; is && text == string(l.whole.Envelope) && string(o.key) == string(packedWith[l.ref].key) {
			packed = append(packed, []any{l.n, o.who, l.seq, l.at, l.late, l.packed})
			numbers = append(numbers, l.n)
		}
	}
	if len(packed) == 0 {
		return 0, nil
	}
	if _, err := q.Insert(ctx, insertCompact, packed); err != nil {
		return 0, err
	}
	rows, err := q.QueryKeys(ctx, `DELETE FROM reports WHERE n IN (SELECT {0} FROM {keys}) RETURNING n`, numbers)
	err = Each(rows, err, func(Rows) error { done++; return nil })
	if err == nil && done != len(numbers) {
		err = fmt.Errorf("a fault of the program: of %d reports that became compact %d were taken out", len(numbers), done)
	}
	return done, err
}

// stillThere are the envelopes of those that are in reports, by number.
func stillThere(ctx context.Context, q Querier, all []loose) (map[int64]string, error) {
	numbers := make([]int64, len(all))
	for i, l := range all {
		numbers[i] = l.n
	}
	found := map[int64]string{}
	rows, err := q.QueryKeys(ctx, `SELECT n, envelope FROM reports WHERE n IN (SELECT {0} FROM {keys})`, numbers)
	return found, Each(rows, err, func(rows Rows) error {
		var n int64
		var text []byte
		err := rows.Scan(&n, &text)
		found[n] = string(text)
		return err
	})
}
