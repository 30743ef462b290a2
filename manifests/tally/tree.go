// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"

	"landed/manifests/report"
)

// KeySize is that of the key of a day, in bytes.
const KeySize = 32

// DayKey is the key of a day, which an auditor may be given: it opens that day alone.
func DayKey(secret []byte, day string) []byte { return keyed(secret, "landed tally day", day) }

// Nonce blinds the leaves of one installation in the tally of a day. Its owner is given it; who has it alone learns nothing of
// others.
func Nonce(dayKey []byte, ref report.Reference) []byte {
	return keyed(dayKey, "landed tally leaf", string(ref))
}

func keyed(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		mac.Write([]byte(p))
	}
	return mac.Sum(nil)
}

// Leaf is one state of an installation as it was counted: all that the numbers look at.
type Leaf struct {
	Ref         report.Reference `json:"reference"`
	Release     string           `json:"release"`
	Model       string           `json:"model"`
	Channel     string           `json:"channel"`
	Newest      string           `json:"newest"` // hash of the leaf of its newest report in the tree of the reports, hex
	Class       string           `json:"class"`
	Kind        string           `json:"kind"`
	Progress    string           `json:"progress"`
	Cause       string           `json:"cause"`
	Before      string           `json:"before"`
	Current     bool             `json:"current"`     // it stands on this release
	Member      bool             `json:"member"`      // of the counted fleet
	Counted     bool             `json:"counted"`     // it counts for this release
	Quarantined bool             `json:"quarantined"` // it is in none of the other numbers
	Lost        bool             `json:"lost"`
	Silent      bool             `json:"silent"`
}

// Hash is SHA-256(0x00 ‖ r ‖ JSON), r being the nonce of the installation, and JSON the fields as above without blanks.
func (l Leaf) Hash(nonce []byte) []byte {
	text, _ := json.Marshal(l) // strings and flags always are JSON
	return digest(0, nonce, text)
}

func digest(prefix byte, parts ...[]byte) []byte {
	h := sha256.New()
	h.Write([]byte{prefix})
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// leastLeaves is how many leaves a tree has at least: how long a path is tells no more of a cell than that it has fewer.
const leastLeaves = 1024

// Tree commits to the states of a cell. Its leaves are in the order of their hashes, which tell nothing, and are filled up to
// 1024, 4096, 16384 … with what nobody can tell from a leaf without the key of the day.
type Tree struct{ levels [][][]byte }

// NewTree makes the tree of a cell from the hashes of its leaves.
func NewTree(dayKey []byte, release, model string, leaves [][]byte) Tree {
	all := slices.Clone(leaves)
	for n := int64(len(all)); n < Size(int64(len(leaves))); n++ {
		all = append(all, Filler(dayKey, release, model, n))
	}
	slices.SortFunc(all, bytes.Compare)
	t := Tree{[][][]byte{all}}
	for len(all) > 1 {
		next := make([][]byte, 0, len(all)/2)
		for n := 0; n < len(all); n += 2 {
			next = append(next, digest(1, all[n], all[n+1]))
		}
		t.levels = append(t.levels, next)
		all = next
	}
	return t
}

// Root is that of the tree, hex.
func (t Tree) Root() string { return hex.EncodeToString(t.levels[len(t.levels)-1][0]) }

// Path leads from a leaf to the root; false if the leaf is not there.
func (t Tree) Path(leaf []byte) (index int64, path []string, ok bool) {
	n, ok := slices.BinarySearchFunc(t.levels[0], leaf, bytes.Compare)
	if !ok {
		return 0, nil, false
	}
	index = int64(n)
	for _, level := range t.levels[:len(t.levels)-1] {
		path = append(path, hex.EncodeToString(level[n^1]))
		n /= 2
	}
	return index, path, true
}

// follow is the root that a path leads to.
func follow(leaf []byte, index int64, path []string) (string, error) {
	at := leaf
	for _, one := range path {
		other, err := hash(one)
		if err != nil {
			return "", err
		}
		if index&1 == 0 {
			at = digest(1, at, other)
		} else {
			at = digest(1, other, at)
		}
		index >>= 1
	}
	if index != 0 {
		return "", errors.New("the place is not one of a tree of this height")
	}
	return hex.EncodeToString(at), nil
}
