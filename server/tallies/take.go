// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"time"

	"landed/internal/format"
	"landed/manifests/tally"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/published"
	"landed/server/recount"
	"landed/server/seal"
	"landed/server/settle"
)

// moment is all that a tally is made of, read in one transaction.
type moment struct {
	at       time.Time
	snapshot int64
	heads    []tally.Head
	store    []sealed // heads that no head was stored for yet
	releases published.Releases
	sources  map[string][]byte
	control  settle.Control
	rollouts []fleet.Rollout
	figures  recount.Figures
	public   []fleet.PublicCell // if there is a threshold
	cells    []tally.Cell
	book     *book
}

type sealed struct {
	fleet.Head
	frontier [][]byte
	was      int64
}

// take takes a tally, and publishes it.
func (r *Room) take(ctx context.Context, last kept, at time.Time) error {
	signer, err := r.Signer(ctx)
	if err != nil {
		return err
	}
	key := tally.DayKey(r.Secret, at.Format(time.DateOnly))
	m := moment{at: at}
	if m.book, err = newBook(r.Dir, key); err != nil {
		return err
	}
	defer m.book.discard()
	if err := r.View.View(ctx, func(tx fleet.Tx) error { return r.look(ctx, tx, last, &m) }); err != nil {
		return err
	}
	t := tally.Tally{Schema: tally.Schema, Number: last.Number + 1, Day: at.Format(time.DateOnly), AsOf: at, Snapshot: m.snapshot,
		Heads: m.heads, Models: recount.Models(m.figures, m.releases.Readable, m.rollouts), Cells: m.cells, Pages: []tally.Page{}}
	if last.Number > 0 {
		t.Previous = format.SHA256(last.file)
	}
	if r.Threshold > 0 {
		t.Threshold, t.Cells = int(r.Threshold), recount.Committed(t.Cells)
		t.Models = recount.Public(m.public, m.releases, m.rollouts)
	}
	roots, err := m.book.roots()
	if err != nil {
		return err
	}
	for n := range t.Cells {
		t.Cells[n].Root = roots[n]
	}
	if err := r.lay(ctx, &t, &m); err != nil {
		return err
	}
	file, err := tally.Sign(t, signer)
	if err != nil {
		return err
	}
	if err := r.pieces().publish(ctx, t.Number, m.book, func(tx fleet.Tx) error { return record(ctx, tx, t, file, &m) }); err != nil {
		return err
	}
	r.Log.InfoContext(ctx, "the tally of the day is taken", "number", t.Number, "day", t.Day, "cells", len(t.Cells))
	return nil
}

// lay adds the pages and the header of the evidence to what is given with a tally.
func (r *Room) lay(ctx context.Context, t *tally.Tally, m *moment) error {
	pages, err := r.pages(ctx, *t, m)
	if err != nil {
		return err
	}
	for _, p := range pages {
		t.Pages = append(t.Pages, tally.Page{Path: p.path, Size: int64(len(p.text)), SHA256: format.SHA256(p.text)})
		if err := m.book.text(kindPages, p.path, p.text); err != nil {
			return err
		}
	}
	var header bytes.Buffer
	if err := recount.Write(&header, recount.NewHeader(t.Number, m.book.key, m.releases, m.sources, m.control, m.at)); err != nil {
		return err
	}
	return m.book.text(kindHeader, headerName, header.Bytes())
}

// record stores the heads that the tally speaks of, and the tally.
func record(ctx context.Context, tx fleet.Tx, t tally.Tally, file []byte, m *moment) error {
	for _, s := range m.store {
		now, _, err := tx.Seals().Latest(ctx, s.Tree)
		if err != nil {
			return err
		}
		if now.Size != s.was {
			return errNotNow // somebody else sealed meanwhile: the next tick looks anew
		}
		if err := tx.Seals().Put(ctx, s.Head, s.frontier); err != nil {
			return err
		}
	}
	return tx.Metadata().Put(ctx, fleet.Metadata{Role: fleet.TallyRole, Version: t.Number, Bytes: file, At: t.AsOf})
}

