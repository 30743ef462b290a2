// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"

	"landed/internal/format"
	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server/fleet"
)

// Newest is the file of the newest tally. NotFound before the first.
func (r *Room) Newest(ctx context.Context) (file []byte, at time.Time, err error) {
	err = r.View.View(ctx, func(tx fleet.Tx) error {
		t, err := r.given(ctx, tx)
		file, at = t.file, t.AsOf
		return err
	})
	return file, at, err
}

// given is the newest tally, if it tells nothing that is hidden now: one that was taken under a lower threshold is given no more.
func (r *Room) given(ctx context.Context, tx fleet.Tx) (kept, error) {
	t, err := r.latest(ctx, tx)
	switch {
	case err == nil && t.Number == 0:
		err = fleet.Errorf(fleet.NotFound, "no_tally", "no tally was taken yet; the server takes one a day, once something is published")
	case err == nil && int64(t.Threshold) < r.Threshold:
		err = fleet.Errorf(fleet.NotFound, "no_tally", "the newest tally tells numbers that are hidden now; the next one is taken soon")
	}
	return t, err
}

// contents are what a tally is given with, and the key of its day.
func contents(ctx context.Context, tx fleet.Tx, number int64) (c fleet.TallyContents, key []byte, err error) {
	c, err = tx.Tallies().Of(ctx, number)
	switch {
	case fleet.Is(err, fleet.NotFound):
		err = fleet.Errorf(fleet.NotFound, "tally_elsewhere", "the newest tally was taken by a server of an older program, which alone "+
			"keeps this; ask that one, or tomorrow")
	case err == nil && c.Format != piecesFormat:
		err = fleet.Errorf(fleet.Unsupported, "tally_elsewhere",
			"the newest tally was taken by a server of a newer program; ask that one, "+
				"or tomorrow")
	}
	if err != nil {
		return c, nil, err
	}
	day, err := tx.TallyPieces().Before(ctx, c.Take, kindDay, dayName)
	if fleet.Is(err, fleet.NotFound) {
		err = fleet.Errorf(fleet.NotFound, "tally_lost",
			"what belongs to the newest tally was lost with the reports; the next tally, within "+
				"a day, brings it anew")
	}
	return c, day.Bytes, err
}

// lost says of a piece that is not there that it should be.
func lost(err error, what string) error {
	if !fleet.Is(err, fleet.NotFound) {
		return err
	}
	return fleet.TallyDamaged(fmt.Errorf("%s is not there", what))
}

// whole writes a text that was stored in parts; whoever reads it knows how it ends.
func whole(ctx context.Context, tx fleet.Tx, take, kind, name string, to io.Writer) error {
	for part := 0; ; part++ {
		at := partName(name, part)
		p, err := tx.TallyPieces().Before(ctx, take, kind, at)
		if err == nil && p.Name != at || fleet.Is(err, fleet.NotFound) {
			if part > 0 {
				return nil
			}
			err = fleet.TallyDamaged(fmt.Errorf("piece %s is not there", at))
		}
		if err != nil {
			return err
		}
		text, err := unpacked(p.Bytes)
		if err != nil {
			return fleet.TallyDamaged(err)
		}
		if _, err := to.Write(text); err != nil {
			return err
		}
	}
}

// Page is a page as it was at the moment of the newest tally, such as "status.json". NotFound if that has no such page.
func (r *Room) Page(ctx context.Context, path string) (text []byte, err error) {
	err = r.View.View(ctx, func(tx fleet.Tx) error {
		t, err := r.given(ctx, tx)
		if err == nil {
			text, err = r.page(ctx, tx, t.Tally, path)
		}
		return err
	})
	return text, err
}

// page is that of a tally. What it is has been signed, so it does not matter whether it is read here or from the database.
func (r *Room) page(ctx context.Context, tx fleet.Tx, t tally.Tally, path string) ([]byte, error) {
	n := slices.IndexFunc(t.Pages, func(p tally.Page) bool { return p.Path == path })
	if n < 0 {
		return nil, fleet.Errorf(fleet.NotFound, "no_page", "the newest tally has no such page")
	}
	if text, ok := folder(r.Metadata).has(t.Number, t.Pages[n]); ok {
		return text, nil
	}
	c, _, err := contents(ctx, tx, t.Number)
	if err != nil {
		return nil, err
	}
	into := limited{most: t.Pages[n].Size}
	err = whole(ctx, tx, c.Take, kindPages, path, &into)
	if err == nil && format.SHA256(into.text) != t.Pages[n].SHA256 {
		err = fleet.TallyDamaged(fmt.Errorf("page %s of tally %d is not the one that was signed", path, t.Number))
	}
	return into.text, err
}

// limited holds no more than what was signed.
type limited struct {
	text []byte
	most int64
}

func (l *limited) Write(text []byte) (int, error) {
	if int64(len(l.text)+len(text)) > l.most {
		return 0, fleet.TallyDamaged(errors.New("a page is longer than was signed"))
	}
	l.text = append(l.text, text...)
	return len(text), nil
}

var fileName = regexp.MustCompile(`^tally/([1-9][0-9]{0,17})(?:\.json|/(.+))$`)

