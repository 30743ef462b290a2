// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
)

// FuzzInflate: a decompressor that is used again gives the same bytes as a new one, ends at the same byte, and refuses
// the same streams, whatever it read before.
func FuzzInflate(f *testing.F) {
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 9} {
		var z bytes.Buffer
		w, _ := flate.NewWriter(&z, level)
		io.WriteString(w, strings.Repeat("landed, and landed again. ", 400)+"\x00\xff")
		w.Flush()
		io.WriteString(w, "the end")
		w.Close()
		f.Add(z.Bytes())
		f.Add(append(z.Bytes(), "more"...))
		f.Add(z.Bytes()[:z.Len()/2])
	}
	f.Add([]byte{3, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		rest := bytes.NewReader(b)
		in := bufio.NewReader(struct{ io.Reader }{rest})
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(in), 1<<20))
		wantLeft := in.Buffered() + rest.Len()
		rest.Reset(b)
		z := inflaters.Get().(*inflater)
		defer inflaters.Put(z)
		z.reset(rest)
		got, gotErr := io.ReadAll(io.LimitReader(z.flate, 1<<20))
		gotLeft := z.packed.Buffered() + rest.Len()
		if (wantErr == nil) != (gotErr == nil) {
			t.Fatalf("new: %v; used again: %v", wantErr, gotErr)
		}
		if wantErr == nil && (!bytes.Equal(want, got) || len(want) < 1<<20 && wantLeft != gotLeft) {
			t.Fatalf("new: %d bytes, %d left; used again: %d bytes, %d left", len(want), wantLeft, len(got), gotLeft)
		}
	})
}

// FuzzZip: an archive whose directory and content nothing refuses reads alike in Go's archive/zip, every entry to its end.
func FuzzZip(f *testing.F) {
	f.Add(makeZip(goodFiles(file{name: "system/a", body: "x", descriptor: true, deflate: true}), zipEdit{}))
	f.Add(makeZip(goodFiles(), zipEdit{zip64: true, marked: true}))
	for _, c := range fixtures.Tools() {
		var b bytes.Buffer
		if err := c.Write(&b, fixtures.TestKey()); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, found, err := Inspect(bytes.NewReader(b), int64(len(b)), Policy{})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range found {
			if strings.HasPrefix(string(x.Code), "ZIP-") && x.Level == Refuse {
				return
			}
		}
		a, _, err := ReadArchive(bytes.NewReader(b), int64(len(b)))
		if err != nil || a == nil {
			t.Fatal(a, err)
		}
		other, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil || len(other.File) != len(a.Entries()) {
			t.Fatalf("archive/zip: %v", err)
		}
		for _, x := range other.File {
			readAlike(t, a, x)
		}
	})
}

func readAlike(t *testing.T, a *Archive, x *zip.File) {
	t.Helper()
	theirs, err := x.Open()
	if err != nil {
		t.Fatalf("%q: archive/zip: %v", x.Name, err)
	}
	defer theirs.Close()
	ours, err := a.Open(x.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	want, err1 := io.ReadAll(theirs)
	got, err2 := io.ReadAll(ours)
	if err1 != nil || err2 != nil || !bytes.Equal(want, got) {
		t.Fatalf("%q: archive/zip reads %d bytes, %v; this reads %d, %v", x.Name, len(want), err1, len(got), err2)
	}
}
