// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
)

// Figures by age have a cell for each day or hour. Those up to a horizon stand in one cell, that of the horizon: it is so
// long past that nothing depends on which it was, also if the clock is days ahead.
const (
	mergedDays  = 56 // UTC days of waiting that are kept apart
	mergedHours = 7 * 24
	// A clock that went back by less than this many days leaves the horizons where they are: nobody is silent or lost who is
	// younger than them even then.
	backDays = 3
)

// ages says that a cell counts by age: it is removed when it is empty.
func (c cell) ages() bool { return c.kind == cellWaiting || c.kind == cellInstalled }

func number(n int64) string { return strconv.FormatInt(n, 10) }

// age reads what number wrote.
func age(value string) int64 {
	n, _ := strconv.ParseInt(value, 10, 64) // the table holds nothing else
	return n
}

// horizon is up to which day or hour cells of a kind are one; 0 before any were merged.
func horizon(ctx context.Context, q Querier, kind string) (n int64, err error) {
	err = q.Row(ctx, []any{&n}, `SELECT n FROM cursors WHERE name = $1`, kind)
	if errors.Is(err, ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// merge has what was gathered count by the horizons.
func (t *Tx) merge(ctx context.Context) error {
	aged := cells{}
	for c, by := range t.cells {
		if by != 0 && c.ages() {
			aged[c] = by
		}
	}
	if len(aged) == 0 {
		return nil
	}
	return aged.merge(ctx, t.reports, t.cells)
}

// merge takes the cells of c that lie before their horizon out of all, and into the one of the horizon.
func (c cells) merge(ctx context.Context, q Querier, all cells) error {
	horizons := map[string]int64{}
	for _, kind := range []string{cellWaiting, cellInstalled} {
		n, err := horizon(ctx, q, kind)
		if err != nil {
			return err
		}
		horizons[kind] = n
	}
	for at, by := range maps.Clone(c) {
		if n := horizons[at.kind]; at.ages() && age(at.value) < n {
			delete(all, at)
			at.value = number(n)
			all[at] += by
		}
	}
	return nil
}

// Merge implements fleet.CountsTable.
func (s counts) Merge(ctx context.Context, now time.Time) error {
	switch {
	case s.t.cells == nil:
		return s.t.refused
	case s.t.asked != nil:
		return fleet.Errorf(fleet.Forbidden, "not_alone", "a fault of the program: figures are merged in UpdateReports")
	}
	if err := s.t.Flush(ctx); err != nil {
		return err
	}
	day := effect.Day(now)
	days, hours := max(day-mergedDays, 0), max(day*24-mergedHours, 0)
	had, err := horizon(ctx, s.t.reports, cellWaiting)
	switch {
	case err != nil:
		return err
	case had > days+backDays:
		return recountAges(ctx, s.t.reports, days, hours)
	case had >= days:
		return nil
	}
	if err := s.mergeKind(ctx, cellWaiting, days); err != nil {
		return err
	}
	return s.mergeKind(ctx, cellInstalled, hours)
}

func (s counts) mergeKind(ctx context.Context, kind string, upTo int64) error {
	const old = ` WHERE kind = $1 AND CASE WHEN kind = $1 AND value <> 'merged' THEN CAST(value AS BIGINT) <= $2 ELSE FALSE END`
	_, err := s.t.reports.Exec(ctx, `INSERT INTO counts (`+countColumns+`)
		SELECT release, model, channel, who, kind, 'merged', CAST(sum(n) AS BIGINT) FROM counts`+old+`
		GROUP BY release, model, channel, who, kind`, kind, upTo)
	if err == nil {
		_, err = s.t.reports.Exec(ctx, `DELETE FROM counts`+old, kind, upTo)
	}
	if err == nil {
		_, err = s.t.reports.Exec(ctx, `UPDATE counts SET value = $2 WHERE kind = $1 AND value = 'merged'`, kind, number(upTo))
	}
	if err != nil {
		return err
	}
	return setHorizon(ctx, s.t.reports, kind, upTo)
}

func setHorizon(ctx context.Context, q Querier, kind string, n int64) error {
	_, err := q.Exec(ctx, `INSERT INTO cursors (name, n) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET n = excluded.n`, kind, n)
	return err
}

// recountAges counts by age what the installations say, up to these horizons as one. Times are stored in milliseconds.
func recountAges(ctx context.Context, q Querier, days, hours int64) error {
	if _, err := q.Exec(ctx, `DELETE FROM counts WHERE kind IN ('waiting', 'installed')`); err != nil {
		return err
	}
	for _, of := range []struct{ release, kind, unit, having, who, whose string }{
		{"release", cellWaiting, "86400000", "verdict = 'unpatched'", "", everybody},
		{"release", cellWaiting, "86400000", "verdict = 'unpatched'", whoCounted, thoseThatCount},
		{"release", cellWaiting, "86400000", "verdict = 'unpatched'", whoQuarantined, theQuarantined},
		{"''", cellWaiting, "86400000", "verdict = 'unpatched'", "", everybody},
		{"''", cellWaiting, "86400000", "verdict = 'unpatched'", whoCounted, theMembers},
		{"''", cellWaiting, "86400000", "verdict = 'unpatched'", whoQuarantined, theQuarantined},
		{"release", cellInstalled, "3600000", "progress = 'installed'", "", everybody},
		{"release", cellInstalled, "3600000", "progress = 'installed'", whoCounted, thoseThatCount},
		{"release", cellInstalled, "3600000", "progress = 'installed'", whoQuarantined, theQuarantined},
	} {
		upTo := days
		if of.kind == cellInstalled {
			upTo = hours
		}
		if _, err := q.Exec(ctx, `INSERT INTO counts (`+countColumns+`)
			SELECT `+of.release+`, model, channel, CAST($1 AS TEXT), CAST($2 AS TEXT),
			CAST(CASE WHEN last / `+of.unit+` < $3 THEN $3 ELSE last / `+of.unit+` END AS TEXT), count(*) FROM installations
			WHERE current AND `+of.having+` AND `+of.whose+` GROUP BY 1, 2, 3, 6`, of.who, of.kind, upTo); err != nil {
			return err
		}
	}
	return errors.Join(setHorizon(ctx, q, cellWaiting, days), setHorizon(ctx, q, cellInstalled, hours))
}

// Whose figures are which, in the columns of installations: as cells.add says it.
const (
	everybody      = `who & 2 = 0`
	thoseThatCount = `who & 1 <> 0 AND who & 2 = 0`
	theQuarantined = `who & 2 <> 0`
	theMembers     = `admitted > 0 AND who & 2 = 0`
)
