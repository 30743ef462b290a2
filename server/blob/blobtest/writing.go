// SPDX-License-Identifier: Apache-2.0

package blobtest

import (
	"errors"
	"io"
	"sync"
	"testing"

	"landed/server/blob"
)

type opener = func(t *testing.T) blob.Store

func roundTrip(t *testing.T, open opener) {
	s := open(t)
	for seed, size := range []int{0, 1, 511, 512, 513, 64 << 10} {
		b := Bytes(uint64(seed), size)
		ref := Put(t, s, b)
		wantBytes(t, "content", read(t, s, ref), b)
		wantErr(t, "Verify", blob.Verify(t.Context(), s, ref), nil)
		wantBytes(t, "content, from another store", read(t, open(t), ref), b)
	}
}

func invisibleDraft(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 5000)
	d := begin(t, s, b)
	_, err := s.Stat(t.Context(), RefOf(b))
	wantErr(t, "Stat before Commit", err, blob.ErrNotFound)
	_, err = s.Open(t.Context(), RefOf(b))
	wantErr(t, "Open before Commit", err, blob.ErrNotFound)
	wantList(t, s)

	if d.Size() != int64(len(b)) {
		t.Errorf("Size of the draft is %d, wanted %d", d.Size(), len(b))
	}
	p := make([]byte, 100)
	if n, err := d.ReadAt(p, 4000); n != 100 || err != nil {
		t.Errorf("ReadAt in the draft: %d, %v", n, err)
	}
	wantBytes(t, "draft read back", p, b[4000:4100])
	n, err := d.ReadAt(p, 4950)
	wantErr(t, "ReadAt over the end of the draft", err, io.EOF)
	wantBytes(t, "end of the draft", p[:n], b[4950:])

	more := Bytes(2, 10)
	if _, err := d.Write(more); err != nil {
		t.Fatalf("Write after ReadAt: %v", err)
	}
	b = append(b, more...)
	if _, err := d.Commit(t.Context(), RefOf(b)); err != nil {
		t.Fatalf("Commit: %v", err)
	}
	wantBytes(t, "content", read(t, s, RefOf(b)), b)
}

func abort(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 5000)
	d := begin(t, s, b)
	for range 2 {
		wantErr(t, "Abort", d.Abort(), nil)
	}
	_, err := d.Commit(t.Context(), RefOf(b))
	wantErr(t, "Commit after Abort", err, blob.ErrClosed)
	wantList(t, s)
}

func ended(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 50)
	d := begin(t, s, b)
	if _, err := d.Commit(t.Context(), RefOf(b)); err != nil {
		t.Fatal(err)
	}
	_, err := d.Write(b)
	wantErr(t, "Write after Commit", err, blob.ErrClosed)
	_, err = d.ReadAt(make([]byte, 1), 0)
	wantErr(t, "ReadAt after Commit", err, blob.ErrClosed)
	_, err = d.Commit(t.Context(), RefOf(b))
	wantErr(t, "Commit after Commit", err, blob.ErrClosed)
	wantErr(t, "Abort after Commit", d.Abort(), nil)
	wantBytes(t, "content", read(t, s, RefOf(b)), b)
}

func commitTwice(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 5000)
	Put(t, s, b)
	// The same size under the same name: the store must keep what it had, also when the newcomer lies.
	if _, err := begin(t, s, Bytes(2, 5000)).Commit(t.Context(), RefOf(b)); err != nil {
		t.Errorf("Commit of what exists: %v", err)
	}
	Put(t, s, b)
	wantBytes(t, "content", read(t, s, RefOf(b)), b)
	wantList(t, s, blob.Info{Ref: RefOf(b), Size: 5000})
}

func wrongDigest(t *testing.T, open opener) {
	s := open(t)
	wrong := RefOf([]byte("something else"))
	if _, err := begin(t, s, Bytes(1, 5000)).Commit(t.Context(), wrong); err != nil {
		t.Fatalf("Commit: %v", err)
	}
	wantErr(t, "Verify of the wrong name", blob.Verify(t.Context(), s, wrong), blob.ErrMismatch)
}

func wrongSize(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 5000)
	Put(t, s, b)
	short := b[:4000]
	d := begin(t, s, short)
	_, err := d.Commit(t.Context(), RefOf(b))
	wantErr(t, "Commit of less under the same name", err, blob.ErrMismatch)
	wantBytes(t, "content", read(t, s, RefOf(b)), b)
	if _, err := d.Commit(t.Context(), RefOf(short)); err != nil {
		t.Errorf("Commit under its own name after the refusal: %v", err)
	}
}

func concurrentCommits(t *testing.T, open opener) {
	stores := []blob.Store{open(t), open(t)}
	b := Bytes(1, 100_000)
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		d := begin(t, stores[i%2], b)
		all.Go(func() { _, errs[i] = d.Commit(t.Context(), RefOf(b)) })
	}
	all.Wait()
	wantErr(t, "Commits", errors.Join(errs...), nil)
	wantErr(t, "Verify", blob.Verify(t.Context(), stores[0], RefOf(b)), nil)
	wantList(t, stores[1], blob.Info{Ref: RefOf(b), Size: 100_000})
}

func big(t *testing.T, open opener) {
	s := open(t)
	b := Bytes(1, 36<<20+7) // three parts of 16 MiB, the last one short
	wantBytes(t, "content", read(t, s, Put(t, s, b)), b)
}

func reopened(t *testing.T, open opener) {
	s := open(t)
	kept := Bytes(1, 5000)
	Put(t, s, kept)
	lost := begin(t, s, Bytes(2, 5000))
	again := open(t)
	wantList(t, again, blob.Info{Ref: RefOf(kept), Size: 5000})
	wantBytes(t, "content", read(t, again, RefOf(kept)), kept)
	// Its process is alive after all: opening the place again must not have hurt it.
	if _, err := lost.Commit(t.Context(), RefOf(Bytes(2, 5000))); err != nil {
		t.Errorf("Commit of a draft after another store was opened: %v", err)
	}
	wantErr(t, "Verify", blob.Verify(t.Context(), again, RefOf(Bytes(2, 5000))), nil)
}
