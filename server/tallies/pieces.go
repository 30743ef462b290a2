// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"landed/manifests/report"
	"landed/manifests/tally"
)

// piecesFormat is that of the pieces which are written and read. docs/design/tally.md has it.
const piecesFormat = 1

// The kinds of pieces.
const (
	kindDay    = "day"    // the key of the day
	kindHeader = "header" // the first line of the evidence
	kindPages  = "pages"
	kindPlaces = "places" // where installations stand
	kindLeaves = "leaves" // of the trees
	kindNodes  = "nodes"  // of their upper levels
)

// The one name of two of them.
const (
	dayName    = "key"
	headerName = "header"
)

// Bounds of a piece, in bytes before it is compressed.
const (
	pieceText  = 256 << 10
	placesText = 64 << 10
	maxPiece   = 1 << 20 // that is read
)

// place is where the state of an installation on which it stands is found: the leaf, but for the hash of its newest report, which
// follows from that.
type place struct {
	Leaf tally.Leaf `json:"leaf"`
	Seq  int64      `json:"seq,omitempty"` // of the newest report; 0 if only the id is known
	ID   string     `json:"id"`
}

// packed is what a text is kept as.
func packed(text []byte) ([]byte, error) {
	var into bytes.Buffer
	to, err := flate.NewWriter(&into, flate.BestSpeed)
	if err == nil {
		_, err = to.Write(text)
	}
	if err == nil {
		err = to.Close()
	}
	return into.Bytes(), err
}

// unpacked reads what packed made.
func unpacked(kept []byte) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(kept)), maxPiece+1))
	if err == nil && len(text) > maxPiece {
		err = fmt.Errorf("a piece has more than %d bytes", maxPiece)
	}
	return text, err
}

// partName is that of a part of a longer text.
func partName(name string, part int) string { return fmt.Sprintf("%s#%06d", name, part) }

// placeIn finds the place of an installation among lines in the order of their references.
func placeIn(kept []byte, ref report.Reference) (found place, ok bool, err error) {
	text, err := unpacked(kept)
	for err == nil && len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		var at place
		if err = json.Unmarshal(line, &at); err == nil && at.Leaf.Ref >= ref {
			return at, at.Leaf.Ref == ref, nil
		}
	}
	return found, false, err
}

// leavesName is that of a piece of the leaves of a cell, by the first of them; nil is before all of them.
func leavesName(cell int, first []byte) string { return fmt.Sprintf("%06d-%x", cell, first) }

// nodesName is that of a block of an upper level.
func nodesName(cell int, b tally.Block) string {
	return fmt.Sprintf("%06d-%d-%09d", cell, b.Level, b.N)
}

// leaves is a block of the leaves of a cell; of a tree that has no more than one, those of states alone: the others are made again
// by the key of the day.
type leaves struct {
	cell    int
	size, n int64
	hashes  []byte
}

func (l leaves) bytes() []byte {
	text := binary.BigEndian.AppendUint64(nil, uint64(l.cell))
	text = binary.BigEndian.AppendUint64(text, uint64(l.size))
	return append(binary.BigEndian.AppendUint64(text, uint64(l.n)), l.hashes...)
}

func parseLeaves(text []byte) (l leaves, err error) {
	if len(text) < 24 || len(text)%32 != 24 || len(text) > 24+32*tally.BlockLeaves {
		return l, errors.New("it is no block of leaves")
	}
	cell, size, n := binary.BigEndian.Uint64(text), binary.BigEndian.Uint64(text[8:]), binary.BigEndian.Uint64(text[16:])
	if cell > 1<<31 || size > 1<<40 || n > 1<<40 {
		return l, errors.New("it is no block of leaves")
	}
	return leaves{int(cell), int64(size), int64(n), text[24:]}, nil
}

// all are its hashes, each for itself.
func (l leaves) all() (all [][]byte) {
	for n := 0; n < len(l.hashes); n += 32 {
		all = append(all, l.hashes[n:n+32])
	}
	return all
}
