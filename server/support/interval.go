// SPDX-License-Identifier: Apache-2.0

package support

import (
	"math"

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
	low, high := rollout.Interval(part, whole)
	const slack = 1e-6 // of floating point: all of all ends at 100 %, none begins at 0
	return &Interval{int(math.Floor(low*10_000 + slack)), int(math.Ceil(high*10_000 - slack)), rollout.Confidence}
}

// withIntervals gives each row the range in which its share lies.
func withIntervals(rows []web.Row) []web.Row {
	for i, row := range rows {
		rows[i].Low, rows[i].High = 0, 0
		if of := interval(row.Count, row.Of); of != nil {
			rows[i].Low, rows[i].High = of.Low, of.High
		}
	}
	return rows
}

// Widely says that enough of a model run the update for it to be said of the model.
func (f Figures) Widely() bool { return f.Running*100 >= WidelyPercent*f.Installations }

// surely says that at least so many percent of all have shown the effect, as far as those that could be judged tell.
func (f Figures) surely(percent int) bool {
	is := interval(f.Proven, f.Judged)
	return is != nil && is.Low >= percent*100
}

// hardly says that fewer than so many percent of all can have shown the effect.
func (f Figures) hardly(percent int) bool {
	is := interval(f.Proven, f.Judged)
	return is != nil && is.High < percent*100
}

// Small says that the model has too few handsets for anything to be shown of it: not even if each of them had shown the effect.
func (f Figures) Small() bool {
	is := interval(f.Installations, f.Installations)
	return is != nil && is.Low < ShownPercent*100
}