// look reads all that a tally is made of.
func (r *Room) look(ctx context.Context, tx fleet.Tx, last kept, m *moment) (err error) {
	if _, unnamed, err := fleet.Unnamed(ctx, tx); err != nil || unnamed {
		return cmpErr(err, errNotNow) // nobody has said what a restored database lost
	}
	var origins map[string]origin
	if m.snapshot, origins, err = r.before(ctx, tx); err != nil {
		return err
	}
	settled := false
	if m.control, settled, err = intake.ControlOf(ctx, tx); err != nil || !settled {
		return cmpErr(err, errNotNow)
	}
	for _, one := range m.control.Rollouts {
		m.rollouts = append(m.rollouts, one)
	}
	if m.releases, err = published.Load(ctx, tx); err != nil {
		return err
	}
	if len(m.releases.Known()) == 0 {
		return errNotNow // there is nothing to be counted yet
	}
	if m.sources, err = sources(ctx, tx); err != nil {
		return err
	}
	for _, tree := range fleet.Trees() {
		if err := m.head(ctx, tx, tree, last, origins[string(tree)]); err != nil {
			return err
		}
	}
	m.figures.Schema = tally.Schema
	if m.figures.Cells, err = asOf(m.at)(tx.Counts().List(ctx)); err != nil {
		return err
	}
	if m.figures.Totals, err = asOf(m.at)(tx.Counts().Totals(ctx)); err != nil {
		return err
	}
	if r.Threshold > 0 {
		if m.public, err = tx.PublicCells().Shown(ctx, r.Threshold); err != nil {
			return err
		}
	}
	if m.cells, err = recount.Cells(m.figures, m.releases.Readable, m.rollouts); err != nil {
		return err
	}
	m.book.of(m.cells)
	if err := m.states(ctx, tx); err != nil {
		return err
	}
	m.cells, err = recount.Cells(m.figures, m.releases.Readable, m.rollouts) // which say by now who is silent
	return err
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func sources(ctx context.Context, tx fleet.Tx) (map[string][]byte, error) {
	all, err := tx.Releases().List(ctx)
	found := map[string][]byte{}
	for _, one := range all {
		found[one.Name] = one.Source
	}
	return found, err
}

// asOf has figures stand as they do at a time.
func asOf(at time.Time) func([]fleet.Counts, error) ([]fleet.Counts, error) {
	return func(all []fleet.Counts, err error) ([]fleet.Counts, error) {
		now := make([]fleet.Counts, len(all))
		for n, c := range all {
			now[n] = c.At(at)
		}
		return now, err
	}
}

// head is a tree as it stands, with the proofs that it goes on from what was published before.
func (m *moment) head(ctx context.Context, tx fleet.Tx, tree fleet.Tree, last kept, from origin) error {
	was, _, err := tx.Seals().Latest(ctx, tree)
	if err != nil {
		return err
	}
	now, frontier, err := seal.Now(ctx, tx, tree)
	if err != nil || now.Size == 0 {
		return err
	}
	if now.Size > was.Size {
		now.At = m.at
		m.store = append(m.store, sealed{now, slices.Clone(frontier), was.Size})
	}
	h := tally.Head{Tree: string(tree), Size: now.Size, Root: hex.EncodeToString(now.Root)}
	if h.FromSnapshot, err = seal.Step(ctx, tx, from.after, from.head, from.frontier, h.Of()); err != nil {
		return err
	}
	before, had := last.Head(string(tree))
	var range_ [][]byte
	if had {
		range_, _ = before.FromSnapshot.Frontier(before.Of())
	}
	after := last.Number
	if !had {
		after = 0
	}
	h.FromTally, err = seal.Step(ctx, tx, after, treeHead(before, had), range_, h.Of())
	m.heads = append(m.heads, h)
	return err
}

func treeHead(h tally.Head, is bool) tufrepo.TreeHead {
	if !is {
		return tufrepo.TreeHead{}
	}
	return h.Of()
}
