// SPDX-License-Identifier: Apache-2.0

package blob

import "errors"

// The errors that callers branch on, with errors.Is. Everything else a store returns is a fault of
// the disk, the network or the set-up, and is for the log.
var (
	// ErrNotFound: the store has no content of that ref.
	ErrNotFound = errors.New("content not found")

	// ErrBadRef: not 64 lower-case hex digits.
	ErrBadRef = errors.New("not a SHA-256 in lower-case hex")

	// ErrNoSpace: the disk, the quota or the bucket is full. Nothing that was committed is hurt.
	ErrNoSpace = errors.New("no space left for content; free some or enlarge the storage, then send it again")

	// ErrMismatch: bytes and digest do not belong together.
	ErrMismatch = errors.New("content does not match its digest")

	// ErrClosed: the draft was committed or aborted before.
	ErrClosed = errors.New("draft is already committed or aborted")
)
