// SPDX-License-Identifier: Apache-2.0

package tally_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"landed/manifests/report"
	"landed/manifests/tally"
)

// TestTrunk: a tree that is made of blocks has the root and the paths of one that is made at once.
func TestTrunk(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	for _, n := range []int{1, 1024, 1025, 5000} {
		var leaves [][]byte
		for i := range n {
			ref := report.Reference(fmt.Sprint("ref", i))
			leaves = append(leaves, tally.Leaf{Ref: ref}.Hash(tally.Nonce(secret, ref)))
		}
		whole := tally.NewTree(secret, "one", "armani", leaves)
		all := slices.Clone(leaves)
		for i := int64(n); i < tally.Size(int64(n)); i++ {
			all = append(all, tally.Filler(secret, "one", "armani", i))
		}
		slices.SortFunc(all, bytes.Compare)
		kept, root := grown(t, all)
		if root != whole.Root() {
			t.Fatalf("%d leaves: the root is %s, wanted %s", n, root, whole.Root())
		}
		for _, leaf := range leaves {
			index, want, _ := whole.Path(leaf)
			if path, err := tally.Climb(int64(len(all)), index, leaf, root, kept.block); err != nil || !slices.Equal(path, want) {
				t.Fatalf("%d leaves: leaf %d: %v, %v", n, index, path, err)
			}
		}
		if _, err := tally.Climb(int64(len(all)), 1, leaves[0], root, kept.block); err == nil && !bytes.Equal(all[1], leaves[0]) {
			t.Errorf("%d leaves: a leaf has the place of another", n)
		}
	}
}

// TestTrunkOfThreeLevels: above a million leaves there are blocks of blocks.
func TestTrunkOfThreeLevels(t *testing.T) {
	const size = 4 << 20
	leaf := func(n int64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 24), uint64(n)) }
	kept := blocks{}
	trunk := tally.Trunk{Keep: kept.keep}
	for n := range int64(size) {
		if err := trunk.Add(leaf(n)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := trunk.Root()
	if err != nil || len(kept) != 4096+4+1 {
		t.Fatalf("%d blocks, %v", len(kept), err)
	}
	for _, index := range []int64{0, 1023, 1024, 1 << 20, size - 1} {
		if path, err := tally.Climb(size, index, leaf(index), root, kept.block); err != nil || len(path) != 22 {
			t.Errorf("leaf %d: a path of %d, %v", index, len(path), err)
		}
	}
	flipped := bytes.Clone(kept["1 2"])
	flipped[100] ^= 1
	kept["1 2"] = flipped
	if _, err := tally.Climb(size, 2<<20, leaf(2<<20), root, kept.block); err == nil {
		t.Error("a byte of an upper level may be another")
	}
}

// TestTrunkRefuses what is no tree.
func TestTrunkRefuses(t *testing.T) {
	kept := blocks{}
	none := tally.Trunk{Keep: kept.keep}
	if _, err := none.Root(); err == nil {
		t.Error("nothing has a root")
	}
	if err := none.Add([]byte("short")); err == nil {
		t.Error("a leaf of five bytes is one")
	}
	odd := tally.Trunk{Keep: kept.keep}
	for range 1025 {
		_ = odd.Add(make([]byte, 32))
	}
	if _, err := odd.Root(); err == nil {
		t.Error("1025 leaves are a whole tree")
	}
	for _, place := range [][2]int64{{1024, 1024}, {1024, -1}, {1000, 1}, {2048, 0}} {
		if _, err := tally.Climb(place[0], place[1], make([]byte, 32), "", kept.block); err == nil {
			t.Errorf("%v is a place", place)
		}
	}
}

type blocks map[string][]byte

func (b blocks) keep(one tally.Block) error {
	b[fmt.Sprint(one.Level, " ", one.N)] = bytes.Clone(one.Hashes)
	return nil
}

func (b blocks) block(level int, n int64) (tally.Block, error) {
	return tally.Block{Level: level, N: n, Hashes: b[fmt.Sprint(level, " ", n)]}, nil
}

func grown(t *testing.T, leaves [][]byte) (blocks, string) {
	t.Helper()
	kept := blocks{}
	trunk := tally.Trunk{Keep: kept.keep}
	for _, leaf := range leaves {
		if err := trunk.Add(leaf); err != nil {
			t.Fatal(err)
		}
	}
	root, err := trunk.Root()
	if err != nil {
		t.Fatal(err)
	}
	return kept, root
}
