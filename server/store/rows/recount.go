// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"landed/server/fleet"
	"landed/server/store/compact"
)

// maxDifferences bounds what Recount lists.
const maxDifferences = 100

// Recount computes every maintained figure again, from all installations and reports, and
// lists in words where what is kept differs. It reads one consistent state and reads all
// of it: it is for a checker and for tests, never for a page.
func Recount(ctx context.Context, v fleet.Viewer) (differences []string, err error) {
	err = v.View(ctx, func(ft fleet.Tx) error {
		t := ft.(*Tx)
		for _, check := range []func(context.Context, Querier) ([]string, error){recountCells, recountCurrent,
			recountReports, strayReports, recountProvisional, recountHistory,
			recountPublic} {
			found, err := check(ctx, t.reports)
			if err != nil {
				return fmt.Errorf("recount: %w", err)
			}
			differences = append(differences, found...)
		}
		return nil
	})
	if left := len(differences) - maxDifferences; left > 0 {
		differences = append(differences[:maxDifferences], fmt.Sprintf("and %d more", left))
	}
	return differences, err
}

// recountCells compares the figures with a scan over the installations.
func recountCells(ctx context.Context, q Querier) ([]string, error) {
	want := cells{}
	rows, err := q.Query(ctx, `SELECT release, current, model, channel, verdict, kind, progress, cause, before,
		leaked, last, admitted, who, reports FROM installations`)
	if err := Each(rows, err, func(rows Rows) error {
		var i fleet.Installation
		if err := rows.Scan(&i.Release, &i.Current, &i.Model, &i.Channel, &i.Verdict, &i.Kind, &i.Progress, &i.Cause,
			&i.Before, &i.Leaked, asTime{&i.Last}, asTime{&i.Admitted}, asWho{&i}, &i.Reports); err != nil {
			return err
		}
		want.add(&i, 1, nil)
		return nil
	}); err != nil {
		return nil, err
	}
	if err := want.merge(ctx, q, want); err != nil {
		return nil, err
	}
	have := cells{}
	rows, err = q.Query(ctx, `SELECT `+countColumns+` FROM counts WHERE n <> 0`)
	if err := Each(rows, err, func(rows Rows) error {
		var c cell
		var n int64
		if err := rows.Scan(&c.release, &c.model, &c.channel, &c.who, &c.kind, &c.value, &n); err != nil {
			return err
		}
		have[c] += n
		return nil
	}); err != nil {
		return nil, err
	}
	all := maps.Clone(want)
	maps.Copy(all, have)
	var differences []string
	for _, c := range slices.SortedFunc(maps.Keys(all), compareCells) {
		if want[c] != have[c] {
			release := cmp.Or(c.release, "all releases")
			differences = append(differences, fmt.Sprintf("counts of %s, %s, %s: %s%s %s is %d, a scan finds %d", release, c.model,
				c.channel, whose(c.who), c.kind, c.value, have[c], want[c]))
		}
	}
	return differences, nil
}

func whose(who string) string {
	if who == "" {
		return ""
	}
	return who + " "
}

// recountCurrent finds installations of which not one state is the current one.
func recountCurrent(ctx context.Context, q Querier) ([]string, error) {
	var differences []string
	rows, err := q.Query(ctx, `SELECT ref, count(*), sum(CASE WHEN current THEN 1 ELSE 0 END) FROM installations
		GROUP BY ref HAVING sum(CASE WHEN current THEN 1 ELSE 0 END) <> 1`)
	err = Each(rows, err, func(rows Rows) error {
		var ref string
		var states, current int64
		if err := rows.Scan(&ref, &states, &current); err != nil {
			return err
		}
		differences = append(differences, fmt.Sprintf("installation %s has %d states, of which %d are current",
			ref, states, current))
		return nil
	})
	return differences, err
}

// recountReports compares what an installation says of its reports with those stored. A state has a row for each compact
// report that may be its newest.
func recountReports(ctx context.Context, q Querier) (differences []string, err error) {
	type state struct {
		ref, release          string
		seq, kept             int64
		stored, last, matches int64
		current               bool
	}
	var at state
	hold := func() {
		if at.matches != 1 && at.ref != "" || at.current && (at.kept != at.stored || at.seq != at.last) {
			differences = append(differences, fmt.Sprintf("installation %s says %d reports up to sequence %d of %s; stored are %d up "+
				"to %d, and its newest report is there %d times", at.ref, at.kept, at.seq, at.release, at.stored, at.last, at.matches))
		}
	}
	rows, err := q.Query(ctx, `SELECT i.ref, i.release, i.current, i.seq, i.reports, i.newest,
		(SELECT count(*) FROM reports r WHERE r.ref = i.ref) + (SELECT count(*) FROM compact_reports c WHERE c.who = w.who),
		(SELECT coalesce(max(r.seq), 0) FROM reports r WHERE r.ref = i.ref),
		(SELECT coalesce(max(c.seq), 0) FROM compact_reports c WHERE c.who = w.who),
		(SELECT count(*) FROM reports r WHERE r.ref = i.ref AND r.seq = i.seq AND r.id = i.newest),
		coalesce(c.body, ''), coalesce(w.key, '') FROM installations i
		LEFT JOIN report_keys w ON w.ref = i.ref LEFT JOIN compact_reports c ON c.who = w.who AND c.seq = i.seq
		ORDER BY i.ref, i.release`)
	err = Each(rows, err, func(rows Rows) error {
		var is state
		var newest string
		var last int64
		var body, key []byte
		if err := rows.Scan(&is.ref, &is.release, &is.current, &is.seq, &is.kept, &newest, &is.stored, &is.last, &last, &is.matches,
			&body, &key); err != nil {
			return err
		}
		if is.ref != at.ref || is.release != at.release {
			hold()
			is.last = max(is.last, last)
			at = is
		}
		if r, err := compact.Unpack(body, key); err == nil && r.ID == newest {
			at.matches++
		}
		return nil
	})
	hold()
	return differences, err
}

// strayReports finds reports of installations that are not there.
func strayReports(ctx context.Context, q Querier) ([]string, error) {
	var n int64
	err := q.Row(ctx, []any{&n}, `SELECT (SELECT count(*) FROM reports r
			WHERE NOT EXISTS (SELECT 1 FROM installations i WHERE i.ref = r.ref))
		+ (SELECT count(*) FROM compact_reports c LEFT JOIN report_keys w ON w.who = c.who
			WHERE NOT EXISTS (SELECT 1 FROM installations i WHERE i.ref = w.ref))`)
	if err != nil || n == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("%d reports belong to no installation", n)}, nil
}

// Each has fn read every row and closes rows.
func Each(rows Rows, err error, fn func(Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
