// SPDX-License-Identifier: Apache-2.0

package support

import (
	"landed/server/rollout"
	"landed/web"
)

// Interval is in which range a share lies of which a part was seen: the Wilson score interval, in hundredths of a percent.
type Interval struct {
	Low        int `json:"low"`        // rounded down
	High       int `json:"high"`       // rounded up
	Confidence int `json:"confidence"` // percent
}

// interval is that of part of whole; nil if nothing was seen.
func interval(part, whole int64) *Interval {
	if whole <= 0 {
		return nil
	}
	low, high := rollout.Hundredths(part, whole)
	return &Interval{low, high, rollout.Confidence}
}

// withIntervals gives each row the range in which its share lies.
func withIntervals(rows []web.Row) []web.Row {
	for i := range rows {
		row := &rows[i]
		row.Low, row.High = 0, 0
		if of := interval(row.Count, row.Of); of != nil {
			row.Low, row.High = of.Low, of.High
		}
	}
	return rows
}

// atLeast says that the share is so many percent at the lower end of the range.
func (i *Interval) atLeast(percent int) bool { return i != nil && i.Low >= percent*100 }

// below says that it is not so many percent even at the upper end.
func (i *Interval) below(percent int) bool { return i != nil && i.High < percent*100 }

// Small says that the model has too few handsets for anything to be shown of it: not even if each of them had shown the effect.
func (f Figures) Small() bool {
	return f.Installations > 0 && !interval(f.Installations, f.Installations).atLeast(ShownPercent)
}
