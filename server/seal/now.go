// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"

	"landed/manifests/heads"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Now is a tree over all rows that are there, also over those that no head covers yet, and the hashes of its compact range.
// It changes nothing: whoever speaks of the head stores it.
func Now(ctx context.Context, tx fleet.Tx, tree fleet.Tree) (fleet.Head, [][]byte, error) {
	h, hashes, err := tx.Seals().Latest(ctx, tree)
	if err != nil {
		return h, nil, err
	}
	r, err := ranges.NewRange(0, uint64(h.Size), hashes)
	if err != nil {
		return h, nil, err
	}
	for {
		leaves, err := tx.Seals().Leaves(ctx, tree, h.N, Batch)
		if err != nil || len(leaves) == 0 {
			return h, r.Hashes(), err
		}
		if h, err = extend(r, tree, leaves); err != nil {
			return h, nil, err
		}
	}
}

// Step proves that a head goes on from an earlier one, or says why nobody can. after is the number of what published that
// one, 0 for none, and frontier the compact range of it, nil if it is not known: then all rows are read.
func Step(
	ctx context.Context, tx fleet.Tx, after int64, from tufrepo.TreeHead, frontier [][]byte, to tufrepo.TreeHead,
) (heads.Tree, error) {
	t, _, err := step(ctx, tx, published{snapshot: after, head: from, frontier: frontier}, to)
	return t, err
}
