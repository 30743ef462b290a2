// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"fmt"

	"landed/server/fleet"
)

type publicCells struct{ q Querier }

const keptColumns = `model, kind, release, shown, number, present, at, base, after, asked`

// Kept implements fleet.PublicCells.
func (s publicCells) Kept(ctx context.Context) ([]fleet.KeptCell, error) {
	rows, err := s.q.Query(ctx, `SELECT `+keptColumns+` FROM public_cells ORDER BY model, kind`)
	return Collect(rows, err, func(scan func(...any) error) (c fleet.KeptCell, err error) {
		return c, scan(&c.Model, &c.Kind, &c.Release, &c.Shown, &c.Number, &c.Any, asTime{&c.At}, &c.Base, &c.After, asTime{&c.Asked})
	})
}

var (
	insertPublic = &Insert{"public_cells", keptColumns, `ON CONFLICT (model, kind) DO UPDATE SET release = excluded.release,
		shown = excluded.shown, number = excluded.number, present = excluded.present, at = excluded.at,
		base = excluded.base, after = excluded.after, asked = excluded.asked`}
	insertPast = &Insert{"public_cells_past", `model, kind, at, shown, number, base, after`, `ON CONFLICT (model, kind, at)
		DO UPDATE SET shown = excluded.shown, number = excluded.number, base = excluded.base, after = excluded.after`}
)

// Keep implements fleet.PublicCells.
func (s publicCells) Keep(ctx context.Context, cells ...fleet.KeptCell) error {
	had, err := s.Kept(ctx)
	if err != nil || len(cells) == 0 {
		return err
	}
	type name struct {
		model string
		kind  fleet.Kind
	}
	was := map[name]fleet.KeptCell{}
	for _, c := range had {
		was[name{c.Model, c.Kind}] = c
	}
	var now, past [][]any
	for _, c := range cells {
		now = append(now, []any{c.Model, string(c.Kind), c.Release, c.Shown, c.Number, c.Any, millis(c.At), c.Base, c.After, millis(c.Asked)})
		if before := was[name{c.Model, c.Kind}]; !c.At.IsZero() && (before.Shown != c.Shown || before.Number != c.Number) {
			past = append(past, []any{c.Model, string(c.Kind), millis(c.At), c.Shown, c.Number, c.Base, c.After})
		}
	}
	if _, err := s.q.Insert(ctx, insertPublic, now); err != nil || len(past) == 0 {
		return err
	}
	if _, err = s.q.Insert(ctx, insertPast, past); err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `DELETE FROM public_cells_past WHERE (model, kind, at) IN (SELECT model, kind, at FROM
		(SELECT model, kind, at, row_number() OVER (PARTITION BY model, kind ORDER BY at DESC) AS nth FROM public_cells_past) AS counted
		WHERE nth > $1)`, fleet.PastMost)
	return err
}

// shownFrom is what is shown of a row at a threshold: nothing that was made of less, or under a rule that hides less.
const shownFrom = `shown AND base >= $1 AND after >= $1`

// Shown implements fleet.PublicCells.
func (s publicCells) Shown(ctx context.Context, threshold int64) ([]fleet.PublicCell, error) {
	return s.public(ctx, `SELECT model, kind, release, `+shownFrom+`, number, present, at FROM public_cells
		ORDER BY model, kind`, threshold)
}

// Past implements fleet.PublicCells.
func (s publicCells) Past(ctx context.Context, threshold int64, model string) ([]fleet.PublicCell, error) {
	of, args := "", []any{threshold}
	if model != "" {
		of, args = "WHERE model = $2", append(args, model)
	}
	return s.public(ctx, `SELECT model, kind, '', `+shownFrom+`, number, false, at FROM public_cells_past `+of+`
		ORDER BY at, model, kind`, args...)
}

func (s publicCells) public(ctx context.Context, text string, args ...any) ([]fleet.PublicCell, error) {
	rows, err := s.q.Query(ctx, text, args...)
	return Collect(rows, err, func(scan func(...any) error) (c fleet.PublicCell, err error) {
		if err = scan(&c.Model, &c.Kind, &c.Release, &c.Shown, &c.Number, &c.Any, asTime{&c.At}); err == nil && !c.Shown {
			c.Number = 0
		}
		return c, err
	})
}

// recountPublic finds cells that no rule makes. What they were made from is of moments that are over, so whether it was so
// cannot be shown.
func recountPublic(ctx context.Context, q Querier) (differences []string, err error) {
	kept, err := publicCells{q}.Kept(ctx)
	for _, c := range kept {
		rounded := (c.Base + 5) / 10 * 10 // as package cells does
		if c.Base < 0 || c.After < 1 || c.Asked.Before(c.At) || c.Shown && (c.At.IsZero() || c.Number != rounded) ||
			!c.Shown && c.Number != 0 {
			differences = append(differences, fmt.Sprintf("the public cell of %s, %s, makes no sense: take the row out, and it is hidden "+
				"until enough have moved", c.Model, c.Kind))
		}
	}
	return differences, err
}
