// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/transparency-dev/merkle/compact"

	"landed/server/fleet"
)

// Claim is a head that somebody keeps: a signed snapshot, or a copy of one outside.
type Claim struct {
	fleet.Head
	By string // who says so, such as "snapshot 7"
}

// Walked is what a walk over a tree found.
type Walked struct {
	Tree     fleet.Tree
	Leaves   int64    // of the tree over the rows that are there, and over what was lost
	Row      int64    // the last of the rows
	Sealed   int64    // leaves under a stored head
	Heads    int64    // stored heads
	Faults   []string // in words; the first edit in the order of the rows, and what else contradicts the rows
	Unproven []Claim  // claims that the rows do not bear out
	Lost     int64    // leaves whose rows were lost with their file, on record
	Unborne  int64    // heads and claims that cover some of these, and cannot be computed again
}

// Walk computes a tree again from its rows, and holds it against every stored head and every claim. It needs the
// memory of one batch and of the claims.
func Walk(ctx context.Context, tx fleet.Tx, tree fleet.Tree, claims []Claim, progress func(leaves int64)) (Walked, error) {
	w := walker{Walked: Walked{Tree: tree}, r: ranges.NewEmptyRange(0), claims: slices.Clone(claims)}
	slices.SortStableFunc(w.claims, func(a, b Claim) int { return int(a.Size - b.Size) })
	err := w.lose(ctx, tx)
	if err == nil {
		err = w.walk(ctx, tx, progress)
	}
	if err != nil {
		return w.Walked, fmt.Errorf("walk %s: %w", tree, err)
	}
	return w.Walked, nil
}

// walker holds the tree over the rows that it went past; good is the last head that they bear out.
type walker struct {
	Walked
	r      *compact.Range
	claims []Claim
	n      int64 // the last row
	good   fleet.Head
	broken int64  // heads that the rows do not bear out
	lost   []Lost // that are before it
	behind *Lost  // gone over, and its leaf is not appended yet
}

// lose loads what was lost on record.
func (w *walker) lose(ctx context.Context, tx fleet.Tx) (err error) {
	w.lost, err = losses(ctx, tx, w.Tree)
	return err
}

// reach walks to a head, also over what was lost. gone is a head over lost rows, which nobody can compute again.
func (w *walker) reach(ctx context.Context, tx fleet.Tx, h fleet.Head) (gone bool, err error) {
	if err := w.mend(); err != nil {
		return false, err
	}
	if err := w.upTo(ctx, tx, h.Size); err != nil {
		return false, err
	}
	if len(w.lost) == 0 || h.Size <= w.lost[0].Kept || int64(w.r.End()) != w.lost[0].Kept {
		return false, nil
	}
	l := w.lost[0]
	if h.Size < l.Size {
		w.Unborne++
		return true, nil
	}
	if w.r, err = ranges.NewRange(0, uint64(l.Size), l.Hashes); err != nil {
		return false, err
	}
	for len(w.claims) > 0 && w.claims[0].Size < l.Size {
		w.Unborne, w.claims = w.Unborne+1, w.claims[1:]
	}
	w.Lost, w.lost, w.behind = w.Lost+l.Size-l.Kept, w.lost[1:], &l
	w.n, w.Leaves = h.N, l.Size
	if err := w.claimed(); err != nil || h.Size == l.Size {
		return false, err
	}
	return w.reach(ctx, tx, h)
}

// mend appends the leaf of the loss that was gone over.
func (w *walker) mend() error {
	if w.behind == nil {
		return nil
	}
	l := *w.behind
	w.behind = nil
	_, err := extend(w.r, w.Tree, []fleet.Leaf{{N: l.Row, Data: l.leaf()}})
	if err != nil {
		return err
	}
	w.n, w.Leaves = l.Row, int64(w.r.End())
	return w.claimed()
}

