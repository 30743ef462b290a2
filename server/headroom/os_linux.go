// SPDX-License-Identifier: Apache-2.0

package headroom

import (
	"errors"
	"os"
	"syscall"
)

// spaceOf asks the system for the room of the file system that holds dir.
func spaceOf(dir string) (Space, error) {
	var s syscall.Statfs_t
	for {
		err := syscall.Statfs(dir, &s)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return Space{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
		}
		return Space{Free: int64(s.Bavail) * s.Bsize, Total: int64(s.Blocks) * s.Bsize}, nil
	}
}

// fallocate takes the blocks of a file: errors.ErrUnsupported if its file system has no such thing.
func fallocate(f *os.File, size int64) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS):
			return errors.ErrUnsupported
		}
		return err
	}
}
