// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/recount"
)

// Evidence writes all that the newest tally was counted from: who was admitted, what is judged by, and every report up to
// its moment, as it was signed; the last line is signed by the server. It holds a batch of installations in memory. Before the
// first byte it has looked at all that is stored for it alone.
func (r *Room) Evidence(ctx context.Context, to io.Writer) error {
	signer, err := r.Signer(ctx)
	if err != nil {
		return err
	}
	var t kept
	var c fleet.TallyContents
	if err := r.View.View(ctx, func(tx fleet.Tx) (err error) {
		if t, err = r.given(ctx, tx); err != nil {
			return err
		}
		if c, _, err = contents(ctx, tx, t.Number); err != nil {
			return err
		}
		return headerIsWhole(ctx, tx, c)
	}); err != nil {
		return err
	}
	sum := sha256.New()
	w := io.MultiWriter(to, sum)
	if err := r.View.View(ctx, func(tx fleet.Tx) error { return whole(ctx, tx, c.Take, kindHeader, headerName, w) }); err != nil {
		return err
	}
	if err := r.histories(ctx, t, w); err != nil {
		return err
	}
	end, err := tally.SignEvidence(t.Number, hex.EncodeToString(sum.Sum(nil)), signer)
	if err != nil {
		return err
	}
	return recount.Write(to, end)
}

// headerIsWhole looks at the header before anything of it is given.
func headerIsWhole(ctx context.Context, tx fleet.Tx, c fleet.TallyContents) error {
	if err := Whole(ctx, tx, c, kindHeader); err != nil {
		return fleet.TallyDamaged(err)
	}
	return whole(ctx, tx, c.Take, kindHeader, headerName, io.Discard)
}

// Whole holds the pieces of a kind against what is on record of them: how many, and the SHA-256 of each. What the pieces hold is
// looked at by whoever reads them.
func Whole(ctx context.Context, tx fleet.Tx, c fleet.TallyContents, kind string) error {
	found, want := summing{sum: sha256.New()}, c.Kinds[kind]
	for after := ""; ; {
		some, err := tx.TallyPieces().Sums(ctx, c.Take, kind, after, 1000)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		for _, one := range some {
			sum, err := hex.DecodeString(one[1])
			if err != nil || len(sum) != sha256.Size {
				return fmt.Errorf("piece %q of kind %s has no SHA-256", one[0], kind)
			}
			found.piece(one[0], 0, [32]byte(sum))
		}
		after = some[len(some)-1][0]
	}
	if found.Pieces != want.Pieces {
		return fmt.Errorf("of %d pieces of kind %s there are %d", want.Pieces, kind, found.Pieces)
	}
	if found.Pieces > 0 && hex.EncodeToString(found.sum.Sum(nil)) != want.Sum {
		return errors.New("a piece of kind " + kind + " is another than was stored")
	}
	return nil
}

// histories writes a line for each installation.
func (r *Room) histories(ctx context.Context, t kept, w io.Writer) error {
	upTo, err := r.lastRow(ctx, t)
	for after := report.Reference(""); err == nil; {
		var refs []report.Reference
		var lines []recount.History
		err = r.View.View(ctx, func(tx fleet.Tx) error {
			if refs, err = tx.Installations().Refs(ctx, after, atOnce); err != nil {
				return err
			}
			all, err := intake.Histories(ctx, tx, refs...)
			for _, of := range all {
				if h := recount.NewHistory(of, upTo); len(h.Reports) > 0 {
					lines = append(lines, h)
				}
			}
			return err
		})
		if err != nil || len(refs) == 0 {
			return err
		}
		after = refs[len(refs)-1]
		for _, h := range lines {
			if err := recount.Write(w, h); err != nil {
				return err
			}
		}
	}
	return err
}

// lastRow is that of the last report that a tally is over.
func (r *Room) lastRow(ctx context.Context, t kept) (row int64, err error) {
	h, ok := t.Head(string(fleet.TreeReports))
	if !ok {
		return 0, nil
	}
	err = r.View.View(ctx, func(tx fleet.Tx) error {
		found, err := tx.Seals().Heads(ctx, fleet.TreeReports, h.Size-1, 1)
		if err == nil && (len(found) == 0 || found[0].Size != h.Size) {
			err = fmt.Errorf("the head of %d reports that tally %d speaks of is not stored", h.Size, t.Number)
		}
		if err == nil {
			row = found[0].N
		}
		return err
	})
	return row, err
}
