// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
)

// Temp is the half of a draft that all stores share: bytes appended to a local file, and read back.
// One goroutine writes; any number may read meanwhile.
type Temp struct {
	File    *os.File
	size    atomic.Int64
	spoiled error
	closed  atomic.Bool
}

// Write appends p. After a failure the bytes of the file and those that the caller hashed may differ,
// so every later call, and Usable, answers with the first failure.
func (t *Temp) Write(p []byte) (int, error) {
	if err := t.Usable(); err != nil {
		return 0, err
	}
	n, err := t.File.Write(p)
	t.size.Add(int64(n))
	if err != nil {
		return n, t.Spoil(fmt.Errorf("write draft: %w", WithNoSpace(err)))
	}
	return n, nil
}

// ReadAt reads back what was written.
func (t *Temp) ReadAt(p []byte, off int64) (int, error) {
	if t.closed.Load() {
		return 0, ErrClosed
	}
	return t.File.ReadAt(p, off)
}

// Size is the number of bytes written.
func (t *Temp) Size() int64 { return t.size.Load() }

// Usable is nil as long as the draft can be written and committed.
func (t *Temp) Usable() error {
	if t.closed.Load() {
		return ErrClosed
	}
	return t.spoiled
}

// Spoil notes that the bytes of the file cannot be relied on any more, and returns err.
func (t *Temp) Spoil(err error) error {
	t.spoiled = err
	return err
}

// Close closes the file, once; done says whether it was this call that did.
func (t *Temp) Close() (done bool, err error) {
	if t.closed.Swap(true) {
		return false, nil
	}
	return true, t.File.Close()
}

// WithNoSpace adds [ErrNoSpace] to an error that says, by its number, that a disk or a quota is full.
func WithNoSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w (%w)", ErrNoSpace, err)
	}
	return err
}
