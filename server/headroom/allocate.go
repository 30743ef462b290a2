// SPDX-License-Identifier: Apache-2.0

package headroom

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
)

// allocate makes a file at path whose blocks are really taken, or leaves nothing there.
func allocate(path string, size int64) (err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // one of another size
	}
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err == nil {
			err = os.Rename(temp, path)
		}
		if err != nil {
			_ = os.Remove(temp) // it holds nothing
		}
	}()
	if err := fallocate(f, size); !errors.Is(err, errors.ErrUnsupported) {
		return errors.Join(err, f.Sync())
	}
	// A disk that compresses or leaves out zeros would keep nothing free.
	noise := rand.NewChaCha8([32]byte{})
	_, err = io.CopyN(f, noise, size)
	return errors.Join(err, f.Sync())
}
