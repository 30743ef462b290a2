// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"landed/server/fleet"
)

// What is kept of the newest tallies. The one before the newest is whole, too: who asked for that is answered to the end, and
// a backup has whichever its halves agree on.
const (
	KeptDays  = 3 // with their pages
	keptWhole = 2
	// batchBytes is how much one transaction writes: reports that come in wait for no more.
	batchBytes  = 1 << 20
	batchPieces = 64
)

// pieces stores what tallies are given with, and drops it again.
type pieces struct{ *Config }

// publish stores the pieces of a book, and then, in one transaction of control, that they are those of a tally, with whatever
// record does. Until that nobody is given any of them; afterwards every server gives all.
func (r pieces) publish(ctx context.Context, number int64, b *book, record func(fleet.Tx) error) (err error) {
	take := rand.Text()
	if err := r.Store.Update(ctx, func(tx fleet.Tx) error { return tx.Tallies().Begin(ctx, take) }); err != nil {
		return err
	}
	if err := r.upload(ctx, take, b); err != nil {
		return err
	}
	c := fleet.TallyContents{Number: number, Take: take, Format: piecesFormat, At: r.Now().UTC().Truncate(time.Millisecond),
		Kinds: b.sums()}
	return r.Store.Update(ctx, func(tx fleet.Tx) error {
		there, err := tx.TallyPieces().Count(ctx, take)
		if err != nil {
			return err
		}
		for kind, of := range c.Kinds {
			if there[kind] != of.Pieces {
				return errNotNow // somebody took them for left over; the next tick looks anew
			}
		}
		if err := record(tx); err != nil {
			return err
		}
		return tx.Tallies().Put(ctx, c)
	})
}

// upload stores the pieces, some at a time.
func (r pieces) upload(ctx context.Context, take string, b *book) error {
	var some []fleet.TallyPiece
	size := 0
	write := func() error {
		err := r.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.TallyPieces().Put(ctx, some...) })
		some, size = some[:0], 0
		return err
	}
	if err := b.each(func(kind, name string, text []byte) error {
		some, size = append(some, fleet.TallyPiece{Take: take, Kind: kind, Name: name, Bytes: text}), size+len(text)
		if size < batchBytes && len(some) < batchPieces {
			return nil
		}
		return write()
	}); err != nil {
		return err
	}
	return write()
}

// sweep drops pieces that nobody is given any more, and those of takes that came to nothing. Whose they are is read before
// which take may still become that of a tally: one that began meanwhile is not among them.
func (r pieces) sweep(ctx context.Context) error {
	var takes []string
	if err := r.View.View(ctx, func(tx fleet.Tx) (err error) {
		takes, err = tx.TallyPieces().Takes(ctx)
		return err
	}); err != nil {
		return err
	}
	keep := map[string][]string{}
	var counted map[string]int64
	if err := r.View.View(ctx, func(tx fleet.Tx) error {
		under, err := tx.Tallies().Under(ctx)
		if err != nil {
			return err
		}
		keep[under] = allKinds
		newest, err := tx.Tallies().Newest(ctx, KeptDays)
		for n, c := range newest {
			keep[c.Take] = Kept(n)
		}
		return err
	}); err != nil {
		return err
	}
	for _, take := range takes {
		if len(keep[take]) == len(allKinds) {
			continue
		}
		if err := r.View.View(ctx, func(tx fleet.Tx) (err error) {
			counted, err = tx.TallyPieces().Count(ctx, take)
			return err
		}); err != nil {
			return err
		}
		for kind := range counted {
			if slices.Contains(keep[take], kind) {
				continue
			}
			if err := r.drop(ctx, take, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// Kept are the kinds of pieces that are kept of the n-th newest of the tallies that have some, from 0.
func Kept(n int) []string {
	switch {
	case n < keptWhole:
		return allKinds
	case n < KeptDays:
		return []string{kindDay, kindPages}
	}
	return nil
}

var allKinds = []string{kindDay, kindHeader, kindPages, kindPlaces, kindLeaves, kindNodes}

func (r pieces) drop(ctx context.Context, take, kind string) error {
	for n := batchPieces; n == batchPieces; {
		if err := r.Store.UpdateReports(ctx, func(tx fleet.Tx) (err error) {
			n, err = tx.TallyPieces().Drop(ctx, take, kind, batchPieces)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
