// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"landed/manifests/report"
	"landed/manifests/tally"
)

// TestSorter: however much of it lies in a file, everything comes once, in order.
func TestSorter(t *testing.T) {
	for _, most := range []int{1, 7, 100, 5000} {
		dir := t.TempDir()
		s := &sorter{dir: dir, most: most}
		var want []hashed
		for n := range 1000 {
			sum := sha256.Sum256(fmt.Append(nil, n))
			if err := s.add(uint32(n%3), sum[:]); err != nil {
				t.Fatal(err)
			}
			one := hashed{3: byte(n % 3)}
			copy(one[4:], sum[:])
			want = append(want, one)
		}
		slices.SortFunc(want, func(a, b hashed) int { return bytes.Compare(a[:], b[:]) })
		var got []hashed
		if err := s.each(func(one hashed) error { got = append(got, one); return nil }); err != nil || !slices.Equal(got, want) {
			t.Errorf("%d in memory: %d of %d come, %v", most, len(got), len(want), err)
		}
		stop := errors.New("enough")
		if err := s.each(func(hashed) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("who has enough gets %v", err)
		}
		s.discard()
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%d in memory: %s is left", most, left[0].Name())
		}
	}
}

// TestSpool: what was added comes again as it was, and in order alone.
func TestSpool(t *testing.T) {
	s, err := newSpool(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.discard()
	type piece struct{ kind, name, text string }
	want := []piece{{"a", "1", "x\ny"}, {"b", "# \" 中", strings.Repeat("\x00\n", 70_000)}, {"a", "2", ""}}
	for _, p := range want {
		if err := s.add(p.kind, p.name, []byte(p.text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"2", "1", ""} {
		if s.add("a", name, nil) == nil {
			t.Errorf("%q comes after 2", name)
		}
	}
	var got []piece
	if err := s.each(func(kind, name string, text []byte) error {
		got = append(got, piece{kind, name, string(text)})
		return nil
	}); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d pieces come, %v", len(got), err)
	}
	if sums := s.sums(); len(sums) != 2 || sums["a"].Pieces != 2 || sums["a"].Bytes != 3 || sums["a"].Sum == sums["b"].Sum {
		t.Errorf("they add up to %+v", sums)
	}
}

// states is a book of so many states in each of some cells: of every installation the first is the current one.
func states(t *testing.T, dir string, in ...int) (b *book, leaves []tally.Leaf) {
	t.Helper()
	b, err := newBook(dir, bytes.Repeat([]byte{9}, tally.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.discard)
	b.sorted.most = 1000
	var cells []tally.Cell
	for n := range in {
		cells = append(cells, tally.Cell{Model: "armani", Release: fmt.Sprint("r", n)})
	}
	b.of(cells)
	for n := range slices.Max(in) {
		ref := report.Reference(fmt.Sprintf("%024d", n))
		for c, most := range in {
			if n < most {
				leaf := tally.Leaf{Ref: ref, Release: cells[c].Release, Model: "armani", Class: fmt.Sprint(n % 7), Current: c == 0}
				leaf.Newest = fmt.Sprintf("%064x", n)
				leaves = append(leaves, leaf)
				if err := b.state(leaf, int64(n), fmt.Sprint("id", n)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return b, leaves
}

// TestRoots: the trees of a book are those that are made at once, whatever their sizes.
func TestRoots(t *testing.T) {
	in := []int{3000, 1024, 1, 0, 1025}
	b, leaves := states(t, t.TempDir(), in...)
	roots, err := b.roots()
	if err != nil {
		t.Fatal(err)
	}
	hashes := map[string][][]byte{}
	for _, l := range leaves {
		hashes[l.Release] = append(hashes[l.Release], l.Hash(tally.Nonce(b.key, l.Ref)))
	}
	for n, c := range b.cells {
		if want := tally.NewTree(b.key, c.Release, c.Model, hashes[c.Release]).Root(); roots[n] != want {
			t.Errorf("a cell of %d has the root %s, wanted %s", in[n], roots[n], want)
		}
	}
	kinds := b.sums()
	if kinds[kindLeaves].Pieces != 4+1+1+4 || kinds[kindNodes].Pieces != 2 || kinds[kindPlaces].Pieces < 2 {
		t.Errorf("the pieces are %+v", kinds)
	}
	if err := b.state(tally.Leaf{Ref: "Z", Release: "unknown"}, 1, "id"); err != nil {
		t.Errorf("a state of no cell: %v", err)
	}
}

// TestPlaceIn: an installation is found in the piece that it belongs to, and no other.
func TestPlaceIn(t *testing.T) {
	b, _ := states(t, t.TempDir(), 2000)
	if err := b.endPlaces(); err != nil {
		t.Fatal(err)
	}
	found, first := 0, ""
	if err := b.each(func(kind, name string, text []byte) error {
		if kind != kindPlaces {
			return nil
		}
		first = name
		for n := 0; n < 2000; n += 40 {
			at, ok, err := placeIn(text, report.Reference(fmt.Sprintf("%024d", n)))
			if err != nil {
				return err
			}
			if ok {
				found++
				if at.ID != fmt.Sprint("id", n) || at.Seq != int64(n) || at.Leaf.Newest != "" {
					return fmt.Errorf("installation %d is at %+v", n, at)
				}
			}
		}
		return nil
	}); err != nil || found != 50 || first == fmt.Sprintf("%024d", 0) {
		t.Errorf("%d are found, the last piece begins with %s, %v", found, first, err)
	}
	if _, _, err := placeIn([]byte("no piece"), "A"); err == nil {
		t.Error("what is no piece is read")
	}
}

// TestSweepTemporary: what was cut off leaves nothing for ever.
func TestSweepTemporary(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := sweepTemporary(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".taking-1", ".places-2", "3"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweepTemporary(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != "3" {
		t.Errorf("%v is left, %v", left, err)
	}
}

func FuzzParseLeaves(f *testing.F) {
	f.Add(leaves{1, 4096, 2, make([]byte, 64)}.bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		if l, err := parseLeaves(text); err == nil && !bytes.Equal(l.bytes(), text) {
			t.Errorf("%x is written as %x", text, l.bytes())
		}
	})
}

func FuzzPlaceIn(f *testing.F) {
	kept, err := packed([]byte(`{"leaf":{"reference":"A"},"id":"x"}` + "\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kept, "A")
	f.Add([]byte{}, "B")
	f.Fuzz(func(t *testing.T, text []byte, ref string) {
		if at, ok, err := placeIn(text, report.Reference(ref)); ok && (err != nil || string(at.Leaf.Ref) != ref) {
			t.Errorf("%q is found at %+v, %v", ref, at, err)
		}
	})
}
