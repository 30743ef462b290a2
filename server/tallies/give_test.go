// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/internal/format"
	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/storetest"
)

type signer struct{ private ed25519.PrivateKey }

func (s signer) Key() tufrepo.Key {
	public, err := tufrepo.NewKey(s.private.Public())
	if err != nil {
		panic(err)
	}
	return public
}

func (s signer) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.private, message), nil }

var key = signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, 32))}

// world is a database with so many installations, of which tallies are published by hand.
type world struct {
	*testing.T
	db   store.Database
	refs []report.Reference
	all  []fleet.StoredReport
}

func newWorld(t *testing.T, n int) *world {
	w := &world{T: t, db: storetest.OpenDB(t)}
	for i := range n {
		r, private := storetest.Report(i, 1)
		stored := storetest.Stored(t, r, private, storetest.Now)
		w.refs, w.all = append(w.refs, stored.Ref), append(w.all, stored)
	}
	w.must(w.db.UpdateReports(t.Context(), func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(t.Context(), w.all...)
		return err
	}))
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// room is that of a server with an empty folder.
func (w *world) room() *Room {
	return New(Config{View: w.db, Store: w.db, Metadata: w.TempDir(), Dir: w.TempDir(), Now: storetest.Clock,
		Signer: func(context.Context) (tufrepo.Signer, error) { return key, nil },
		Log:    slog.New(slog.NewTextHandler(io.Discard, nil))})
}

// book is what a tally is given with, and the tally itself, signed.
func (w *world) book(r *Room, number int64) (*book, []byte) {
	w.Helper()
	day := storetest.Now.AddDate(0, 0, int(number))
	b, err := newBook(r.Dir, tally.DayKey([]byte("secret"), day.Format(time.DateOnly)))
	w.must(err)
	w.Cleanup(b.discard)
	cells := []tally.Cell{{Model: "armani", Release: "one", Numbers: map[string]int64{"judged": int64(len(w.refs))}}}
	b.of(cells)
	inOrder := map[string]fleet.StoredReport{}
	for _, s := range w.all {
		inOrder[string(s.Ref)] = s
	}
	w.must(w.db.View(w.Context(), func(tx fleet.Tx) error {
		for _, ref := range sortedKeys(inOrder) {
			s, err := tx.Reports().Get(w.Context(), report.Reference(ref), inOrder[ref].ID)
			if err != nil {
				return err
			}
			leaf := tally.Leaf{Ref: s.Ref, Release: "one", Model: "armani", Channel: "stable", Current: true,
				Newest: hex.EncodeToString(newestLeaf(s)), Class: fmt.Sprint("class", number)}
			if err := b.state(leaf, s.Seq, s.ID); err != nil {
				return err
			}
		}
		return nil
	}))
	roots, err := b.roots()
	w.must(err)
	cells[0].Root = roots[0]
	page := pageOf(number)
	t := tally.Tally{Schema: 1, Number: number, Day: day.Format(time.DateOnly), AsOf: day, Snapshot: 1, Heads: []tally.Head{},
		Models: []tally.Cell{}, Cells: cells, Pages: []tally.Page{{Path: "status.json", Size: int64(len(page)),
			SHA256: format.SHA256(page)}}}
	if number > 1 {
		t.Previous = strings.Repeat("ab", 32)
	}
	w.must(b.text(kindPages, "status.json", page))
	w.must(b.text(kindHeader, headerName, fmt.Appendf(nil, "{\"tally\":%d}\n", number)))
	file, err := tally.Sign(t, key)
	w.must(err)
	return b, file
}

// pageOf is a page of more than one piece.
func pageOf(number int64) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "page of tally %d\n", number), pieceText/10)
}

func (w *world) record(number int64, file []byte) func(fleet.Tx) error {
	return func(tx fleet.Tx) error {
		return tx.Metadata().Put(w.Context(), fleet.Metadata{Role: fleet.TallyRole, Version: number, Bytes: file, At: storetest.Now})
	}
}

func (w *world) publish(r *Room, number int64) {
	w.Helper()
	b, file := w.book(r, number)
	w.must(r.pieces().publish(w.Context(), number, b, w.record(number, file)))
}

