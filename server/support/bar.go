// SPDX-License-Identifier: Apache-2.0

package support

import "landed/web"

// leastWidth keeps one leaking handset among a million visible. The words beside the bar
// hold the figures; the bar only shows where to look.
const leastWidth = 80

// Bar divides the width of a bar by class; where no effect is claimed, by step. All parts are in it, in order, so that
// a live page moves parts instead of replacing them; they fill the bar exactly.
func (f Figures) Bar() []web.Segment { return segments(f.Parts(), f.Installations) }

// Parts are the figures of the bar.
func (f Figures) Parts() []web.Row {
	if !f.claims {
		return f.steps
	}
	return f.classes
}

func segments(rows []web.Row, of int64) []web.Segment {
	var large int64 // installations in parts that are wider than the least
	widths := 0
	for _, r := range rows {
		switch n := r.Count; {
		case n == 0:
		case n*10_000 < leastWidth*of:
			widths += leastWidth
		default:
			large += n
		}
	}
	bar, x, seen := make([]web.Segment, 0, len(rows)), 0, int64(0)
	for _, r := range rows {
		n, w := r.Count, 0
		switch {
		case n == 0:
		case n*10_000 < leastWidth*of:
			w = leastWidth
		default: // the difference of two rounded places, so that roundings do not add up
			w = place(seen+n, large, 10_000-widths) - place(seen, large, 10_000-widths)
			seen += n
		}
		bar = append(bar, web.Segment{Colour: r.Colour, X: x, W: w})
		x += w
	}
	return bar
}

func place(part, whole int64, width int) int { return int(part * int64(width) / whole) }
