// SPDX-License-Identifier: Apache-2.0

// Package heads checks, from what is published alone, that each tree over what a server stores goes on from the one before.
//
// Parties: a server publishes the heads of its trees in its snapshots, and beside each a [Proof], a file that handsets do not
// fetch; anybody who can read the feed calls [Check]. It promises that a chain in which Check finds no break was only
// appended to, from the first head to the last (RFC 6962, 2.1.2). A proof is not signed and need not be: the roots that it
// leads from and to are, in the snapshots. It refuses to take a proof's word for a head.
package heads

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"landed/manifests/strict"
	"landed/manifests/tufrepo"
)

// Schema is the version of a proof that is written and read.
const Schema = 1

// Proof is the file /tuf/metadata/heads/N.json: that the heads in snapshot N go on from those before.
type Proof struct {
	Schema   int    `json:"schema"`
	Snapshot int64  `json:"snapshot"` // N
	Trees    []Tree `json:"trees"`
}

// Tree is one tree of a snapshot.
type Tree struct {
	Tree string `json:"tree"`
	// After is the newest snapshot before it that speaks of the tree, and From how many leaves it had there; 0: none does.
	After int64 `json:"after"`
	From  int64 `json:"from"`
	Size  int64 `json:"size"`
	// Proof are the hashes (hex) of the consistency proof from From to Size; none if From is 0 or Size.
	Proof []string `json:"proof"`
	// Gap says why there is no proof: [GapRestore], [GapLost] or [GapBroken]; "" if there is one.
	Gap string `json:"gap,omitempty"`
	// Range are the hashes (hex) of the compact range of the tree at Size, by which whoever has later leaves goes on.
	Range []string `json:"range"`
}

// Why there is no proof.
const (
	GapRestore = "restore" // the database was restored from a backup; what was lost is on its trail
	GapLost    = "lost"    // the rows were lost with their file, on record
	GapBroken  = "broken"  // what is stored does not bear it out

	GapUnproven = "unproven" // the file of the proof is not there; no proof says so itself
)

// maxHashes bounds a list of hashes: a tree has less than 2⁶³ leaves.
const maxHashes = 128

// MaxSize is how long a proof may be, in bytes.
const MaxSize = 512 << 10

// Name is where the proof of a snapshot lies, below /tuf/metadata/.
func Name(snapshot int64) string { return "heads/" + strconv.FormatInt(snapshot, 10) + ".json" }

// Bytes is the file.
func (p Proof) Bytes() []byte {
	text, _ := json.MarshalIndent(p, "", " ") // numbers and strings always are JSON
	return append(text, '\n')
}

// Parse reads a proof. Every fault is named.
func Parse(text []byte) (p Proof, err error) {
	if len(text) > MaxSize {
		return p, fmt.Errorf("the proof has %d bytes; at most %d are read", len(text), MaxSize)
	}
	if err := strict.LenientJSON(text, &p); err != nil {
		return p, fmt.Errorf("it is no proof of heads: %w", err)
	}
	var faults []error
	if p.Schema != Schema {
		return p, fmt.Errorf("the proof has schema %d; wanted %d", p.Schema, Schema)
	}
	if p.Snapshot < 1 {
		faults = append(faults, fmt.Errorf("snapshot is %d; wanted 1 or more", p.Snapshot))
	}
	for _, t := range p.Trees {
		if t.Tree == "" || t.After < 0 || t.After >= p.Snapshot || t.From < 0 || t.Size < 1 || (t.From == 0) != (t.After == 0) {
			faults = append(
				faults,
				fmt.Errorf("tree %.50q: %d leaves after %d of snapshot %d make no sense", t.Tree, t.Size, t.From, t.After),
			)
		}
		for name, list := range map[string][]string{"proof": t.Proof, "range": t.Range} {
			if _, err := hashes(list); err != nil {
				faults = append(faults, fmt.Errorf("tree %.50q: %s: %w", t.Tree, name, err))
			}
		}
	}
	return p, errors.Join(faults...)
}

// hashes reads a list of them. There is one spelling of each, so that no changed letter passes.
func hashes(list []string) (all [][]byte, err error) {
	if len(list) > maxHashes {
		return nil, fmt.Errorf("%d hashes; wanted %d at most", len(list), maxHashes)
	}
	for _, one := range list {
		h, err := hex.DecodeString(one)
		if err != nil || len(h) != rfc6962.DefaultHasher.Size() || hex.EncodeToString(h) != one {
			return nil, fmt.Errorf("%.80q is no SHA-256 in hex (small letters)", one)
		}
		all = append(all, h)
	}
	return all, nil
}

// Of is what p says of a tree.
func (p Proof) Of(tree string) (t Tree, ok bool) {
	for _, t := range p.Trees {
		if t.Tree == tree {
			return t, true
		}
	}
	return t, false
}

// Verify checks that a head goes on from an earlier one by what t has.
func (t Tree) Verify(from, to tufrepo.TreeHead) error {
	if from.Tree != t.Tree || to.Tree != t.Tree || from.Size != t.From || to.Size != t.Size {
		return fmt.Errorf("the proof leads from %d to %d leaves; the snapshots have %d and %d", t.From, t.Size, from.Size, to.Size)
	}
	list, err := hashes(t.Proof)
	if err != nil {
		return err
	}
	first, err := hex.DecodeString(from.Root)
	if err != nil {
		return err
	}
	last, err := hex.DecodeString(to.Root)
	if err != nil {
		return err
	}
	return proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(t.From), uint64(t.Size), list, first, last)
}

// Frontier is the compact range of t, if it is that of the tree with this head.
func (t Tree) Frontier(head tufrepo.TreeHead) ([][]byte, error) {
	list, err := hashes(t.Range)
	if err != nil {
		return nil, err
	}
	r, err := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewRange(0, uint64(max(t.Size, 0)), list)
	if err != nil {
		return nil, err
	}
	root, err := r.GetRootHash(nil)
	if err != nil {
		return nil, err
	}
	if t.Size != head.Size || hex.EncodeToString(root) != head.Root {
		return nil, fmt.Errorf("the range of %d leaves is not that of the head of %d", t.Size, head.Size)
	}
	return list, nil
}

// Root is that of the tree over leaves with these hashes (RFC 6962, 2.1), in hex.
func Root(leaves [][]byte) (string, error) {
	r := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for _, one := range leaves {
		if err := r.Append(one, nil); err != nil {
			return "", err
		}
	}
	if r.End() == 0 {
		return hex.EncodeToString(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	root, err := r.GetRootHash(nil)
	return hex.EncodeToString(root), err
}
