// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"errors"
	"time"
)

// TallyRole is under which name the signed tally of each day is kept with the published metadata, by number. No role of the
// feed can be called so.
const TallyRole = "Tally"

// TallyContents is what is given with a tally beside its file, whichever server is asked: pieces under the name of the take
// that made them. A tally without contents was taken by an older program, whose server keeps them in its own folder.
type TallyContents struct {
	Number int64
	Take   string
	Format int64     // of the pieces, by whoever writes and reads them
	At     time.Time // when they became those of the tally
	Kinds  map[string]TallyKind
}

// TallyKind is how much there is of one kind of pieces.
type TallyKind struct {
	Pieces int64  `json:"pieces"`
	Bytes  int64  `json:"bytes"`
	Sum    string `json:"sha256"` // hex, over name and SHA-256 of each, as TallyPieces.Sums lists them
}

// TallyPiece is some bytes of a take, by kind and name. Their order is that of their names.
type TallyPiece struct {
	Take, Kind, Name string
	Bytes            []byte
}

// Tallies says which take a tally is given from.
type Tallies interface {
	// Begin has no take but this one become that of a tally, until another begins.
	Begin(ctx context.Context, take string) error
	// Under is the take that began last, "" before the first.
	Under(ctx context.Context) (take string, err error)
	// Put adds the contents of a tally. Conflict (take_late) if another take began since, or the tally has some already.
	Put(ctx context.Context, c TallyContents) error
	Of(ctx context.Context, number int64) (TallyContents, error) // NotFound
	// Newest are those of the last tallies that have some, the newest first.
	Newest(ctx context.Context, limit int) ([]TallyContents, error)
}

// TallyPieces keeps the pieces of takes. Each is read with its SHA-256; one that has another is Damaged (tally_damaged).
type TallyPieces interface {
	Put(ctx context.Context, pieces ...TallyPiece) error // a piece of the same name is Conflict
	// Before is the last piece of a kind whose name is not after name. NotFound.
	Before(ctx context.Context, take, kind, name string) (TallyPiece, error)
	// After are up to limit pieces of a kind, from the first whose name is after name.
	After(ctx context.Context, take, kind, name string, limit int) ([]TallyPiece, error)
	// Sums are name and SHA-256, in hex, of up to limit pieces of a kind, in the order of After, without their bytes being
	// looked at.
	Sums(ctx context.Context, take, kind, name string, limit int) ([][2]string, error)
	Takes(ctx context.Context) ([]string, error)                         // in order
	Count(ctx context.Context, take string) (map[string]int64, error)    // pieces by kind
	Drop(ctx context.Context, take, kind string, limit int) (int, error) // up to limit of them; how many went
}

// TallyDamaged is what is told of a tally of which something stored is not as it was; why is for the log.
func TallyDamaged(why error) error {
	return &Error{Kind: Damaged, Code: tallyDamaged,
		Msg: "what is stored of the newest tally is damaged or lost; the next tally, within a " +
			"day, brings it anew", Err: why}
}

const tallyDamaged = "tally_damaged"

// IsTallyDamaged says if an error is one of TallyDamaged.
func IsTallyDamaged(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == tallyDamaged
}
