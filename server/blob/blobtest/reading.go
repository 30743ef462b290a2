// SPDX-License-Identifier: Apache-2.0

package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"landed/server/blob"
)

func readWhileCommitting(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 300_000)
	ref := Put(t, s, b)
	c, err := s.Open(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	Put(t, s, b)
	Put(t, s, Bytes(2, 1000))
	rest, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	wantBytes(t, "content read in two halves", append(head, rest...), b)
}

func ranges(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 20_000)
	c, err := s.Open(t.Context(), Put(t, s, b))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, r := range []struct {
		off, n, want int
		err          error
	}{
		{0, 10, 10, nil}, {1, 1, 1, nil}, {10_000, 5_000, 5_000, nil}, {19_000, 1_000, 1_000, nil},
		{19_000, 1_001, 1_000, io.EOF}, {20_000, 10, 0, io.EOF}, {30_000, 10, 0, io.EOF}, {5, 0, 0, nil},
	} {
		p := make([]byte, r.n)
		n, err := c.ReadAt(p, int64(r.off))
		// At the exact end io.ReaderAt leaves open whether EOF comes with the bytes.
		if n != r.want || (!errors.Is(err, r.err) && (err != io.EOF || r.off+r.n != len(b))) {
			t.Errorf("ReadAt(%d bytes, at %d) = %d, %v; wanted %d, %v", r.n, r.off, n, err, r.want, r.err)
			continue
		}
		wantBytes(t, "range", p[:n], b[min(r.off, len(b)):][:n])
	}
	if _, err := c.ReadAt(make([]byte, 1), -1); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("ReadAt before the start: %v, wanted an error that is not EOF", err)
	}
	if _, err := c.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek before the start succeeded")
	}

	// http.ServeContent finds the size by seeking to the end and back.
	for _, k := range []struct {
		whence      int
		off, reach  int64
		description string
	}{
		{io.SeekEnd, 0, 20_000, "to the end"}, {io.SeekStart, 12_345, 12_345, "to a place"},
		{io.SeekCurrent, 100, 12_445, "forward"}, {io.SeekCurrent, -445, 12_000, "back"},
		{io.SeekEnd, -10, 19_990, "near the end"}, {io.SeekEnd, 5, 20_005, "past the end"},
	} {
		if at, err := c.Seek(k.off, k.whence); at != k.reach || err != nil {
			t.Errorf("Seek %s: %d, %v; wanted %d", k.description, at, err, k.reach)
		}
	}
	if n, err := c.Read(make([]byte, 5)); n != 0 || err != io.EOF {
		t.Errorf("Read past the end: %d, %v; wanted EOF", n, err)
	}

	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := make([]byte, 2_500)
			if _, err := c.ReadAt(p, int64(i*2_500)); err != nil && err != io.EOF || !bytes.Equal(p, b[i*2_500:][:2_500]) {
				t.Errorf("concurrent ReadAt %d: wrong bytes or %v", i, err)
			}
		})
	}
	all.Wait()
}

// iotest reads byte by byte, each one a request to a store over the network: so the content is small.
func asReader(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 400)
	c, err := s.Open(t.Context(), Put(t, s, b))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := iotest.TestReader(c, b); err != nil {
		t.Error(err)
	}
}

func tailThenRead(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 20_000)
	c, err := s.Open(t.Context(), Put(t, s, b))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	head := make([]byte, 100)
	if _, err := io.ReadFull(c, head); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReadAt(make([]byte, 500), 19_600); err != io.EOF {
		t.Errorf("ReadAt over the end: %v, wanted EOF", err)
	}
	rest, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	wantBytes(t, "content", append(head, rest...), b)
}

