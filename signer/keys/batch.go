// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Batch puts several files in place, all or none as far as a disk can: each is written beside its
// place first, durably, so that a full disk is met before anything has changed. Commit then only
// renames, in the order in which the files were added.
type Batch struct{ waiting []waiting }

type waiting struct {
	temp, path string
	isNew      bool
}

// New adds a file that must not exist (fs.ErrExist).
func (b *Batch) New(path string, content []byte, mode fs.FileMode) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return exists(path, err)
	}
	return b.add(path, content, mode, true)
}

// Replace adds a file that may exist.
func (b *Batch) Replace(path string, content []byte, mode fs.FileMode) error {
	return b.add(path, content, mode, false)
}

func (b *Batch) add(path string, content []byte, mode fs.FileMode, isNew bool) error {
	temp, err := stage(path, content, mode)
	if err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = cause.Err // the name of the file beside it tells nobody anything
		}
		return fmt.Errorf("%s cannot be written, so nothing was changed: %w", path, err)
	}
	b.waiting = append(b.waiting, waiting{temp, path, isNew})
	return nil
}

// Commit puts the files in place. If it fails, new files that are in place already are removed
// again.
func (b *Batch) Commit() error {
	defer b.Discard()
	var placed []string
	for i, w := range b.waiting {
		err := w.place()
		if err != nil {
			for _, path := range placed {
				err = errors.Join(err, os.Remove(path))
			}
			return err
		}
		if w.isNew {
			placed = append(placed, w.path)
		}
		b.waiting[i].temp = ""
	}
	var faults []error
	seen := map[string]bool{}
	for _, w := range b.waiting {
		if dir := filepath.Dir(w.path); !seen[dir] {
			seen[dir] = true
			faults = append(faults, syncFolder(dir))
		}
	}
	return errors.Join(faults...)
}

func (w waiting) place() error {
	if !w.isNew {
		return os.Rename(w.temp, w.path)
	}
	if err := os.Link(w.temp, w.path); err != nil { // unlike a rename, a link never replaces
		return exists(w.path, err)
	}
	return os.Remove(w.temp)
}

func exists(path string, err error) error {
	if err == nil || errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and is never overwritten; move it away, or choose another name: %w", path, fs.ErrExist)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Discard removes what was written and not put in place. It may follow Commit.
func (b *Batch) Discard() {
	for _, w := range b.waiting {
		if w.temp != "" {
			_ = os.Remove(w.temp)
		}
	}
	b.waiting = nil
}

// Replace writes a file whether it exists or not: whole, durable, or as it was before.
func Replace(path string, content []byte, mode fs.FileMode) error {
	var b Batch
	if err := b.Replace(path, content, mode); err != nil {
		return err
	}
	return b.Commit()
}

func stage(path string, content []byte, mode fs.FileMode) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
