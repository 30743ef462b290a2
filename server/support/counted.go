// SPDX-License-Identifier: Apache-2.0

package support

import (
	"slices"

	"landed/server/fleet"
)

// Counted are the figures of the counted fleet: of those of the installations that gates and headline go by. Zeros where
// nobody vouched.
type Counted struct {
	Installations int64 `json:"installations"`
	Unmet         int64 `json:"unmet"`
	Running       int64 `json:"running"`
	Failed        int64 `json:"failed"`
	Lost          int64 `json:"lost"`
	Judged        int64 `json:"judged"`
	Proven        int64 `json:"proven"`
	Opposite      int64 `json:"opposite"`
	// As of everybody.
	ProvenInterval *Interval `json:"proven_interval"`
}

// carried gives f the figures of the counted fleet, if there is any.
func (f Figures) carried(by Figures) Figures {
	if by.Installations == 0 {
		return f
	}
	f.carries = &by
	f.Counted = figuresOf(by)
	return f
}

// figuresOf are those of by that are given of a part of everybody.
func figuresOf(by Figures) Counted {
	return Counted{by.Installations, by.Unmet, by.Running, by.Failed, by.Lost, by.Judged, by.Proven, by.Opposite,
		by.ProvenInterval}
}

// Carry are the figures that carry what is said: those of the counted fleet; where nobody counts, those of everybody.
func (f Figures) Carry() Figures {
	if f.carries == nil {
		return f
	}
	carry := *f.carries
	carry.Quarantined = f.Quarantined
	return carry
}

// Vouched says that somebody counts.
func (f Figures) Vouched() bool { return f.carries != nil }

// Others are those that do not count.
func (f Figures) Others() int64 { return f.Installations - f.Counted.Installations }

// Unconfirmed are those that do not count and report the opposite of the effect.
func (f Figures) Unconfirmed() int64 {
	if f.carries == nil {
		return 0
	}
	return max(0, f.Opposite-f.Counted.Opposite)
}

// anyCounted says if somebody counts in any of cells: most of the cost of a page is in the words of its figures.
func anyCounted(cells []fleet.Counts) bool {
	return slices.ContainsFunc(cells, func(c fleet.Counts) bool { return c.Counted.Installations > 0 })
}

// counted are cells of the counted fleet alone.
func counted(cells []fleet.Counts) (all []fleet.Counts) {
	for _, c := range cells {
		all = append(all, fleet.Counts{Release: c.Release, Model: c.Model, Channel: c.Channel, Figures: c.Counted})
	}
	return all
}
