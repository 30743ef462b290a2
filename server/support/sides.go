// SPDX-License-Identifier: Apache-2.0

package support

import (
	"slices"

	"landed/manifests/effect"
	"landed/web"
)

// Side is one of two pictures beside each other: what was found before the update, and what is shown after it. They are of those
// of whom something is known, each of its own number: not every handset was seen before it had the update.
type Side struct {
	Key  string // "before", "after"
	Of   int64
	Rows []web.Row
}

// Bar divides the width of a bar.
func (s Side) Bar() []web.Segment { return segments(s.Rows, s.Of) }

// Sides are before and after; none where the effect asks nothing of the time before, or nobody was seen then.
func (f Figures) Sides() []Side {
	before := Side{"before", f.SeenBefore(), rowsOf(f.found, f.SeenBefore(), func(key string) bool { return key != effect.NotSeen })}
	if len(f.found) < 2 || before.Of == 0 {
		return nil
	}
	return []Side{before, {"after", f.Judged, rowsOf(f.classes, f.Judged, func(key string) bool { return f.kinds[key] != effect.Unjudged })}}
}

// rowsOf are some rows as parts of another whole.
func rowsOf(rows []web.Row, of int64, some func(key string) bool) []web.Row {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r web.Row) bool { return !some(r.Key) })
	for i := range rows {
		rows[i].Of = of
	}
	withIntervals(rows)
	return rows
}