// TestAnotherServerGivesTheSame: whoever did not take the tally has an empty folder, and answers as whoever took it.
func TestAnotherServerGivesTheSame(t *testing.T) {
	w := newWorld(t, 40)
	taker := w.room()
	w.publish(taker, 1)
	w.must(taker.Write(t.Context()))
	other := w.room()
	file, at, err := other.Newest(t.Context())
	w.must(err)
	is, err := tally.Open(file, []tufrepo.Key{key.Key()})
	if err != nil || !at.Equal(is.AsOf) {
		t.Fatalf("%s, %v", at, err)
	}
	for _, r := range []*Room{taker, other} {
		page, err := r.Page(t.Context(), "status.json")
		if err != nil || !bytes.Equal(page, pageOf(1)) {
			t.Errorf("the page has %d bytes, %v", len(page), err)
		}
		for name, want := range map[string][]byte{"tally/1.json": file, "tally/1/status.json": pageOf(1)} {
			if text, known, err := r.File(t.Context(), name); err != nil || !known || !bytes.Equal(text, want) {
				t.Errorf("%s has %d bytes, %t, %v", name, len(text), known, err)
			}
		}
		for name, stored := range map[string]bool{"tally/1/releases.json": true, "tally/2.json": false, "tally/2/status.json": false,
			"tally/01.json": false, "tally/1": false} {
			if _, known, err := r.File(t.Context(), name); known != stored || !fleet.Is(err, fleet.NotFound) {
				t.Errorf("%s: known %t, %v", name, known, err)
			}
		}
		for _, ref := range w.refs {
			o, err := r.Owned(t.Context(), ref)
			if err != nil || o.Verify(is, ref) != nil {
				t.Fatalf("%s: %v, %v", ref, err, o.Verify(is, ref))
			}
			if _, err := tally.ParseOwned(o.Bytes()); err != nil {
				t.Error(err)
			}
		}
		if _, err := r.Owned(t.Context(), "000000000000000000000000"); !fleet.Is(err, fleet.NotFound) {
			t.Errorf("a stranger: %v", err)
		}
		var evidence bytes.Buffer
		if err := r.Evidence(t.Context(), &evidence); err != nil || !strings.HasPrefix(evidence.String(), "{\"tally\":1}\n") {
			t.Errorf("%.100s, %v", evidence.Bytes(), err)
		}
	}
	w.must(other.Write(t.Context()))
	for _, name := range []string{"tally/1.json", "tally/1/status.json"} {
		mine, err := os.ReadFile(filepath.Join(taker.Metadata, name))
		w.must(err)
		if others, err := os.ReadFile(filepath.Join(other.Metadata, name)); err != nil || !bytes.Equal(mine, others) {
			t.Errorf("%s is another in the other folder, %v", name, err)
		}
	}
}

// TestPlacesOfMany: in a tree of many blocks, too, each has the own place.
func TestPlacesOfMany(t *testing.T) {
	w := newWorld(t, 1100)
	r := w.room()
	w.publish(r, 1)
	file, _, err := r.Newest(t.Context())
	w.must(err)
	is, err := tally.Unsigned(file)
	w.must(err)
	for n := 0; n < len(w.refs); n += 100 {
		o, err := r.Owned(t.Context(), w.refs[n])
		if err != nil || o.Verify(is, w.refs[n]) != nil || len(o.Path) != 12 {
			t.Fatalf("installation %d: %v, %v, a path of %d", n, err, o.Verify(is, w.refs[n]), len(o.Path))
		}
	}
}

// TestTwoTakers: of two that take one tally the later one publishes; nothing of the other is given, and what it stored goes.
func TestTwoTakers(t *testing.T) {
	w := newWorld(t, 3)
	a, b := w.room(), w.room()
	late, lateFile := w.book(a, 1)
	meanwhile := func(tx fleet.Tx) error { return tx.Tallies().Begin(t.Context(), "another") }
	err := a.pieces().publish(t.Context(), 1, late, func(tx fleet.Tx) error {
		if err := meanwhile(tx); err != nil { // as if that had been before this transaction
			return err
		}
		return w.record(1, lateFile)(tx)
	})
	if !fleet.Is(err, fleet.Conflict) {
		t.Fatalf("the late one: %v", err)
	}
	if _, _, err := a.Newest(t.Context()); !fleet.Is(err, fleet.NotFound) {
		t.Errorf("of a take that came to nothing the tally is given: %v", err)
	}
	w.publish(b, 1)
	w.must(b.pieces().sweep(t.Context()))
	w.must(w.db.View(t.Context(), func(tx fleet.Tx) error {
		takes, err := tx.TallyPieces().Takes(t.Context())
		if c, fault := tx.Tallies().Of(t.Context(), 1); fault != nil || len(takes) != 1 || takes[0] != c.Take {
			t.Errorf("the takes %v are left, %v", takes, fault)
		}
		return err
	}))
	if _, err := a.Owned(t.Context(), w.refs[0]); err != nil {
		t.Error(err)
	}
}

