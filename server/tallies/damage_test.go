// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"landed/internal/format"
	"landed/manifests/tally"
	"landed/server/fleet"
	"landed/server/recount"
	"landed/server/store/storetest"
)

// flipping has every piece of a kind read with one byte changed, as if its digest had been written by the same hand.
type flipping struct {
	fleet.Store
	kind string
	at   int
}

func (f flipping) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return f.Store.View(ctx, func(tx fleet.Tx) error { return fn(flippingTx{tx, f}) })
}

type flippingTx struct {
	fleet.Tx
	f flipping
}

func (t flippingTx) TallyPieces() fleet.TallyPieces { return flippingPieces{t.Tx.TallyPieces(), t.f} }

type flippingPieces struct {
	fleet.TallyPieces
	f flipping
}

func (p flippingPieces) Before(ctx context.Context, take, kind, name string) (fleet.TallyPiece, error) {
	piece, err := p.TallyPieces.Before(ctx, take, kind, name)
	if err == nil && kind == p.f.kind {
		piece.Bytes = bytes.Clone(piece.Bytes)
		piece.Bytes[p.f.at*(len(piece.Bytes)-1)/100] ^= 0x10
	}
	return piece, err
}

// TestFlippedBytes: whoever changes a byte of a piece, and its digest, changes nothing of what is given: the answer is an error.
func TestFlippedBytes(t *testing.T) {
	w := newWorld(t, 1100) // a tree of many blocks
	taker := w.room()
	w.publish(taker, 1)
	owner := func(r *Room) ([]byte, error) { o, err := r.Owned(t.Context(), w.refs[7]); return o.Bytes(), err }
	page := func(r *Room) ([]byte, error) { return r.Page(t.Context(), "status.json") }
	for kind, door := range map[string]func(*Room) ([]byte, error){
		kindDay: owner, kindPlaces: owner, kindLeaves: owner, kindNodes: owner, kindPages: page,
	} {
		want, err := door(taker)
		w.must(err)
		for _, at := range []int{0, 3, 50, 97, 100} {
			r := w.room()
			r.View = flipping{w.db, kind, at}
			if got, err := door(r); err == nil && !bytes.Equal(got, want) {
				t.Errorf("a byte at %d %% of kind %s is given:\n%.300s", at, kind, got)
			}
		}
	}
}

// TestDamageIsNamed: a byte of a stored piece that is another is told of as damage, at every door that wants it, and by Whole
// whether the digest was changed with it or not.
func TestDamageIsNamed(t *testing.T) {
	w := newWorld(t, 5)
	w.publish(w.room(), 1)
	for _, kind := range []string{kindHeader, kindPages, kindPlaces, kindLeaves} {
		var was []fleet.TallyPiece
		var c fleet.TallyContents
		w.must(w.db.View(t.Context(), func(tx fleet.Tx) (err error) {
			if c, err = tx.Tallies().Of(t.Context(), 1); err == nil {
				was, err = tx.TallyPieces().After(t.Context(), c.Take, kind, "", 9)
			}
			return err
		}))
		replace := func(with ...fleet.TallyPiece) {
			w.must(w.db.UpdateReports(t.Context(), func(tx fleet.Tx) error {
				if _, err := tx.TallyPieces().Drop(t.Context(), c.Take, kind, 9); err != nil {
					return err
				}
				return tx.TallyPieces().Put(t.Context(), with...)
			}))
		}
		changed := was[0]
		changed.Bytes = bytes.Clone(changed.Bytes)
		changed.Bytes[len(changed.Bytes)-1] ^= 1
		for what, with := range map[string][]fleet.TallyPiece{"changed": append([]fleet.TallyPiece{changed}, was[1:]...), "gone": nil} {
			replace(with...)
			w.must(w.db.View(t.Context(), func(tx fleet.Tx) error {
				if err := Whole(t.Context(), tx, c, kind); err == nil {
					t.Errorf("%s: a piece is %s, and nobody says so", kind, what)
				}
				return nil
			}))
			r := w.room()
			var into bytes.Buffer
			_, errPage := r.Page(t.Context(), "status.json")
			_, errOwner := r.Owned(t.Context(), w.refs[0])
			errEvidence := r.Evidence(t.Context(), &into)
			err := map[string]error{kindHeader: errEvidence, kindPages: errPage, kindPlaces: errOwner, kindLeaves: errOwner}[kind]
			if err == nil || kind != kindPlaces && !fleet.IsTallyDamaged(err) || kind == kindHeader && into.Len() > 0 {
				t.Errorf("%s: a piece is %s: %v, after %d bytes", kind, what, err, into.Len())
			}
		}
		replace(was...)
	}
}

