// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// BlockLeaves is how many hashes of one level of a tree are kept together.
const BlockLeaves = leastLeaves

// Size is how many leaves the tree over n states has.
func Size(n int64) int64 {
	size := int64(leastLeaves)
	for size < n {
		size *= 4
	}
	return size
}

// Filler is the n-th leaf of a cell, from 0, if it has no more than n states.
func Filler(dayKey []byte, release, model string, n int64) []byte {
	return keyed(dayKey, "landed tally filler", release, model, fmt.Sprint(n))
}

// Block is hashes of 32 bytes that are neighbours in one level of a tree. Level 0 are the leaves; of each higher one a hash
// stands for a block of the one below.
type Block struct {
	Level  int
	N      int64 // of its level, from 0
	Hashes []byte
}

// Trunk makes a tree from its leaves in order, of which it holds a block of each level. Keep is given every block once.
type Trunk struct {
	Keep   func(Block) error
	levels []growing
	err    error
}

type growing struct {
	hashes []byte
	blocks int64 // that were given away
}

// Add adds the next leaf.
func (t *Trunk) Add(leaf []byte) error { return t.add(0, leaf) }

func (t *Trunk) add(level int, hash []byte) error {
	if t.err != nil || len(hash) != 32 {
		return errors.Join(t.err, wrongHash(hash))
	}
	if level == len(t.levels) {
		t.levels = append(t.levels, growing{})
	}
	at := &t.levels[level]
	if at.hashes = append(at.hashes, hash...); len(at.hashes) < 32*BlockLeaves {
		return nil
	}
	full := Block{level, at.blocks, at.hashes}
	at.hashes, at.blocks = make([]byte, 0, 32*BlockLeaves), at.blocks+1
	if t.err = t.Keep(full); t.err != nil {
		return t.err
	}
	return t.add(level+1, full.root())
}

// Root ends the tree, and is its root, hex. The number of leaves is one that Size gives.
func (t *Trunk) Root() (string, error) {
	for level := range t.levels {
		at := t.levels[level]
		n := len(at.hashes) / 32
		switch {
		case t.err != nil:
			return "", t.err
		case at.blocks > 0 && n > 0, n&(n-1) != 0:
			return "", fmt.Errorf("a tree of %d hashes in level %d is no whole one", at.blocks*BlockLeaves+int64(n), level)
		case at.blocks > 0:
			continue
		case n > 1:
			if err := t.Keep(Block{level, 0, at.hashes}); err != nil {
				return "", err
			}
		}
		return hex.EncodeToString(Block{Hashes: at.hashes}.root()), nil
	}
	return "", errors.New("a tree has leaves")
}

// root is that over the hashes of b.
func (b Block) root() []byte {
	level := b.Hashes
	for len(level) > 32 {
		level = above(level)
	}
	return level
}

// above is the next level of a tree.
func above(level []byte) []byte {
	next := make([]byte, 0, len(level)/2)
	for n := 0; n+64 <= len(level); n += 64 {
		next = append(next, digest(1, level[n:n+32], level[n+32:n+64])...)
	}
	return next
}

// path leads from the n-th hash of b to its root.
func (b Block) path(n int64) (path []string) {
	for level := b.Hashes; len(level) > 32; level, n = above(level), n/2 {
		other := 32 * (n ^ 1)
		path = append(path, hex.EncodeToString(level[other:other+32]))
	}
	return path
}

// Climb is the path of the index-th of size leaves to the root, which want is, hex: block gives the blocks on the way. What
// leads to another root is an error, and so is a leaf that is another.
func Climb(size, index int64, leaf []byte, want string, block func(level int, n int64) (Block, error)) (path []string, err error) {
	if size < leastLeaves || size != Size(size) || index < 0 || index >= size {
		return nil, fmt.Errorf("leaf %d of %d is none of a tree", index, size)
	}
	at := index
	for level, left := 0, size; left > 1; level, left = level+1, left/BlockLeaves {
		b, err := block(level, at/BlockLeaves)
		if err != nil {
			return nil, err
		}
		if n := min(left, BlockLeaves); int64(len(b.Hashes)) != 32*n {
			return nil, fmt.Errorf("a block of level %d has %d bytes; wanted %d", level, len(b.Hashes), 32*n)
		}
		path = append(path, b.path(at%BlockLeaves)...)
		at /= BlockLeaves
	}
	if root, err := follow(leaf, index, path); err != nil || root != want {
		return nil, errors.Join(err, errors.New("the path of the leaf does not lead to the root"))
	}
	return path, nil
}

func wrongHash(hash []byte) error {
	if len(hash) == 32 {
		return nil
	}
	return fmt.Errorf("a hash has 32 bytes, and this one %d", len(hash))
}
