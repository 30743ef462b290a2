// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"errors"
	"fmt"
	"io/fs"

	"landed/internal/durable"
)

// Batch puts several files in place, all or none as far as a disk can: see durable.Batch. Its faults are
// in words for the person who signs.
type Batch struct{ files durable.Batch }

// New adds a file that must not exist (fs.ErrExist).
func (b *Batch) New(path string, content []byte, mode fs.FileMode) error {
	return writeError(path, b.files.New(path, content, mode))
}

// Replace adds a file that may exist.
func (b *Batch) Replace(path string, content []byte, mode fs.FileMode) error {
	return writeError(path, b.files.Replace(path, content, mode))
}

// Commit puts the files in place. If it fails, new files that are in place already are removed
// again.
func (b *Batch) Commit() error {
	err := b.files.Commit()
	if cause, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrExist) {
		return exists(cause.Path)
	}
	return err
}

// Discard removes what was written and not put in place. It may follow Commit.
func (b *Batch) Discard() { b.files.Discard() }

func writeError(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist):
		return exists(path)
	}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	return fmt.Errorf("%s cannot be written, so nothing was changed: %w", path, err)
}

func exists(path string) error {
	return fmt.Errorf("%s is there already, and is never overwritten; "+
		"move it away, or choose another name: %w", path, fs.ErrExist)
}

// Replace writes a file whether it exists or not: whole, durable, or as it was before.
func Replace(path string, content []byte, mode fs.FileMode) error {
	return writeError(path, durable.WriteFile(path, content, mode))
}
