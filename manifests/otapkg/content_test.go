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
		a := &Archive{src: source{bytes.NewReader(packed), int64(len(packed))}}
		c := a.open(e)
		_, err := io.Copy(io.Discard, c)
		c.Close()
		if whole := n == len(packed); (err == nil) != whole || !whole && !errors.Is(err, ErrContent) {
			t.Fatalf("cut at byte %d of %d: %v", n, len(packed), err)
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