// TestPlacesOfAnOlderProgram: what one kept in the folder of its server is stored for all, if it leads to what was signed, and the
// folder is cleared.
func TestPlacesOfAnOlderProgram(t *testing.T) {
	for _, tt := range []struct {
		what  string
		spoil func(dir string) error
		ok    bool
	}{
		{"as it was", func(string) error { return nil }, true},
		{"a place is another", func(dir string) error {
			name := filepath.Join(dir, "places.jsonl")
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			return os.WriteFile(name, bytes.Replace(text, []byte("class1"), []byte("class2"), 1), 0o600)
		}, false},
		{"no header", func(dir string) error { return os.Remove(filepath.Join(dir, "header.json")) }, false},
	} {
		w := newWorld(t, 6)
		r, other := w.room(), w.room()
		dir := w.older(r)
		w.must(tt.spoil(dir))
		w.must(r.Write(t.Context()))
		o, err := other.Owned(t.Context(), w.refs[2])
		page, errPage := other.Page(t.Context(), "status.json")
		if !tt.ok {
			if !fleet.Is(err, fleet.NotFound) || !fleet.Is(errPage, fleet.NotFound) {
				t.Errorf("%s: %v, %v", tt.what, err, errPage)
			}
			if here, err := r.Page(t.Context(), "status.json"); err != nil || !bytes.Equal(here, pageOf(1)) {
				t.Errorf("%s: its own server does not give the page: %v", tt.what, err)
			}
			continue
		}
		file, _, errFile := other.Newest(t.Context())
		w.must(errFile)
		is, errFile := tally.Unsigned(file)
		if err != nil || errFile != nil || o.Verify(is, w.refs[2]) != nil || errPage != nil || !bytes.Equal(page, pageOf(1)) {
			t.Errorf("%s: %v, %v, %v", tt.what, err, errPage, o.Verify(is, w.refs[2]))
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
}

// older publishes a tally as a program from before takes did: its contents lie in the folder of one server alone.
func (w *world) older(r *Room) (dir string) {
	w.Helper()
	b, file := w.book(r, 1)
	w.must(w.db.Update(w.Context(), w.record(1, file)))
	dir = filepath.Join(r.Dir, "1")
	w.must(os.MkdirAll(dir, 0o700))
	var header, places bytes.Buffer
	w.must(recount.Write(&header, recount.Header{Schema: 1, Tally: 1, Key: hex.EncodeToString(b.key)}))
	byRef := map[string]fleet.StoredReport{}
	for n, s := range w.all {
		s.N = int64(n + 1)
		byRef[string(s.Ref)] = s
	}
	for _, ref := range sortedKeys(byRef) {
		s := byRef[ref]
		leaf := tally.Leaf{Ref: s.Ref, Release: "one", Model: "armani", Channel: "stable", Current: true,
			Newest: hex.EncodeToString(newestLeaf(s)), Class: "class1"}
		w.must(recount.Write(&places, struct {
			Leaf tally.Leaf `json:"leaf"`
			Row  int64      `json:"row"`
			Hour int64      `json:"hour"`
			ID   string     `json:"id"`
		}{leaf, s.N, fleet.Hour(storetest.Now), s.ID}))
	}
	for name, text := range map[string][]byte{"header.json": header.Bytes(), "places.jsonl": places.Bytes()} {
		w.must(os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	w.must(os.MkdirAll(filepath.Dir(folder(r.Metadata).page(1, "status.json")), 0o755))
	w.must(os.WriteFile(folder(r.Metadata).page(1, "status.json"), pageOf(1), 0o644))
	is, err := tally.Unsigned(file)
	w.must(err)
	if format.SHA256(pageOf(1)) != is.Pages[0].SHA256 {
		w.Fatal(fmt.Sprint("the page is another than ", is.Pages[0]))
	}
	return dir
}
