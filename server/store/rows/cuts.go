// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store/compact"
)

type cuts struct {
	q     Querier
	seals seals
}

const cutColumns = `cut, release, up_to, before, at, states, root, closed, done`

// List implements fleet.Cuts.
func (s cuts) List(ctx context.Context) ([]fleet.Cut, error) {
	rows, err := s.q.Query(ctx, `SELECT `+cutColumns+` FROM cuts ORDER BY cut`)
	return Collect(rows, err, func(scan func(...any) error) (c fleet.Cut, err error) {
		return c, scan(&c.Number, &c.Release, &c.UpTo, asTime{&c.Before}, asTime{&c.At}, &c.States, &c.Root, asTime{&c.Closed},
			asTime{&c.Done})
	})
}

// Put implements fleet.Cuts.
func (s cuts) Put(ctx context.Context, c fleet.Cut) error {
	args := []any{c.Number, c.Release, c.UpTo, millis(c.Before), millis(c.At), c.States, bytes(c.Root), millis(c.Closed), millis(c.Done)}
	changed, err := s.q.Exec(ctx, `UPDATE cuts SET release = $2, up_to = $3, before = $4, at = $5, states = $6, root = $7,
		closed = $8, done = $9 WHERE cut = $1`, args...)
	if err != nil || changed > 0 {
		return err
	}
	_, err = s.q.Exec(ctx, `INSERT INTO cuts (`+cutColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, args...)
	return err
}

// Abandon implements fleet.Cuts.
func (s cuts) Abandon(ctx context.Context, number int64, limit int) (gone bool, err error) {
	done, err := s.q.Exec(ctx, `DELETE FROM settled WHERE cut = $1 AND ref IN (SELECT ref FROM settled WHERE cut = $1
		ORDER BY ref LIMIT $2)`, number, limit)
	if err != nil || done == int64(limit) {
		return false, err
	}
	_, err = s.q.Exec(ctx, `DELETE FROM cuts WHERE cut = $1`, number)
	return err == nil, err
}

var insertSettled = &Insert{"settled", "ref, cut, state", ""}

// Settle implements fleet.Cuts.
func (s cuts) Settle(ctx context.Context, all ...fleet.Settled) error {
	if len(all) == 0 {
		return nil
	}
	rows := make([][]any, len(all))
	for n, one := range all {
		rows[n] = []any{string(one.Ref), one.Cut, one.State}
	}
	_, err := s.q.Insert(ctx, insertSettled, rows)
	return err
}

// Holding implements fleet.Cuts.
func (s cuts) Holding(ctx context.Context, refs ...report.Reference) (map[report.Reference]fleet.Settled, error) {
	all := map[report.Reference]fleet.Settled{}
	if len(refs) == 0 {
		return all, nil
	}
	keys := make([]string, len(refs))
	for n, ref := range refs {
		keys[n] = string(ref)
	}
	rows, err := s.q.QueryKeys(ctx, `SELECT s.ref, s.cut, c.up_to, s.state FROM {keys} JOIN settled s ON s.ref = {0}
		JOIN cuts c ON c.cut = s.cut WHERE c.closed <> 0 ORDER BY s.cut`, keys)
	found, err := Collect(rows, err, scanSettled)
	for _, one := range found {
		all[one.Ref] = one // the last stays
	}
	return all, err
}

// States implements fleet.Cuts.
func (s cuts) States(ctx context.Context, number int64, after report.Reference, limit int) ([]fleet.Settled, error) {
	rows, err := s.q.Query(ctx, `SELECT s.ref, s.cut, c.up_to, s.state FROM settled s JOIN cuts c ON c.cut = s.cut
		WHERE s.cut = $1 AND s.ref > $2 ORDER BY s.ref LIMIT $3`, number, string(after), limit)
	return Collect(rows, err, scanSettled)
}

func scanSettled(scan func(...any) error) (s fleet.Settled, err error) {
	return s, scan(&s.Ref, &s.Cut, &s.UpTo, &s.State)
}

// Last implements fleet.Cuts. Some thirty rows are read.
func (s cuts) Last(ctx context.Context, before time.Time) (int64, error) {
	head, _, err := s.seals.Latest(ctx, fleet.TreeReports)
	if err != nil || head.N == 0 {
		return 0, err
	}
	const next = `SELECT n, at FROM (SELECT * FROM (SELECT n, at FROM reports WHERE n >= $1 ORDER BY n LIMIT 1) AS loose
		UNION ALL SELECT * FROM (SELECT n, at FROM compact_reports WHERE n >= $1 ORDER BY n LIMIT 1) AS packed) AS every ORDER BY n LIMIT 1`
	first := sort.Search(int(head.N), func(i int) bool { // the first row from which on none came before
		var n, at int64
		fault := s.q.Row(ctx, []any{&n, &at}, next, int64(i)+1)
		if fault != nil && !errors.Is(fault, ErrNoRows) && err == nil {
			err = fault
		}
		return fault != nil || at >= millis(before)
	})
	return int64(first), err
}

// Drop implements fleet.Cuts.
func (s cuts) Drop(ctx context.Context, number int64, ref report.Reference, leaf func([]byte) []byte, numbers ...int64) (int, error) {
	older, err := s.q.Query(ctx, `SELECT ref, cut, 0, state FROM settled WHERE ref = $1 AND cut < $2`, string(ref), number)
	replaced, err := Collect(older, err, scanSettled)
	for _, one := range replaced {
		if len(one.State) != 32 && err == nil {
			_, err = s.q.Exec(ctx, `UPDATE settled SET state = $3 WHERE ref = $1 AND cut = $2`, string(ref), one.Cut, leaf(one.Leaf()))
		}
	}
	if err != nil || len(numbers) == 0 {
		return 0, err
	}
	// All of the installation are read: they are few, and the index has them together.
	found, err := s.q.Query(ctx, `SELECT c.n, c.body, w.key FROM report_keys w JOIN compact_reports c ON c.who = w.who
		WHERE w.ref = $1`, string(ref))
	left := map[int64][]byte{}
	if err := Each(found, err, func(rows Rows) error {
		var n int64
		var body, key []byte
		if err := rows.Scan(&n, &body, &key); err != nil {
			return err
		}
		if !slices.Contains(numbers, n) {
			return nil
		}
		r, err := compact.Unpack(body, key)
		if errors.Is(err, compact.ErrDropped) {
			return nil
		}
		stays, ok := compact.Drop(r)
		if err == nil && !ok {
			err = errors.New("its id is none of this program")
		}
		if err != nil {
			return fmt.Errorf("report %d of installation %s cannot be dropped: %w (otad fsck)", n, ref, err)
		}
		left[n] = stays
		return nil
	}); err != nil {
		return 0, err
	}
	for _, n := range slices.Sorted(maps.Keys(left)) {
		if _, err := s.q.Exec(ctx, `UPDATE compact_reports SET body = $2 WHERE n = $1`, n, left[n]); err != nil {
			return 0, err
		}
	}
	return len(left), nil
}