// TestHalfATake: pieces that are missing are not published.
func TestHalfATake(t *testing.T) {
	w := newWorld(t, 3)
	r := w.room()
	b, file := w.book(r, 1)
	r.Store = losing{w.db}
	if err := r.pieces().publish(t.Context(), 1, b, w.record(1, file)); err == nil {
		t.Error("half a tally is published")
	}
	if _, _, err := r.Newest(t.Context()); !fleet.Is(err, fleet.NotFound) {
		t.Errorf("it is given: %v", err)
	}
}

// losing takes a piece out before each update, as a sweeper would who is mistaken.
type losing struct{ fleet.Store }

func (l losing) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	if err := l.UpdateReports(ctx, func(tx fleet.Tx) error {
		takes, err := tx.TallyPieces().Takes(ctx)
		for _, take := range takes {
			_, err = tx.TallyPieces().Drop(ctx, take, kindLeaves, 1)
		}
		return err
	}); err != nil {
		return err
	}
	return l.Store.Update(ctx, fn)
}

// TestKept: pages of three tallies are kept, what owners are given of two, and everything of the newest is given.
func TestKept(t *testing.T) {
	w := newWorld(t, 3)
	r, other := w.room(), w.room()
	for n := range int64(5) {
		w.publish(r, n+1)
		w.must(r.pieces().sweep(t.Context()))
		w.must(r.Write(t.Context()))
	}
	for n := range int64(5) {
		text, known, err := other.File(t.Context(), tally.PageName(n+1, "status.json"))
		if given := err == nil && bytes.Equal(text, pageOf(n+1)); !known || given != (n >= 2) {
			t.Errorf("the page of tally %d: given %t, %v", n+1, given, err)
		}
		if text, _, err := other.File(t.Context(), tally.Name(n+1)); err != nil || len(text) == 0 {
			t.Errorf("tally %d: %v", n+1, err)
		}
		if _, err := os.Stat(filepath.Join(r.Metadata, tally.PageName(n+1, "status.json"))); (err == nil) != (n >= 2) {
			t.Errorf("the page of tally %d in the folder: %v", n+1, err)
		}
	}
	w.must(w.db.View(t.Context(), func(tx fleet.Tx) error {
		newest, err := tx.Tallies().Newest(t.Context(), 5)
		for n, c := range newest {
			counted, err := tx.TallyPieces().Count(t.Context(), c.Take)
			if err != nil || (len(counted) > 2) != (n < 2) || (len(counted) > 0) != (n < 3) {
				t.Errorf("of tally %d there are %v, %v", c.Number, counted, err)
			}
			if n < 2 {
				for kind := range c.Kinds {
					if err := Whole(t.Context(), tx, c, kind); err != nil {
						t.Error(err)
					}
				}
			}
		}
		return err
	}))
	o, err := other.Owned(t.Context(), w.refs[1])
	if err != nil || o.Number != 5 || o.Leaf.Class != "class5" {
		t.Errorf("%+v, %v", o, err)
	}
}

func sortedKeys[V any](all map[string]V) []string { return slices.Sorted(maps.Keys(all)) }

// TestDatabaseWentBack: a server whose folder has a later tally than a restored database gives the one that this has, as a server
// with an empty folder does, and no number twice.
func TestDatabaseWentBack(t *testing.T) {
	w, back := newWorld(t, 4), newWorld(t, 4)
	r := w.room()
	w.publish(r, 1)
	w.publish(r, 2)
	w.must(r.Write(t.Context()))
	back.publish(back.room(), 1)
	r.Config.View, r.Config.Store = back.db, back.db // as it runs
	for _, one := range []*Room{r, back.room()} {
		file, _, err := one.Newest(t.Context())
		back.must(err)
		is, err := tally.Unsigned(file)
		if err != nil || is.Number != 1 {
			t.Fatalf("tally %d is given, %v", is.Number, err)
		}
		page, err := one.Page(t.Context(), "status.json")
		if err != nil || !bytes.Equal(page, pageOf(1)) {
			t.Errorf("the page has %d bytes, %v", len(page), err)
		}
		if o, err := one.Owned(t.Context(), back.refs[3]); err != nil || o.Number != 1 || o.Verify(is, back.refs[3]) != nil {
			t.Errorf("%+v, %v", o, err)
		}
		if _, known, err := one.File(t.Context(), tally.Name(2)); known || err == nil {
			t.Errorf("tally 2 is known, %v", err)
		}
	}
	if last := r.highest(kept{Tally: tally.Tally{Number: 1}}); last.Number != 2 {
		t.Errorf("after tally %d the next is taken", last.Number)
	}
}
