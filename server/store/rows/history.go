// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"landed/server/fleet"
)

type history struct{ q Querier }

// Moments implements fleet.History.
func (s history) Moments(ctx context.Context) ([]fleet.Moment, error) {
	rows, err := s.q.Query(ctx, `SELECT at, version FROM history_moments ORDER BY at`)
	return Collect(rows, err, func(scan func(...any) error) (m fleet.Moment, err error) {
		return m, scan(asTime{&m.At}, &m.Version)
	})
}

var insertHistory = &Insert{"history", "model, release, channel, at, figures", ""}

// Add implements fleet.History.
func (s history) Add(ctx context.Context, m fleet.Moment, cells ...fleet.Counts) (stored int, err error) {
	var newest int64
	if err := s.q.Row(ctx, []any{&newest}, `SELECT coalesce(max(at), 0) FROM history_moments`); err != nil {
		return 0, err
	}
	if millis(m.At) <= newest {
		return 0, fleet.Errorf(fleet.Conflict, "history_past", "figures were copied at %s, so no copy is made of %s",
			time.UnixMilli(newest).UTC().Format(time.RFC3339Nano), m.At.UTC().Format(time.RFC3339Nano))
	}
	names := make([]fleet.Cell, len(cells))
	for n, c := range cells {
		names[n] = c.Cell()
	}
	had, err := s.texts(ctx, m.At, m.At, names)
	if err != nil {
		return 0, err
	}
	newestOf := map[fleet.Cell]string{}
	for _, one := range had {
		newestOf[one.cell] = one.text
	}
	var rows [][]any
	for n, c := range cells {
		text, err := copyText(c)
		if err != nil {
			return 0, err
		}
		if was, copied := newestOf[names[n]]; copied && was == text || !copied && text == nothing {
			continue
		}
		rows = append(rows, []any{c.Model, c.Release, c.Channel, millis(m.At), text})
	}
	if len(rows) > 0 {
		if _, err := s.q.Insert(ctx, insertHistory, rows); err != nil {
			return 0, err
		}
	}
	_, err = s.q.Exec(ctx, `INSERT INTO history_moments (at, version) VALUES ($1, $2)`, millis(m.At), m.Version)
	return len(rows), err
}

// copyRow is a row of the table.
type copyRow struct {
	cell fleet.Cell
	at   time.Time
	text string
}

// texts are the rows of cells that stood between two times, by cell and time.
func (s history) texts(ctx context.Context, from, until time.Time, cells []fleet.Cell) ([]copyRow, error) {
	if len(cells) == 0 {
		return nil, nil
	}
	columns := make([][]string, 3)
	var since, to []int64
	for _, c := range cells {
		columns[0], columns[1], columns[2] = append(columns[0], c.Model), append(columns[1], c.Release), append(columns[2], c.Channel)
		since, to = append(since, millis(from)), append(to, millis(until))
	}
	const of = ` h.model = {0} AND h.release = {1} AND h.channel = {2}`
	rows, err := s.q.QueryKeys(ctx, `SELECT {n}, h.at, h.figures FROM {keys} JOIN history h ON`+of+` AND h.at <= {4}
		AND h.at >= coalesce((SELECT max(x.at) FROM history x WHERE x.model = {0} AND x.release = {1} AND x.channel = {2}
			AND x.at <= {3}), {3}) ORDER BY 1, 2`, columns[0], columns[1], columns[2], since, to)
	return Collect(rows, err, func(scan func(...any) error) (r copyRow, err error) {
		var n int64
		if err = scan(&n, asTime{&r.at}, &r.text); err == nil {
			r.cell = cells[n]
		}
		return r, err
	})
}

// Of implements fleet.History.
func (s history) Of(ctx context.Context, from, until time.Time, cells ...fleet.Cell) (map[fleet.Cell][]fleet.Copied, error) {
	rows, err := s.texts(ctx, from, until, cells)
	if err != nil {
		return nil, err
	}
	all := map[fleet.Cell][]fleet.Copied{}
	for _, r := range rows {
		c, err := copied(r.cell, r.text)
		if err != nil {
			return nil, err
		}
		all[r.cell] = append(all[r.cell], fleet.Copied{At: r.at, Counts: c})
	}
	return all, nil
}

