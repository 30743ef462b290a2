// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"sync/atomic"
	"testing"
)

// TestCutStreams cuts a stream at each of its bytes and promises exactly what is left of it. Only the whole one may pass,
// also where the cut falls into the bits of a length, of a distance, or behind the last byte of content.
func TestCutStreams(t *testing.T) {
	var z bytes.Buffer
	w, err := flate.NewWriter(&z, 9)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		fmt.Fprintf(w, "line %d of %d, %s\n", i*i, i%7, strings.Repeat("x", i%90))
	}
	w.Close()
	packed := z.Bytes()
	for n := range len(packed) + 1 {
		out, _ := io.ReadAll(flate.NewReader(bytes.NewReader(packed[:n])))
		e := Entry{Name: "cut", Size: int64(len(out)), Packed: int64(n), CRC32: crc32.ChecksumIEEE(out)}
		c := openEntry(bytes.NewReader(packed), e)
		_, err := io.Copy(io.Discard, c)
		c.Close()
		if whole := n == len(packed); (err == nil) != whole || !whole && !errors.Is(err, ErrContent) {
			t.Fatalf("cut at byte %d of %d: %v", n, len(packed), err)
		}
	}
}

// bitWriter writes as RFC 1951, 3.1.1 says: from the lowest bit of each byte; Huffman codes from their highest bit.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) number(v, bits int) {
	for i := range bits {
		w.bit(v >> i & 1)
	}
}

func (w *bitWriter) code(code string) {
	for _, c := range code {
		w.bit(int(c - '0'))
	}
}

func (w *bitWriter) bit(v int) {
	if w.n%8 == 0 {
		w.b = append(w.b, 0)
	}
	w.b[w.n/8] |= byte(v << (w.n % 8))
	w.n++
}

// block writes "a" and a copy of it three times, with one distance code of one bit, or with none at all, which may not
// be used then (RFC 1951, 3.2.7).
func (w *bitWriter) block(last, distances int) {
	w.number(last, 1)
	w.number(2, 2)  // dynamic codes
	w.number(1, 5)  // 258 of literals and lengths
	w.number(0, 5)  // 1 of distances
	w.number(14, 4) // 18 of code lengths
	for _, symbol := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1} {
		w.number(map[int]int{0: 2, 1: 2, 2: 2, 18: 2}[symbol], 3)
	}
	zeros := func(n int) { w.code("11"); w.number(n-11, 7) }
	zeros(97)
	w.code("10") // "a" has 2 bits: 10
	zeros(138)
	zeros(20)
	w.code("10")                            // the end has 2: 11
	w.code("01")                            // a copy of three bytes has 1: 0
	w.code([]string{"00", "01"}[distances]) // a distance of 1 has 1: 0
	w.code("10" + "0" + "0" + "11")
}

// TestTreesAreNotKept: a block without distances that copies is refused, as zlib does. A decompressor that keeps the
// tables of the block before, or of the stream before, would take it for sound.
func TestTreesAreNotKept(t *testing.T) {
	read := func(blocks ...int) error {
		var w bitWriter
		for i, distances := range blocks {
			w.block(i/(len(blocks)-1), distances)
		}
		text := bytes.Repeat([]byte("a"), 8)
		c := openEntry(bytes.NewReader(w.b), Entry{Name: "kept", Size: 8, Packed: int64(len(w.b)), CRC32: crc32.ChecksumIEEE(text)})
		defer c.Close()
		_, err := io.Copy(io.Discard, c)
		return err
	}
	for range 3 { // so that a decompressor which has read the good one reads the others
		if err := read(1, 1); err != nil {
			t.Errorf("good blocks: %v", err)
		}
		for _, blocks := range [][]int{{1, 0}, {0, 1}, {0, 0}} {
			if err := read(blocks...); !errors.Is(err, ErrContent) {
				t.Errorf("distances %v: %v", blocks, err)
			}
		}
	}
}

// TestEveryLieAtOnce: what is wrong with content is told of every entry, in their order, also beside other findings that
// leave the entries readable.
func TestEveryLieAtOnce(t *testing.T) {
	wrong := uint32(1)
	var files []file
	for i := range 12 {
		f := file{name: fmt.Sprintf("system/%02d", i), body: strings.Repeat("landed ", 900), deflate: i%3 > 0}
		if i%2 == 0 {
			f.centralCRC = &wrong
		}
		files = append(files, f)
	}
	b := makeZip(goodFiles(append(files, file{name: "system/../x"})...), zipEdit{})
	for i := range files { // both headers say the same
		if i%2 == 0 {
			at := bytes.Index(b, []byte(files[i].name))
			copy(b[at-16:], []byte{1, 0, 0, 0})
		}
	}
	_, found := inspectBytes(t, b, Policy{})
	var told []string
	for _, f := range found {
		if f.Code == ZipMismatch {
			told = append(told, f.Message[:len("Entry `system/00`")])
		}
	}
	want := "Entry `system/00` Entry `system/06` Entry `system/02` Entry `system/04` Entry `system/08` Entry `system/10`"
	if got := strings.Join(told, " "); got != want || !found.Has(ZipPath) {
		t.Errorf("told %s, wanted %s: %v", got, want, found)
	}
}

// counted counts the reads.
type counted struct {
	io.ReaderAt
	n atomic.Int64
}

func (c *counted) ReadAt(b []byte, off int64) (int, error) {
	c.n.Add(1)
	return c.ReaderAt.ReadAt(b, off)
}

// TestSmallEntriesAreReadInRuns: where each read is a request, two thousand files must not be thousands of requests.
func TestSmallEntriesAreReadInRuns(t *testing.T) {
	var files []file
	for i := range 2000 {
		files = append(files, file{name: fmt.Sprintf("system/app/%04d", i), body: strings.Repeat("landed ", 10+i%90), deflate: true})
	}
	b := makeZip(goodFiles(files...), zipEdit{})
	r := &counted{ReaderAt: bytes.NewReader(b)}
	if _, _, err := Inspect(r, int64(len(b)), Policy{}); err != nil {
		t.Fatal(err)
	}
	if n := r.n.Load(); n > 60 {
		t.Errorf("%d reads of a package with %d bytes and 2,000 entries; wanted at most 60", n, len(b))
	}
}
