// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"fmt"

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
	hashes, _, err := grow(ctx, tx, tree, from, to, nil)
	return hashes, err
}

// Verify checks a proof that Consistency made, by the roots of both sizes.
func Verify(from, to fleet.Head, hashes [][]byte) error {
	err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(from.Size), uint64(to.Size), hashes, from.Root, to.Root)
	if err != nil {
		return fmt.Errorf("the tree %s of %d leaves does not go on from the one of %d: %w", to.Tree, to.Size, from.Size, err)
	}
	return nil
}