// A reader that says what it is going to read is given the same bytes as any other, also where it was wrong.
func expected(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 20_000)
	ref := Put(t, s, b)
	for name, parts := range map[string][]blob.Range{
		"nothing": nil, "all": {{From: 0, To: 20_000}}, "the tail": {{From: 19_000, To: 20_000}},
		"two": {{From: 100, To: 200}, {From: 150, To: 300}}, "beyond the end": {{From: 19_999, To: 1 << 40}},
		"nonsense": {{From: 500, To: 100}, {From: -7, To: 0}, {From: 5, To: 5}},
	} {
		c, err := s.Open(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		blob.Expect(c, parts...)
		for _, part := range parts {
			from, n := max(part.From, 0), max(min(part.To, c.Size())-part.From, 0)
			if _, err := c.Seek(from, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(c, got); err != nil {
				t.Fatalf("%s: %d bytes at %d: %v", name, n, from, err)
			}
			wantBytes(t, name, got, b[from:from+n])
		}
		if _, err := c.Seek(50, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantBytes(t, name+", then what was not expected", rest, b[50:])
	}
}

func list(t *testing.T, open opener) {
	s := open(t)
	wantList(t, s)
	var want []blob.Info
	for i := range 30 {
		want = append(want, blob.Info{Ref: Put(t, s, Bytes(uint64(i), i)), Size: int64(i)})
	}
	begin(t, s, Bytes(99, 99))
	slices.SortFunc(want, func(a, b blob.Info) int { return strings.Compare(string(a.Ref), string(b.Ref)) })
	wantList(t, s, want...)
}

func listStops(t *testing.T, open opener) {
	s := open(t)
	for i := range 3 {
		Put(t, s, Bytes(uint64(i), 10))
	}
	n := 0
	for range s.List(t.Context()) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d contents, wanted to stop after 1", n)
	}
}

func deleted(t *testing.T, open opener) {
	s := open(t)
	b, other := Bytes(1, 5000), Bytes(2, 50)
	ref := Put(t, s, b)
	Put(t, s, other)
	for range 2 {
		wantErr(t, "Delete", s.Delete(t.Context(), ref), nil)
	}
	_, err := s.Stat(t.Context(), ref)
	wantErr(t, "Stat after Delete", err, blob.ErrNotFound)
	wantList(t, s, blob.Info{Ref: RefOf(other), Size: 50})
	Put(t, s, b)
	wantBytes(t, "content stored again", read(t, s, ref), b)
}

func notFound(t *testing.T, open opener) {
	s := open(t)
	ref := RefOf([]byte("nobody stored this"))
	_, err := s.Stat(t.Context(), ref)
	wantErr(t, "Stat", err, blob.ErrNotFound)
	_, err = s.Open(t.Context(), ref)
	wantErr(t, "Open", err, blob.ErrNotFound)
	wantErr(t, "Verify", blob.Verify(t.Context(), s, ref), blob.ErrNotFound)
}

func malformed(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 50)
	good := string(RefOf(b))
	for _, bad := range []string{
		"", "ab", good[1:], good + "0", strings.ToUpper(good), "../" + good[3:], good[:63] + "/", good[:63] + "\x00",
	} {
		ref := blob.Ref(bad)
		_, err := s.Open(t.Context(), ref)
		wantErr(t, "Open "+bad, err, blob.ErrBadRef)
		_, err = s.Stat(t.Context(), ref)
		wantErr(t, "Stat "+bad, err, blob.ErrBadRef)
		wantErr(t, "Delete "+bad, s.Delete(t.Context(), ref), blob.ErrBadRef)
		_, err = begin(t, s, b).Commit(t.Context(), ref)
		wantErr(t, "Commit "+bad, err, blob.ErrBadRef)
	}
	wantList(t, s)
}

func cancelled(t *testing.T, open opener) {
	s := open(t)
	kept, b := Bytes(1, 50), Bytes(2, 50)
	ref := Put(t, s, kept)
	d := begin(t, s, b)
	ctx := done(t)

	_, err := s.Create(ctx)
	wantErr(t, "Create", err, context.Canceled)
	_, err = d.Commit(ctx, RefOf(b))
	wantErr(t, "Commit", err, context.Canceled)
	_, err = s.Open(ctx, ref)
	wantErr(t, "Open", err, context.Canceled)
	_, err = s.Stat(ctx, ref)
	wantErr(t, "Stat", err, context.Canceled)
	wantErr(t, "Delete", s.Delete(ctx, ref), context.Canceled)
	wantErr(t, "Verify", blob.Verify(ctx, s, ref), context.Canceled)
	var last error
	for _, err := range s.List(ctx) {
		last = err
	}
	wantErr(t, "List", last, context.Canceled)
	wantList(t, s, blob.Info{Ref: ref, Size: 50})

	if _, err := d.Commit(t.Context(), RefOf(b)); err != nil {
		t.Errorf("Commit after a done context: %v", err)
	}
}
