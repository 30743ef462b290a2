// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Batch puts several files in place, all or none as far as a disk can: each is written beside its
// place first, durably, so that a full disk is met before anything has changed. Commit then only
// gives names, in the order in which the files were added. The zero Batch is ready for use.
type Batch struct{ waiting []waiting }

type waiting struct {
	file  *File
	path  string
	isNew bool
}

// New adds a file that must not exist: fs.ErrExist if it does, now or at Commit.
func (b *Batch) New(path string, content []byte, mode fs.FileMode) error {
	if _, err := os.Lstat(path); err == nil {
		return named(path, fs.ErrExist)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return b.add(path, content, mode, true)
}

// Replace adds a file that may exist.
func (b *Batch) Replace(path string, content []byte, mode fs.FileMode) error {
	return b.add(path, content, mode, false)
}

func (b *Batch) add(path string, content []byte, mode fs.FileMode, isNew bool) error {
	f, err := Create(filepath.Dir(path), mode)
	if err != nil {
		return named(path, err)
	}
	b.waiting = append(b.waiting, waiting{f, path, isNew})
	_, err = f.Write(content)
	if err := errors.Join(err, f.Seal()); err != nil {
		return named(path, err)
	}
	return nil
}

// Commit puts the files in place. If it fails, new files that are in place already are removed
// again; files that were replaced stay replaced. The batch is empty afterwards.
func (b *Batch) Commit() error {
	defer b.Discard()
	var placed []string
	for _, w := range b.waiting {
		place := w.file.Replace
		if w.isNew {
			place = w.file.Add
		}
		if err := place(filepath.Base(w.path)); err != nil {
			err = named(w.path, err)
			for _, path := range placed {
				err = errors.Join(err, os.Remove(path))
			}
			return err
		}
		if w.isNew {
			placed = append(placed, w.path)
		}
	}
	var faults []error
	seen := map[string]bool{}
	for _, w := range b.waiting {
		if dir := filepath.Dir(w.path); !seen[dir] {
			seen[dir] = true
			faults = append(faults, w.file.SyncFolder())
		}
	}
	return errors.Join(faults...)
}

// Discard removes what was written and not put in place. It may follow Commit.
func (b *Batch) Discard() {
	for _, w := range b.waiting {
		w.file.Discard()
	}
	b.waiting = nil
}
