// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"time"
)

// PublicCell is all that everybody may see of a number: how many installations are of one kind on one model.
type PublicCell struct {
	Model string
	Kind  Kind
	// Release is that under which they were counted, "" if none could be read. Changes (PublicCells.Past) do not know it.
	Release string
	Shown   bool      // there are enough of them
	Number  int64     // about how many; 0 if not shown
	Any     bool      // that there are any at all: kept of the kind Bad alone, of which one bit is public
	At      time.Time // when another number was shown last, or none any more; zero if there never was one
}

// KeptCell is a public cell with what it was made from, for nobody but who keeps it (package cells).
type KeptCell struct {
	PublicCell
	Base, After int64
	Asked       time.Time // when it was asked for last whether another number is due
}

// PastMost is how many changes of one public cell are remembered. There is one a day at most, unless the threshold grows, so that
// the past of about so many days at least is whole.
const PastMost = 120

// PublicCells keeps the numbers that everybody may see. They are no figures: nothing is counted from them, and none of them
// can be computed again.
type PublicCells interface {
	// Kept are all of them, by model, then kind.
	Kept(ctx context.Context) ([]KeptCell, error)
	// Keep puts cells, or replaces those of their model and kind. A cell that shows something else than before is
	// remembered as of its At as well: the newest PastMost of each model and kind, older ones are forgotten.
	Keep(ctx context.Context, cells ...KeptCell) error
	// Shown are those as the public sees them where nothing below a threshold is: what was made under a lower
	// one, and is below it, is not shown. By model, then kind.
	Shown(ctx context.Context, threshold int64) ([]PublicCell, error)
	// Past are the changes of what was shown of a model, "" of all, as Shown has them: by At, the oldest first, then model and
	// kind.
	Past(ctx context.Context, threshold int64, model string) ([]PublicCell, error)
}
