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

// BeforeUpdate is what figures say of the time before the update.
func (f Figures) BeforeUpdate() BeforeUpdate { return BeforeUpdate{f} }

// BeforeUpdate is what was found on handsets without the release.
type BeforeUpdate struct{ of Figures }

// Seen counts installations that reported before they ran the update.
func (b BeforeUpdate) Seen() int64 { return b.of.Installations - b.of.Before[effect.NotSeen] }

// Found is the strongest finding, of those that were seen before; nil if the effect asks for none.
func (b BeforeUpdate) Found() *web.Row {
	if len(b.of.found) < 2 {
		return nil
	}
	row := b.of.found[0]
	row.Of = b.Seen()
	return &row
}

// Sides are before and after; none where the effect asks nothing of the time before, or nobody was seen then.
func (b BeforeUpdate) Sides() []Side {
	f, seen := b.of, b.Seen()
	if len(f.found) < 2 || seen == 0 {
		return nil
	}
	return []Side{
		{"before", seen, rowsOf(f.found, seen, func(key string) bool { return key != effect.NotSeen })},
		{"after", f.Judged, rowsOf(f.classes, f.Judged, func(key string) bool { return f.kinds[key] != effect.Unjudged })},
	}
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