// File is a file below /tuf/metadata/, such as "tally/7.json" or "tally/7/status.json"; known says if the tally is stored. NotFound,
// also of pages of tallies that are older than the newest three.
func (r *Room) File(ctx context.Context, name string) (text []byte, known bool, err error) {
	m := fileName.FindStringSubmatch(name)
	if m == nil {
		return nil, false, fleet.Errorf(fleet.NotFound, "no_page", "there is no such file of a tally")
	}
	number, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return nil, false, err
	}
	err = r.View.View(ctx, func(tx fleet.Tx) error {
		stored, err := tx.Metadata().Get(ctx, fleet.TallyRole, number)
		if text = stored.Bytes; err != nil || m[2] == "" {
			known = err == nil
			return err
		}
		known = true
		newest, err := r.latest(ctx, tx)
		if err == nil && number <= newest.Number-KeptDays {
			err = fleet.Errorf(fleet.NotFound, "no_page", "pages are kept of the newest %d tallies", KeptDays)
		}
		if err != nil {
			return err
		}
		t, err := tally.Unsigned(text)
		if err != nil {
			return fleet.TallyDamaged(err)
		}
		text, err = r.page(ctx, tx, t, m[2])
		return err
	})
	return text, known, err
}

// Owned is the place of an installation in the newest tally, by what it showed of the release of its newest report.
// NotFound if it is not in it. A handful of pieces is read, whatever the fleet.
func (r *Room) Owned(ctx context.Context, ref report.Reference) (o tally.Owned, err error) {
	err = r.View.View(ctx, func(tx fleet.Tx) (err error) {
		o, err = r.owned(ctx, tx, ref)
		return err
	})
	return o, err
}

func (r *Room) owned(ctx context.Context, tx fleet.Tx, ref report.Reference) (o tally.Owned, err error) {
	t, err := r.given(ctx, tx)
	if err != nil {
		return o, err
	}
	c, key, err := contents(ctx, tx, t.Number)
	if err != nil {
		return o, err
	}
	piece, err := tx.TallyPieces().Before(ctx, c.Take, kindPlaces, string(ref))
	at, ok := place{}, false
	if err == nil {
		at, ok, err = placeIn(piece.Bytes, ref)
	}
	if err == nil && !ok || fleet.Is(err, fleet.NotFound) {
		return o, fleet.Errorf(fleet.NotFound, "not_in_tally", "no report under this reference had come when the newest tally was taken")
	}
	if err != nil {
		return o, err
	}
	id := fleet.ReportID{Ref: ref, Seq: at.Seq, ID: at.ID}
	found, err := tx.Reports().Stored(ctx, id)
	if err != nil {
		return o, err
	}
	newest, ok := found[id]
	if !ok {
		return o, fleet.TallyDamaged(fmt.Errorf("report %s of installation %s is not stored", at.ID, ref))
	}
	at.Leaf.Newest = hex.EncodeToString(newestLeaf(newest))
	nonce := tally.Nonce(key, ref)
	index, path, err := climb(ctx, tx, t.Tally, c.Take, key, at.Leaf, at.Leaf.Hash(nonce))
	return tally.Owned{Schema: tally.OwnedSchema, Number: t.Number, Nonce: hex.EncodeToString(nonce), Leaf: at.Leaf, Index: index,
		Path: path, Row: newest.N, Hour: fleet.Hour(newest.At), Envelope: string(newest.Envelope)}, err
}

// climb finds a leaf in the tree of its cell, and the path to the root that was signed.
func climb(ctx context.Context, tx fleet.Tx, t tally.Tally, take string, key []byte, of tally.Leaf, leaf []byte) (
	index int64, path []string, err error,
) {
	strange := fmt.Errorf("the state of installation %s is not among those that tally %d commits to", of.Ref, t.Number)
	cell := slices.IndexFunc(t.Cells, func(c tally.Cell) bool { return c.Release == of.Release && c.Model == of.Model })
	if cell < 0 {
		return 0, nil, fleet.TallyDamaged(fmt.Errorf("installation %s stands in no cell", of.Ref))
	}
	piece, err := tx.TallyPieces().Before(ctx, take, kindLeaves, leavesName(cell, leaf))
	if err != nil {
		return 0, nil, lost(err, "the tree of "+t.Cells[cell].Name())
	}
	block, err := parseLeaves(piece.Bytes)
	if err == nil && block.cell != cell {
		err = errors.New("it is of another cell")
	}
	if err != nil {
		return 0, nil, fleet.TallyDamaged(err)
	}
	if block.size == tally.BlockLeaves {
		tree := tally.NewTree(key, of.Release, of.Model, block.all())
		index, path, ok := tree.Path(leaf)
		if !ok || tree.Root() != t.Cells[cell].Root {
			return 0, nil, fleet.TallyDamaged(strange)
		}
		return index, path, nil
	}
	in := slices.IndexFunc(block.all(), func(h []byte) bool { return string(h) == string(leaf) })
	if in < 0 {
		return 0, nil, fleet.TallyDamaged(strange)
	}
	index = block.n*tally.BlockLeaves + int64(in)
	var fault error
	path, err = tally.Climb(block.size, index, leaf, t.Cells[cell].Root, func(level int, n int64) (tally.Block, error) {
		if level == 0 {
			return tally.Block{Hashes: block.hashes}, nil
		}
		name := nodesName(cell, tally.Block{Level: level, N: n})
		p, err := tx.TallyPieces().Before(ctx, take, kindNodes, name)
		if err == nil && p.Name != name {
			err = fleet.TallyDamaged(fmt.Errorf("piece %s is not there", name))
		}
		fault = lost(err, "piece "+name)
		return tally.Block{Level: level, N: n, Hashes: p.Bytes}, fault
	})
	if err != nil && fault == nil {
		err = fleet.TallyDamaged(err)
	}
	return index, path, err
}
