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
func (s history) Add(ctx context.Context, at time.Time, cells ...fleet.Counts) (stored int, err error) {
	if err := s.later(ctx, at); err != nil {
		return 0, err
	}
	names := make([]fleet.Cell, len(cells))
	for n, c := range cells {
		names[n] = c.Cell()
	}
	had := map[fleet.Cell]string{}
	if err := s.texts(ctx, []time.Time{at}, names, func(_, cell int, _ time.Time, text string) error {
		had[names[cell]] = text
		return nil
	}); err != nil {
		return 0, err
	}
	var rows [][]any
	for n, c := range cells {
		text, err := copyText(c)
		if err != nil {
			return 0, err
		}
		if was, copied := had[names[n]]; copied && was == text || !copied && text == nothing {
			continue
		}
		rows = append(rows, []any{c.Model, c.Release, c.Channel, millis(at), text})
	}
	if len(rows) > 0 {
		_, err = s.q.Insert(ctx, insertHistory, rows)
	}
	return len(rows), err
}

// Mark implements fleet.History.
func (s history) Mark(ctx context.Context, m fleet.Moment) error {
	if err := s.later(ctx, m.At); err != nil {
		return err
	}
	_, err := s.q.Exec(ctx, `INSERT INTO history_moments (at, version) VALUES ($1, $2)`, millis(m.At), m.Version)
	return err
}

// later refuses a time that is not after all moments.
func (s history) later(ctx context.Context, at time.Time) error {
	var newest int64
	if err := s.q.Row(ctx, []any{&newest}, `SELECT coalesce(max(at), 0) FROM history_moments`); err != nil || millis(at) > newest {
		return err
	}
	return fleet.Errorf(fleet.Conflict, "history_past", "figures were copied at %s, so no copy is made of %s",
		time.UnixMilli(newest).UTC().Format(time.RFC3339Nano), at.UTC().Format(time.RFC3339Nano))
}

// copyRow is a row of the table.
type copyRow struct {
	cell fleet.Cell
	at   time.Time
	text string
}

// texts finds the rows of cells that stood at some times: by the number of the time, then of the cell.
func (s history) texts(
	ctx context.Context, at []time.Time, cells []fleet.Cell, fn func(time, cell int, copied time.Time, text string) error,
) error {
	if len(cells) == 0 || len(at) == 0 {
		return nil
	}
	columns, times := make([][]string, 3), make([]int64, 0, len(at)*len(cells))
	for _, t := range at {
		for _, c := range cells {
			columns[0], columns[1], columns[2] = append(columns[0], c.Model), append(columns[1], c.Release), append(columns[2], c.Channel)
			times = append(times, millis(t))
		}
	}
	rows, err := s.q.QueryKeys(ctx, `SELECT {n}, h.at, h.figures FROM {keys} JOIN history h
		ON h.model = {0} AND h.release = {1} AND h.channel = {2} AND h.at = (SELECT max(x.at) FROM history x
			WHERE x.model = {0} AND x.release = {1} AND x.channel = {2} AND x.at <= {3}) ORDER BY 1`,
		columns[0], columns[1], columns[2], times)
	return Each(rows, err, func(r Rows) error {
		var n int
		var copied time.Time
		var text string
		if err := r.Scan(&n, asTime{&copied}, &text); err != nil {
			return err
		}
		return fn(n/len(cells), n%len(cells), copied, text)
	})
}

// Stood implements fleet.History. A copy that stands at one time after another is read once.
func (s history) Stood(ctx context.Context, at []time.Time, cells ...fleet.Cell) ([][]fleet.Copied, error) {
	all := make([][]fleet.Copied, len(at))
	for n := range all {
		all[n] = make([]fleet.Copied, len(cells))
	}
	newest := make([]fleet.Copied, len(cells))
	err := s.texts(ctx, at, cells, func(n, cell int, when time.Time, text string) error {
		if !newest[cell].At.Equal(when) {
			c, err := copied(cells[cell], text)
			if err != nil {
				return err
			}
			newest[cell] = fleet.Copied{At: when, Counts: c}
		}
		all[n][cell] = newest[cell]
		return nil
	})
	return all, err
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

// recountHistory finds copies that cannot be read, or that do not add up.
func recountHistory(ctx context.Context, q Querier) (differences []string, err error) {
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