func (w *walker) walk(ctx context.Context, tx fleet.Tx, progress func(int64)) error {
	for {
		heads, err := tx.Seals().Heads(ctx, w.Tree, w.Sealed, 100)
		if err != nil {
			return err
		}
		if len(heads) == 0 {
			break
		}
		for _, h := range heads {
			if w.Heads++; h.Nth != w.Heads {
				w.Faults = append(w.Faults, fmt.Sprintf("%s: the head of %d leaves is number %d, and stored as number %d: heads were "+
					"removed or added; restore a backup", w.Tree, h.Size, w.Heads, h.Nth))
				w.Heads = h.Nth
			}
			w.Sealed = h.Size
			gone, err := w.reach(ctx, tx, h)
			if err != nil {
				return err
			}
			if !gone {
				w.hold(h)
			}
		}
		if progress != nil {
			progress(w.Leaves)
		}
	}
	if err := w.mend(); err != nil {
		return err
	}
	if err := w.frontier(ctx, tx); err != nil {
		return err
	}
	for more := true; more; {
		was := w.r.End()
		if err := w.upTo(ctx, tx, int64(was)+Batch); err != nil {
			return err
		}
		more = w.r.End() > was
	}
	w.Row = w.n
	w.Unproven = append(w.Unproven, w.claims...) // of sizes that the rows do not reach
	if w.broken > 1 {
		w.Faults = append(w.Faults, fmt.Sprintf("%s: %d heads after it do not follow from the rows either", w.Tree, w.broken-1))
	}
	return nil
}

// upTo appends rows until the tree has a size, and looks at the claims on the way.
func (w *walker) upTo(ctx context.Context, tx fleet.Tx, size int64) error {
	if len(w.lost) > 0 {
		size = min(size, w.lost[0].Kept)
	}
	for int64(w.r.End()) < size {
		stop := size
		if len(w.claims) > 0 {
			stop = min(stop, max(w.claims[0].Size, int64(w.r.End())+1))
		}
		leaves, err := tx.Seals().Leaves(ctx, w.Tree, w.n, int(min(Batch, stop-int64(w.r.End()))))
		if err != nil || len(leaves) == 0 {
			return err
		}
		if _, err := extend(w.r, w.Tree, leaves); err != nil {
			return err
		}
		w.n, w.Leaves = leaves[len(leaves)-1].N, int64(w.r.End())
		if err := w.claimed(); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) claimed() error {
	for len(w.claims) > 0 && w.claims[0].Size <= w.Leaves {
		c := w.claims[0]
		w.claims = w.claims[1:]
		root, err := rootOf(w.r)
		if err != nil {
			return err
		}
		if c.Size != w.Leaves || !bytes.Equal(root, c.Root) {
			w.Unproven = append(w.Unproven, c)
		}
	}
	return nil
}

// hold compares a stored head with the rows. The first that differs names the batch.
func (w *walker) hold(h fleet.Head) {
	root, err := rootOf(w.r)
	if err == nil && int64(w.r.End()) == h.Size && w.n == h.N && bytes.Equal(root, h.Root) {
		if w.broken == 0 {
			w.good = h
		}
		return
	}
	if w.broken++; w.broken > 1 {
		return
	}
	w.Faults = append(w.Faults, fmt.Sprintf("%s: the rows %d to %d are not those that were sealed on %s (head of %d leaves): "+
		"one of them was changed, removed or added, or the head was; rows up to %d are as they were sealed. Restore a backup "+
		"and compare these rows", w.Tree, w.good.N+1, h.N, h.At.Format("2006-01-02 15:04:05"), h.Size, w.good.N))
}

// frontier holds the hashes upon which the sealer goes on against those of the rows.
func (w *walker) frontier(ctx context.Context, tx fleet.Tx) error {
	_, hashes, err := tx.Seals().Latest(ctx, w.Tree)
	if err != nil || w.broken > 0 {
		return err
	}
	if !slices.EqualFunc(hashes, w.r.Hashes(), bytes.Equal) {
		w.Faults = append(w.Faults, fmt.Sprintf("%s: the hashes kept beside the newest head (table frontiers) do not follow from "+
			"the rows; restore a backup", w.Tree))
	}
	return nil
}
