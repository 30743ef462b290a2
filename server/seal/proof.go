// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"landed/server/fleet"
)

// Consistency makes the proof (RFC 6962, 2.1.2) that a tree of size to goes on from the tree of size from. It reads all
// rows up to there. Conflict if there are not so many.
func Consistency(ctx context.Context, tx fleet.Tx, tree fleet.Tree, from, to int64) ([][]byte, error) {
	if from < 0 || from > to {
		return nil, fleet.Errorf(fleet.Invalid, "tree_sizes", "no proof leads from %d to %d leaves; the first is the smaller",
			from, to)
	}
	nodes, err := proof.Consistency(uint64(from), uint64(to))
	if err != nil {
		return nil, err
	}
	found := map[compact.NodeID][]byte{}
	for _, id := range nodes.IDs {
		found[id] = nil
	}
	keep := func(id compact.NodeID, hash []byte) {
		if _, wanted := found[id]; wanted {
			found[id] = hash
		}
	}
	if err := appendTo(ctx, tx, tree, to, keep); err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(nodes.IDs))
	for n, id := range nodes.IDs {
		hashes[n] = found[id]
	}
	return nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren)
}

// appendTo builds a tree of a size, and tells visit every node.
func appendTo(ctx context.Context, tx fleet.Tx, tree fleet.Tree, size int64, visit compact.VisitFn) error {
	r := ranges.NewEmptyRange(0)
	for after := int64(0); int64(r.End()) < size; {
		leaves, err := tx.Seals().Leaves(ctx, tree, after, int(min(Batch, size-int64(r.End()))))
		if err != nil {
			return err
		}
		if len(leaves) == 0 {
			return fleet.Errorf(fleet.Conflict, "tree_short", "the tree %s has %d leaves; there is no head of %d", tree, r.End(),
				size)
		}
		for _, l := range leaves {
			if err := r.Append(rfc6962.DefaultHasher.HashLeaf(l.Data), visit); err != nil {
				return err
			}
			after = l.N
		}
	}
	return nil
}

// Verify checks a proof that Consistency made, by the roots of both sizes.
func Verify(from, to fleet.Head, hashes [][]byte) error {
	err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(from.Size), uint64(to.Size), hashes, from.Root, to.Root)
	if err != nil {
		return fmt.Errorf("the tree %s of %d leaves does not go on from the one of %d: %w", to.Tree, to.Size, from.Size, err)
	}
	return nil
}
