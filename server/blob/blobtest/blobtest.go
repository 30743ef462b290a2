// SPDX-License-Identifier: Apache-2.0

// Package blobtest is the contract of blob.Store as tests. Every store passes [Run]; what a store can
// do beyond the contract (links, presigned URLs, surviving a kill) it tests itself. Only tests import
// this package. It refuses nothing: a store that fails here is wrong.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/server/blob"
)

// Fresh makes a new empty place and returns a function that opens it. That function is called several
// times on one place, also while stores opened before are still in use, as after a crash.
type Fresh func(t *testing.T) (open func(t *testing.T) blob.Store)

// Run runs the whole contract, each part on a place of its own.
func Run(t *testing.T, fresh Fresh) {
	for _, part := range []struct {
		name string
		test func(t *testing.T, open func(t *testing.T) blob.Store)
	}{
		{"round trip", roundTrip},
		{"nothing is visible before commit", invisibleDraft},
		{"abort leaves nothing", abort},
		{"a draft ends once", ended},
		{"commit of what exists leaves the old bytes", commitTwice},
		{"commit takes the caller's word and verify does not", wrongDigest},
		{"commit sees a wrong size", wrongSize},
		{"concurrent commits of one content", concurrentCommits},
		{"reading while others commit", readWhileCommitting},
		{"any place can be read", ranges},
		{"the content is a reader like others", asReader},
		{"a read at the end does not move the reader", tailThenRead},
		{"what is expected changes nothing of what is read", expected},
		{"big content", big},
		{"list", list},
		{"list stops when told", listStops},
		{"delete", deleted},
		{"not found", notFound},
		{"malformed refs", malformed},
		{"a done context does nothing", cancelled},
		{"drafts of a crashed process are gone", reopened},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, fresh(t)) })
	}
}

// Bytes are n bytes that a seed repeats and that do not compress.
func Bytes(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

// RefOf is the ref under which b belongs.
func RefOf(b []byte) blob.Ref { return blob.RefOf(sha256.Sum256(b)) }

// Put stores b and fails the test if that does not work.
func Put(t *testing.T, s blob.Store, b []byte) blob.Ref {
	t.Helper()
	d := begin(t, s, b)
	info, err := d.Commit(t.Context(), RefOf(b))
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	if diff := cmp.Diff(blob.Info{Ref: RefOf(b), Size: int64(len(b))}, info); diff != "" {
		t.Errorf("Commit (-want +got):\n%s", diff)
	}
	return info.Ref
}

// begin writes b to a new draft, in two pieces. The draft is aborted when the test ends.
func begin(t *testing.T, s blob.Store, b []byte) blob.Draft {
	t.Helper()
	d, err := s.Create(t.Context())
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Abort(); err != nil {
			t.Errorf("Abort: %v", err)
		}
	})
	for _, piece := range [][]byte{b[:len(b)/3], b[len(b)/3:]} {
		if n, err := d.Write(piece); n != len(piece) || err != nil {
			t.Fatalf("Write of %d bytes: %d, %v", len(piece), n, err)
		}
	}
	return d
}

func read(t *testing.T, s blob.Store, ref blob.Ref) []byte {
	t.Helper()
	c, err := s.Open(t.Context(), ref)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer c.Close()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if c.Size() != int64(len(b)) {
		t.Errorf("Size says %d, reading gives %d bytes", c.Size(), len(b))
	}
	return b
}

func wantList(t *testing.T, s blob.Store, want ...blob.Info) {
	t.Helper()
	var got []blob.Info
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		got = append(got, info)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, wanted %v", what, err, want)
	}
}

func wantBytes(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes with digest %s, wanted %d bytes with digest %s", what, len(got), RefOf(got), len(want),
			RefOf(want))
	}
}

func done(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
