// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"time"
)

// FiguresVersion says what figures mean. It grows when the same reports would give other figures, so that a copy is not
// held against figures of another meaning.
const FiguresVersion = 1

// Cell names figures: of a release on a model and channel. Without a release they are the total of a model and channel. In
// copies there are two more: without a model and channel they are of all models of a release together, and without a release
// too they are of the fleet, each model under the release where it stands.
type Cell struct{ Model, Release, Channel string }

// Cell is the name of c.
func (c Counts) Cell() Cell { return Cell{c.Model, c.Release, c.Channel} }

// Moment is when figures were copied.
type Moment struct {
	At      time.Time // whole milliseconds, UTC
	Version int64     // FiguresVersion of the program that did
}

// Copied are figures as they stood at At, and at each later moment up to the next copy of the same cell. Ages are not among
// them: who was silent or lost at that moment is counted as such.
type Copied struct {
	At time.Time
	Counts
}

// History keeps copies of the figures.
type History interface {
	Moments(ctx context.Context) ([]Moment, error) // oldest first
	// Add copies cells as they stand at a time (Counts.At), and says of how many the figures are others than in their
	// newest copy: only those take room. Conflict (history_past) unless it is later than all moments. It is called for some
	// cells after others, in transactions of their own, so that reports do not wait for all of them; Mark ends it.
	Add(ctx context.Context, at time.Time, cells ...Counts) (stored int, err error)
	Mark(ctx context.Context, m Moment) error // all cells are copied; Conflict as Add
	// Stood are the copies that stood at each of some times, by time and cell in the order in which these are given; the zero
	// Copied where there was none.
	Stood(ctx context.Context, at []time.Time, cells ...Cell) ([][]Copied, error)
	Models(ctx context.Context) ([]string, error) // of which there are copies, in order; "" if there are any without
	// Thin takes copies of a model out that stand for no moment but those that go.
	Thin(ctx context.Context, model string, gone ...Moment) (int, error)
	// Drop takes moments out, after Thin of every model.
	Drop(ctx context.Context, gone ...Moment) error
	// Forget takes everything out that is of a later time: a clock was ahead.
	Forget(ctx context.Context, after time.Time) error
}
