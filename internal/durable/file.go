// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
)

// tempPrefix begins the names of files that have none of their own yet.
const tempPrefix = ".new-"

// File is a file without a name: it is written, then placed. One that is not placed leaves nothing.
// It is not safe for concurrent use.
type File struct {
	root   *os.Root
	owned  bool // root is closed by Discard
	dir    string
	temp   string // relative to root; "" once it was placed or discarded
	file   *os.File
	mode   fs.FileMode
	sealed bool
	err    error // of the first fault: what failed once cannot be placed
}

// Create begins a file that will get a name in dir, and mode whatever the umask. Discard must follow.
func Create(dir string, mode fs.FileMode) (*File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f, err := CreateIn(root, ".", mode)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	f.owned = true
	return f, nil
}

// CreateIn is Create for a folder below root, which stays open as long as the file is used.
func CreateIn(root *os.Root, dir string, mode fs.FileMode) (*File, error) {
	temp := path.Join(dir, tempPrefix+rand.Text())
	file, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &File{root: root, dir: dir, temp: temp, file: file, mode: mode}, nil
}

// Write implements io.Writer.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	return n, f.note(err)
}

// Seal makes the bytes durable; nothing can be written afterwards, and the file has no name yet.
// After a failed flush the kernel may have dropped pages and call the next one a success, so a file
// that failed stays failed.
func (f *File) Seal() error {
	if f.sealed || f.err != nil {
		return f.err
	}
	f.sealed = true
	return f.note(errors.Join(f.file.Chmod(f.mode), f.file.Sync(), f.file.Close()))
}

// Temp is where the bytes lie until they are placed, relative to the folder of Create or the root of
// CreateIn.
func (f *File) Temp() string { return f.temp }

// Replace seals the file and gives it a name in its folder, in place of what has that name. The name
// is durable after SyncFolder.
func (f *File) Replace(name string) error {
	if err := f.Seal(); err != nil {
		return err
	}
	if err := f.note(f.root.Rename(f.temp, path.Join(f.dir, name))); err != nil {
		return err
	}
	f.temp = ""
	return nil
}

// Add is Replace for a name that must be free: fs.ErrExist if it is taken. A hard link is used,
// because a rename would silently replace.
func (f *File) Add(name string) error {
	if err := f.Seal(); err != nil {
		return err
	}
	if err := f.root.Link(f.temp, path.Join(f.dir, name)); err != nil {
		return err // another name may be free
	}
	err := f.note(f.root.Remove(f.temp))
	f.temp = ""
	return err
}

// SyncFolder waits until the names in the file's folder are durable.
func (f *File) SyncFolder() error { return SyncFolderIn(f.root, f.dir) }

// Discard removes what was not placed, and lets go of everything. It may be called twice.
func (f *File) Discard() {
	if !f.sealed {
		f.sealed = true
		_ = f.file.Close()
		_ = f.note(fs.ErrClosed)
	}
	if f.temp != "" {
		_ = f.root.Remove(f.temp)
		f.temp = ""
	}
	if f.owned {
		f.owned = false
		_ = f.root.Close()
	}
}

func (f *File) note(err error) error {
	if f.err == nil {
		f.err = err
	}
	return err
}

// Sweep removes from a folder what writers that were cut off have left in it. It is for a folder
// that nobody else writes to at the time.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var faults []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix) && e.Type().IsRegular() {
			faults = append(faults, os.Remove(path.Join(dir, e.Name())))
		}
	}
	return errors.Join(faults...)
}
