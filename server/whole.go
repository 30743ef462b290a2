// SPDX-License-Identifier: Apache-2.0

package server

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteWhole makes a file appear at path with all of text, durably, or leaves what was there: others wait
// for such files, and read them as soon as they are there. What is no regular file, such as a pipe, is
// just written to.
func WriteWhole(path string, text []byte, mode fs.FileMode) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, text, mode)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return moveTo(tmp.Name(), path)
}

// moveTo gives a file or folder its name in one step, durably.
func moveTo(from, path string) error {
	if err := os.Rename(from, path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil // it has its name; a folder that cannot be opened cannot be synced
	}
	_ = folder.Sync() // not every system can
	return folder.Close()
}
