// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/transparency-dev/merkle/rfc6962"

	"landed/manifests/report"
	"landed/server/fleet"
)

// LeafOf is the hash of a leaf.
func LeafOf(data []byte) []byte { return rfc6962.DefaultHasher.HashLeaf(data) }

// CutRoot computes the root over the states that a cut settled, in the order of their references, and says how many there
// are. Of one that a later cut has the hash is left.
func CutRoot(ctx context.Context, tx fleet.ReportsTx, number int64) (root []byte, states int64, err error) {
	r := ranges.NewEmptyRange(0)
	for after := report.Reference(""); ; {
		all, err := tx.Cuts().States(ctx, number, after, Batch)
		if err != nil {
			return nil, 0, err
		}
		if len(all) == 0 {
			root, err = rootOf(r)
			return root, int64(r.End()), err
		}
		for _, s := range all {
			hash := s.State
			if len(hash) != sha256.Size {
				hash = LeafOf(s.Leaf())
			}
			if err := r.Append(hash, nil); err != nil {
				return nil, 0, err
			}
			after = s.Ref
		}
	}
}

// Cuts holds every cut, and what it settled, against the line of the trail by which it was made. faults and notes are in
// words. Of one that is not closed nothing follows.
func Cuts(ctx context.Context, tx fleet.Tx) (faults, notes []string, err error) {
	lines, err := cutLines(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	all, err := tx.Cuts().List(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range all {
		line, made := lines[c.Number]
		delete(lines, c.Number)
		root, states, err := CutRoot(ctx, tx, c.Number)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case c.Closed.IsZero() && !made:
			continue // it is being made: nothing follows from it yet
		case !made:
			faults = append(faults, fmt.Sprintf("cut %d of release %s is closed, and the trail has no line of it: another hand made it; "+
				"restore a backup", c.Number, c.Release))
			continue
		case c.Closed.IsZero() && (states != line.States || !bytes.Equal(root, line.Root)):
			notes = append(notes, fmt.Sprintf("cut %d of release %s stands on the trail with %d states, and %d are settled here: these "+
				"reports are of an older copy, and what it dropped is there; the server lets go of it and begins another", c.Number,
				c.Release, line.States, states))
			continue
		case !c.Closed.IsZero() && !line.Same(c):
			faults = append(faults, fmt.Sprintf("cut %d is stored as %s, and the trail says %s", c.Number, c.Line(), line.Line()))
		}
		if states != line.States || !bytes.Equal(root, line.Root) {
			faults = append(faults, fmt.Sprintf("cut %d of release %s: the %d states that it settled have the root %x, and the trail says "+
				"%d with %x: one of them was changed, removed or added since; restore a backup", c.Number, c.Release, states, root[:8],
				line.States, line.Root[:8]))
		}
	}
	for number, c := range lines {
		notes = append(notes, fmt.Sprintf("cut %d of release %s stands on the trail, and these reports know nothing of it: they are of an "+
			"older copy, and what it dropped is there", number, c.Release))
	}
	return faults, notes, nil
}

// cutLines are the cuts that the trail has, by number.
func cutLines(ctx context.Context, tx fleet.ControlTx) (map[int64]fleet.Cut, error) {
	lines := map[int64]fleet.Cut{}
	for before := int64(0); ; {
		page, err := tx.Audit().List(ctx, before, 500)
		if err != nil || len(page) == 0 {
			return lines, err
		}
		for _, e := range page {
			if c, ok := fleet.CutOf(e); ok {
				lines[c.Number] = c
			}
		}
		before = page[len(page)-1].N
	}
}
