// SPDX-License-Identifier: Apache-2.0

// Package seal keeps the Merkle trees (RFC 6962, 2.1) over the audit trail, the reports, and the records of what the
// control tables held, so that an edit of what is stored is found out.
//
// Parties: the loop of the server calls Seal, off the way of reports; a publication carries Published to everybody who
// reads the feed; a checker walks the trees again. It promises that a head, once stored, covers every row up to its
// last, in the order of their numbers, and that proofs between two heads can be made by anybody who has the rows. It
// refuses to seal upon a head that it did not find as it was read: there is one sealer.
package seal

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

const (
	// Batch is how many rows one head covers at most: so closely an edit is placed.
	Batch = 512
	// batches bounds what one call does in one tree: the first on an old database has much to do.
	batches = 40
)

var ranges = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

// Sealer seals what was stored since it was last called.
type Sealer struct {
	Store fleet.Store
	Now   func() time.Time
}

// Seal seals the rows that are new in each tree, up to a bound. All trees are tried; errors are joined.
func (s Sealer) Seal(ctx context.Context) (err error) {
	for _, tree := range fleet.Trees() {
		for more, n := true, 0; more && n < batches && ctx.Err() == nil; n++ {
			var fault error
			if more, fault = s.batch(ctx, tree); fault != nil {
				err = errors.Join(err, fmt.Errorf("seal %s: %w", tree, fault))
				break
			}
		}
	}
	return err
}

// batch seals up to Batch rows of a tree. What is read and hashed holds up nobody; a head that came between is a
// conflict, and is left to the next call.
func (s Sealer) batch(ctx context.Context, tree fleet.Tree) (more bool, err error) {
	var was fleet.Head
	var hashes [][]byte
	var leaves []fleet.Leaf
	err = s.Store.View(ctx, func(tx fleet.Tx) error {
		if was, hashes, err = tx.Seals().Latest(ctx, tree); err != nil {
			return err
		}
		leaves, err = tx.Seals().Leaves(ctx, tree, was.N, Batch)
		return err
	})
	if err != nil || len(leaves) == 0 {
		return false, err
	}
	r, err := ranges.NewRange(0, uint64(was.Size), hashes)
	if err != nil {
		return false, fmt.Errorf("the hashes kept with the head of %d leaves are damaged (otad fsck): %w", was.Size, err)
	}
	next, err := extend(r, tree, leaves)
	if err != nil {
		return false, err
	}
	next.At = s.Now().UTC()
	return len(leaves) == Batch, s.Store.Update(ctx, func(tx fleet.Tx) error {
		if now, _, err := tx.Seals().Latest(ctx, tree); err != nil || now.Size != was.Size {
			return err // somebody else sealed meanwhile
		}
		return tx.Seals().Put(ctx, next, r.Hashes())
	})
}

// extend appends leaves, and returns the head that covers them.
func extend(r *compact.Range, tree fleet.Tree, leaves []fleet.Leaf) (h fleet.Head, err error) {
	for _, l := range leaves {
		if err := r.Append(rfc6962.DefaultHasher.HashLeaf(l.Data), nil); err != nil {
			return h, err
		}
	}
	h = fleet.Head{Tree: tree, Size: int64(r.End()), N: leaves[len(leaves)-1].N}
	h.Root, err = rootOf(r)
	return h, err
}

func rootOf(r *compact.Range) ([]byte, error) {
	if r.End() == 0 {
		return rfc6962.DefaultHasher.EmptyRoot(), nil
	}
	return r.GetRootHash(nil)
}

// Published is what a publication says of the trees: their newest heads.
func Published(ctx context.Context, v fleet.Viewer) (all []tufrepo.TreeHead, err error) {
	err = v.View(ctx, func(tx fleet.Tx) error {
		for _, tree := range fleet.Trees() {
			h, _, err := tx.Seals().Latest(ctx, tree)
			if err != nil {
				return err
			}
			if h.Size > 0 {
				all = append(all, tufrepo.TreeHead{Tree: string(tree), Size: h.Size, Root: hex.EncodeToString(h.Root)})
			}
		}
		return nil
	})
	return all, err
}
