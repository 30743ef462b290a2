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

// Least is the least threshold that hides anything worth it: below it a number that is rounded to Step, and moves when two or
// three did, tells of single installations.
const Least = 10

// Cell is a number of installations of one kind on one model: what the public sees of it, and what that was made from. With
// Base or After an onlooker learns what the rule hides.
//
// Shown says that there are enough, and Number how many about, 0 if not shown; At is when that was replaced last, zero if it
// never was. Base is the exact number of that time, and After how far the exact number must go from it before another is
// shown. Asked is when Next was asked last.
type Cell fleet.KeptCell

// Next is a cell after a day on which the exact number is exact. threshold is how few are never shown; 0 shows every number
// exactly, at once. draw gives a fresh number from 0 to below n that nobody can guess. It is asked at most once a UTC day:
// another time on the same day, and a day that goes back, change nothing. A threshold that grew is an exception: what was
// made under a lower one is not shown from then on, on the same day too.
func (c Cell) Next(exact int64, threshold int64, at time.Time, draw func(n int64) int64) Cell {
	if threshold <= 0 {
		c.Shown, c.Number, c.Base, c.After, c.At, c.Asked = true, exact, exact, 0, at, at
		return c
	}
	grown := c.After > 0 && (c.After < threshold || c.Shown && c.Base < threshold)
	if !grown && !c.Asked.IsZero() && dayOf(at) <= dayOf(c.Asked) {
		return c
	}
	c.Asked = at
	if c.After == 0 || grown { // it is new, or was made by another rule: nothing is shown until so many are there
		if c.Shown || c.Number != 0 {
			c.At = at
		}
		c.Shown, c.Number, c.Base, c.After = false, 0, 0, threshold+draw(threshold)
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

// Hidden is more than a number that is not shown can be when it is asked: it moves less than twice the threshold from 0, or, if
// one was ever shown, from what was below the threshold when it was hidden again.
func Hidden(threshold int64, ever bool) int64 {
	if ever {
		return 3 * threshold
	}
	return 2 * threshold
}

// Off is more than a number that is shown can be off when it is asked: it moves less than twice the threshold, and was
// rounded.
func Off(threshold int64) int64 { return 2*threshold + Step/2 }

// Exact is how a model stands, as only staff see it.
type Exact struct {
	Model    string
	Release  string // under which it stands, "" if none can be read
	Kinds    map[fleet.Kind]int64
	Opposite bool // that any installation shows the opposite of the effect
}

func dayOf(at time.Time) int64 {
	const day = 24 * 60 * 60
	return at.Unix() / day
}

// Total adds up what is shown: a sum of exact numbers would tell what is hidden. whole is false if a cell is not shown.
func Total(all ...fleet.PublicCell) (sum int64, whole bool) {
	whole = true
	for _, c := range all {
		sum += c.Number
		whole = whole && c.Shown
	}
	return sum, whole
}