// Models implements fleet.History. Each is found by a step in the key.
func (s history) Models(ctx context.Context) (all []string, err error) {
	rows, err := s.q.Query(ctx, `WITH RECURSIVE models(model) AS (SELECT min(model) FROM history
		UNION ALL SELECT (SELECT min(h.model) FROM history h WHERE h.model > models.model) FROM models WHERE models.model IS NOT NULL)
		SELECT model FROM models WHERE model IS NOT NULL`)
	return Collect(rows, err, func(scan func(...any) error) (model string, err error) { return model, scan(&model) })
}

// Thin implements fleet.History.
func (s history) Thin(ctx context.Context, model string, gone ...fleet.Moment) (int, error) {
	if len(gone) == 0 {
		return 0, nil
	}
	moments, err := s.Moments(ctx)
	if err != nil {
		return 0, err
	}
	stay := moments[:0]
	for _, m := range moments {
		if !slices.Contains(gone, m) {
			stay = append(stay, m)
		}
	}
	rows, err := s.q.Query(ctx, `SELECT model, release, channel, at FROM history WHERE model = $1 ORDER BY release, channel, at`, model)
	all, err := Collect(rows, err, func(scan func(...any) error) (r copyRow, err error) {
		return r, scan(&r.cell.Model, &r.cell.Release, &r.cell.Channel, asTime{&r.at})
	})
	if err != nil {
		return 0, err
	}
	done := 0
	for n, r := range all {
		next := time.UnixMilli(math.MaxInt64)
		if n+1 < len(all) && all[n+1].cell == r.cell {
			next = all[n+1].at
		}
		first, _ := slices.BinarySearchFunc(stay, r.at, func(m fleet.Moment, at time.Time) int { return m.At.Compare(at) })
		if first < len(stay) && stay[first].At.Before(next) || next.UnixMilli() == math.MaxInt64 { // the newest copy is that of now
			continue
		}
		if _, err := s.q.Exec(ctx, `DELETE FROM history WHERE model = $1 AND release = $2 AND channel = $3 AND at = $4`,
			r.cell.Model, r.cell.Release, r.cell.Channel, millis(r.at)); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// Drop implements fleet.History.
func (s history) Drop(ctx context.Context, gone ...fleet.Moment) error {
	if len(gone) == 0 {
		return nil
	}
	at := make([]int64, len(gone))
	for n, m := range gone {
		at[n] = millis(m.At)
	}
	rows, err := s.q.QueryKeys(ctx, `DELETE FROM history_moments WHERE at IN (SELECT {0} FROM {keys}) RETURNING at`, at)
	return Each(rows, err, func(Rows) error { return nil })
}

// Forget implements fleet.History.
func (s history) Forget(ctx context.Context, after time.Time) error {
	if _, err := s.q.Exec(ctx, `DELETE FROM history WHERE at > $1`, millis(after)); err != nil {
		return err
	}
	_, err := s.q.Exec(ctx, `DELETE FROM history_moments WHERE at > $1`, millis(after))
	return err
}

// recountHistory finds copies that cannot be read, that do not add up, or that were made at no moment.
func recountHistory(ctx context.Context, q Querier) (differences []string, err error) {
	moments, err := history{q}.Moments(ctx)
	if err != nil {
		return nil, err
	}
	var newest time.Time
	if len(moments) > 0 {
		newest = moments[len(moments)-1].At
	}
	rows, err := q.Query(ctx, `SELECT model, release, channel, at, figures FROM history`)
	err = Each(rows, err, func(rows Rows) error {
		var r copyRow
		if err := rows.Scan(&r.cell.Model, &r.cell.Release, &r.cell.Channel, asTime{&r.at}, &r.text); err != nil {
			return err
		}
		why := ""
		c, err := copied(r.cell, r.text)
		switch {
		case err != nil:
			why = err.Error()
		case r.at.After(newest):
			why = "it was made after the last of all copies"
		default:
			why = sums(c)
		}
		if why != "" {
			differences = append(differences, fmt.Sprintf("the copy of the figures of %q, release %q, channel %q, of %s: %s",
				r.cell.Model, r.cell.Release, r.cell.Channel, r.at.Format(time.RFC3339), why))
		}
		return nil
	})
	return differences, err
}
