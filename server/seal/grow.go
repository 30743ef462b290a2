// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"slices"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"landed/server/fleet"
)

// grow makes the proof that a tree of size to goes on from the one of size from, and the compact range of the former. With the
// range at from, as frontier, it reads the rows between; without, all. Conflict if there are not so many rows, or some of
// them were lost.
func grow(
	ctx context.Context, tx fleet.Tx, tree fleet.Tree, from, to int64, frontier [][]byte,
) (hashes, next [][]byte, err error) {
	if from > to {
		return nil, nil, fleet.Errorf(fleet.Conflict, "tree_short", "the tree %s was published with %d leaves, and then with %d", tree,
			from, to)
	}
	lost, err := losses(ctx, tx, tree)
	if err != nil {
		return nil, nil, err
	}
	g := grower{tx: tx, tree: tree, r: ranges.NewEmptyRange(0), lost: lost}
	if err := g.wants(from, to); err != nil {
		return nil, nil, err
	}
	if from > 0 && frontier != nil && g.begin(ctx, from, frontier) != nil {
		g.r, g.after = ranges.NewEmptyRange(0), 0
	}
	if err := g.upTo(ctx, to); err != nil {
		return nil, nil, err
	}
	if from > 0 && from < to {
		list := make([][]byte, len(g.nodes.IDs))
		for n, id := range g.nodes.IDs {
			list[n] = g.found[id]
		}
		if hashes, err = g.nodes.Rehash(list, rfc6962.DefaultHasher.HashChildren); err != nil {
			return nil, nil, err
		}
	}
	return hashes, slices.Clone(g.r.Hashes()), nil
}

// grower is a tree on its way, and the nodes that a proof wants.
type grower struct {
	tx    fleet.Tx
	tree  fleet.Tree
	r     *compact.Range
	after int64 // row of the last leaf
	lost  []Lost
	nodes proof.Nodes
	found map[compact.NodeID][]byte
}

// wants notes the nodes of a proof; there is none from an empty tree or to the same.
func (g *grower) wants(from, to int64) (err error) {
	g.found = map[compact.NodeID][]byte{}
	if from == 0 || from == to {
		return nil
	}
	if g.nodes, err = proof.Consistency(uint64(from), uint64(to)); err != nil {
		return err
	}
	for _, id := range g.nodes.IDs {
		g.found[id] = nil
	}
	return nil
}

func (g *grower) visit(id compact.NodeID, hash []byte) {
	if _, wanted := g.found[id]; wanted {
		g.found[id] = slices.Clone(hash)
	}
}

// begin goes on from a compact range: of the nodes before it no proof wants others.
func (g *grower) begin(ctx context.Context, size int64, frontier [][]byte) (err error) {
	heads, err := g.tx.Seals().Heads(ctx, g.tree, size-1, 1)
	if err != nil {
		return err
	}
	if len(heads) == 0 || heads[0].Size != size {
		return fleet.Errorf(fleet.Conflict, "head_unknown", "no head of %d leaves is stored", size)
	}
	if g.r, err = ranges.NewRange(0, uint64(size), slices.Clone(frontier)); err != nil {
		return err
	}
	for n, id := range compact.RangeNodes(0, uint64(size), nil) {
		g.visit(id, frontier[n])
	}
	g.after = heads[0].N
	return nil
}

// upTo appends rows until the tree has a size. Over rows that were lost no proof leads, but where the loss is the next leaf.
func (g *grower) upTo(ctx context.Context, to int64) error {
	for int64(g.r.End()) < to {
		at := int64(g.r.End())
		limit := min(Batch, to-at)
		for _, l := range g.lost {
			switch {
			case l.Size == at:
				if err := g.r.Append(rfc6962.DefaultHasher.HashLeaf(l.leaf()), g.visit); err != nil {
					return err
				}
				g.after, limit = l.Row, 0
			case l.Kept <= at && at < l.Size:
				return fleet.Errorf(fleet.Conflict, "rows_lost", "rows of the tree %s were lost with their file", g.tree)
			case at < l.Kept:
				limit = min(limit, l.Kept-at)
			}
		}
		if limit == 0 {
			continue
		}
		leaves, err := g.tx.Seals().Leaves(ctx, g.tree, g.after, int(limit))
		if err != nil {
			return err
		}
		if len(leaves) == 0 {
			return fleet.Errorf(fleet.Conflict, "tree_short", "the tree %s has %d leaves; there is no head of %d", g.tree, at, to)
		}
		for _, l := range leaves {
			if err := g.r.Append(rfc6962.DefaultHasher.HashLeaf(l.Data), g.visit); err != nil {
				return err
			}
			g.after = l.N
		}
	}
	return nil
}
