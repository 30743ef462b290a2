// SPDX-License-Identifier: Apache-2.0

// Package cells is the rule by which small numbers may be shown to the public, over time.
//
// Parties: whoever publishes numbers keeps one Cell for each model and kind, and asks Next once a day. It promises that a
// number is shown from a threshold on alone, that it is a multiple of ten, and that it stands until so many installations
// moved that nobody can tell from it, or from when it changes, whether one certain installation did. It refuses clocks,
// randomness of its own, and to show what it cannot blur. It blurs single changes; it is no formal differential privacy.
package cells

import (
	"time"

	"landed/server/fleet"
)

// Step is of what every shown number is a multiple.
const Step = 10

// Cell is a number of installations of one kind on one model: what the public sees of it, and what that was made from.
type Cell struct {
	Model string
	Kind  fleet.Kind
	// Shown says that there are enough, and Number how many about; 0 if not shown.
	Shown  bool
	Number int64
	At     time.Time // when Number was replaced last; zero if it never was
	// Base is the exact number of that time, and After how far the exact number must go from it before another is shown. Both
	// are for nobody but whoever keeps the cell: with either one an onlooker learns what the rule hides.
	Base, After int64
	Asked       time.Time // when Next was asked last
}

// Next is a cell after a day on which the exact number is exact. threshold is how few are never shown; 0 shows every number
// exactly, at once. draw gives a fresh number from 0 to below n that nobody can guess. It is asked at most once a UTC day:
// another time on the same day, and a day that goes back, change nothing.
func (c Cell) Next(exact int64, threshold int64, at time.Time, draw func(n int64) int64) Cell {
	if threshold <= 0 {
		c.Shown, c.Number, c.Base, c.After, c.At, c.Asked = true, exact, exact, 0, at, at
		return c
	}
	if !c.Asked.IsZero() && dayOf(at) <= dayOf(c.Asked) {
		return c
	}
	c.Asked = at
	if c.After == 0 { // it is new, or was exact before: nothing is shown until so many are there
		c.Shown, c.Number, c.Base, c.After, c.At = false, 0, 0, threshold+draw(threshold), time.Time{}
	}
	moved := exact - c.Base
	if moved < 0 {
		moved = -moved
	}
	if moved < c.After {
		return c
	}
	c.Base, c.After, c.At = exact, threshold+draw(threshold), at
	c.Shown, c.Number = exact >= threshold, 0
	if c.Shown {
		c.Number = (exact + Step/2) / Step * Step
	}
	return c
}

func dayOf(at time.Time) int64 {
	const day = 24 * 60 * 60
	return at.Unix() / day
}

// Total adds up what is shown: a sum of exact numbers would tell what is hidden. whole is false if a cell is not shown.
func Total(all []Cell) (sum int64, whole bool) {
	whole = true
	for _, c := range all {
		sum += c.Number
		whole = whole && c.Shown
	}
	return sum, whole
}
