// SPDX-License-Identifier: Apache-2.0

// Package blob is the contract for keeping packages and manifests: immutable content, found by the
// SHA-256 of its bytes. Package publish writes drafts and commits them; the feed reads; disk and s3
// keep the bytes; blobtest holds what every store must do.
//
// A store promises that content appears whole or not at all, that a committed content survives a
// crash of the process, and (on a disk that honours fsync) of the machine, and that content, once
// there, never changes.
//
// A store does not compute digests. The inspector reads every byte once and knows the digest at its
// end, and a second pass over gigabytes would halve the rate of an upload. So the caller of
// [Draft.Commit] owns the digest: a wrong one is stored under the wrong name without complaint, and
// [Verify], which a checker runs over a whole store, finds it.
package blob

import (
	"context"
	"io"
	"iter"
)

// Info is what a store knows of a content without reading it.
type Info struct {
	Ref  Ref
	Size int64 // bytes
}

// Store keeps immutable content under the SHA-256 of its bytes. All methods may be called from any
// number of goroutines. A Ref that is not 64 lower-case hex digits is answered with [ErrBadRef].
type Store interface {
	// Create begins a draft. Its bytes go to a temporary place: nothing is visible until Commit.
	// The context is only for the call itself. Every draft must be committed or aborted.
	Create(ctx context.Context) (Draft, error)

	// Open gives the content to read from any place in it, or [ErrNotFound]. What was opened can
	// be read to its end on a disk even if it is deleted meanwhile; elsewhere reading then fails.
	// The context holds until the content is closed.
	Open(ctx context.Context, ref Ref) (Content, error)

	// Stat gives the size of the content, or [ErrNotFound].
	Stat(ctx context.Context, ref Ref) (Info, error)

	// Delete removes the content. Deleting what is not there is a success.
	Delete(ctx context.Context, ref Ref) error

	// List yields all committed contents in ascending order of Ref, and no draft. Content that is
	// committed or deleted while the list runs may or may not be in it. An error ends the list.
	List(ctx context.Context) iter.Seq2[Info, error]
}

// Content is an opened content. ReadAt may be called from many goroutines; Read and Seek share one
// place and may not. The content of a disk store is also a [syscall.Conn], which is how net/http
// finds out that it can use sendfile: hand it to http.ServeContent as it is. A wrapper costs four
// times the CPU.
type Content interface {
	io.ReadSeekCloser
	io.ReaderAt
	Size() int64 // bytes
}

// Draft is content on its way in: written once, from start to end, by one goroutine. It can be read
// back at any place, before and while more is written, and is then committed under the digest that
// the caller computed, or aborted.
type Draft interface {
	// Write appends. A failed write spoils the draft: it can only be aborted. A full disk is
	// [ErrNoSpace].
	io.Writer
	// ReadAt reads what has been written so far, and io.EOF beyond that.
	io.ReaderAt
	// Size is the number of bytes written so far.
	Size() int64

	// Commit makes the draft visible as ref. When it returns without error the content is durable.
	// If content of the same ref and size is there already, that is a success, and the old bytes
	// stay; if it has another size then one of the two is not what its name says, and Commit
	// answers [ErrMismatch] and changes nothing. The caller owns the digest: see the package
	// comment. After ErrMismatch, ErrBadRef or the end of the context the draft is as it was, and
	// Commit may be tried again. After any other error begin anew if Commit fails twice: a draft
	// that the disk has spoiled keeps answering with the first failure.
	Commit(ctx context.Context, ref Ref) (Info, error)

	// Abort throws the draft away. It may be called again, and after Commit does nothing: so
	// "defer d.Abort()" is the way to hold a draft.
	Abort() error
}

// Linker is a Store whose contents are local files.
type Linker interface {
	// LinkTo makes the content appear at path, a file name outside the store, without copying, so
	// that a plain file server can serve it. The folder of path must exist and be on the same
	// file system as the store ([errors.ErrUnsupported] if it is not). What was at path before is
	// replaced in one step; linking twice is a success. The file must never be written to, as its
	// bytes are those of the store. It outlives a Delete of the content.
	LinkTo(ctx context.Context, ref Ref, path string) error
}
