// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bytes"
	"errors"
	"slices"

	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server/recount"
)

// book is what is given with a tally, while it is made: some megabytes of it are in memory, whatever the fleet.
type book struct {
	*spool
	key    []byte
	cells  []tally.Cell
	number map[[2]string]int // of a cell, by release and model
	states []int64           // by cell
	sorted *sorter
	places bytes.Buffer // on their way
	first  report.Reference
}

func newBook(dir string, key []byte) (*book, error) {
	if err := sweepTemporary(dir); err != nil {
		return nil, err
	}
	s, err := newSpool(dir)
	if err != nil {
		return nil, err
	}
	b := &book{spool: s, key: key, sorted: &sorter{dir: dir, most: inMemory}}
	return b, b.add(kindDay, dayName, key)
}

// of says of which cells the states are, before the first comes.
func (b *book) of(cells []tally.Cell) {
	b.cells, b.number, b.states = cells, map[[2]string]int{}, make([]int64, len(cells))
	for n, c := range cells {
		b.number[[2]string{c.Release, c.Model}] = n
	}
}

// state adds a state. They come in the order of their references.
func (b *book) state(leaf tally.Leaf, seq int64, id string) error {
	n, ok := b.number[[2]string{leaf.Release, leaf.Model}]
	if !ok {
		return nil // of a release that cannot be read: nothing is committed to
	}
	b.states[n]++
	if err := b.sorted.add(uint32(n), leaf.Hash(tally.Nonce(b.key, leaf.Ref))); err != nil || !leaf.Current {
		return err
	}
	if b.places.Len() == 0 {
		b.first = leaf.Ref
	}
	leaf.Newest = ""
	if err := recount.Write(&b.places, place{leaf, seq, id}); err != nil || b.places.Len() < placesText {
		return err
	}
	return b.endPlaces()
}

func (b *book) endPlaces() error {
	if b.places.Len() == 0 {
		return nil
	}
	kept, err := packed(b.places.Bytes())
	b.places.Reset()
	return errors.Join(err, b.add(kindPlaces, string(b.first), kept))
}

// text adds a text in parts.
func (b *book) text(kind, name string, text []byte) error {
	part := 0
	for some := range slices.Chunk(text, pieceText) {
		kept, err := packed(some)
		if err != nil {
			return err
		}
		if err := b.add(kind, partName(name, part), kept); err != nil {
			return err
		}
		part++
	}
	return nil
}

// roots ends the states, and makes the trees over them: the root of each cell, hex.
func (b *book) roots() ([]string, error) {
	if err := b.endPlaces(); err != nil {
		return nil, err
	}
	for n, c := range b.cells {
		size := tally.Size(b.states[n])
		for filler := b.states[n]; size > tally.BlockLeaves && filler < size; filler++ {
			if err := b.sorted.add(uint32(n), tally.Filler(b.key, c.Release, c.Model, filler)); err != nil {
				return nil, err
			}
		}
	}
	roots := make([]string, len(b.cells))
	now := &growing{book: b, cell: -1}
	err := b.sorted.each(func(one hashed) (err error) {
		if int(one.cell()) != now.cell {
			if err = now.end(roots); err != nil {
				return err
			}
			now = b.grow(int(one.cell()))
		}
		return now.leaf(one[4:])
	})
	if err == nil {
		err = now.end(roots)
	}
	for n, c := range b.cells {
		if roots[n] == "" { // nobody is in it
			roots[n] = tally.NewTree(b.key, c.Release, c.Model, nil).Root()
		}
	}
	return roots, err
}

// growing is the tree of a cell while its leaves come.
type growing struct {
	*book
	cell  int
	size  int64
	few   [][]byte // all leaves of a tree of one block, without what it is filled up with
	trunk *tally.Trunk
}

func (b *book) grow(cell int) *growing {
	g := &growing{book: b, cell: cell, size: tally.Size(b.states[cell])}
	if g.size > tally.BlockLeaves {
		g.trunk = &tally.Trunk{Keep: g.keep}
	}
	return g
}

func (g *growing) leaf(hash []byte) error {
	if g.trunk != nil {
		return g.trunk.Add(hash)
	}
	g.few = append(g.few, bytes.Clone(hash))
	return nil
}

func (g *growing) keep(b tally.Block) error {
	if b.Level > 0 {
		return g.add(kindNodes, nodesName(g.cell, b), b.Hashes)
	}
	return g.add(kindLeaves, leavesName(g.cell, b.Hashes[:32]), leaves{g.cell, g.size, b.N, b.Hashes}.bytes())
}

func (g *growing) end(roots []string) (err error) {
	switch {
	case g.cell < 0:
		return nil
	case g.trunk != nil:
		roots[g.cell], err = g.trunk.Root()
		return err
	}
	c := g.cells[g.cell]
	roots[g.cell] = tally.NewTree(g.key, c.Release, c.Model, g.few).Root()
	return g.add(kindLeaves, leavesName(g.cell, nil), leaves{g.cell, g.size, 0, bytes.Join(g.few, nil)}.bytes())
}

func (b *book) discard() {
	b.spool.discard()
	b.sorted.discard()
}
