// SPDX-License-Identifier: Apache-2.0

//go:build unix

package repo

import (
	"os"
	"path/filepath"
	"syscall"
)

// lock keeps other processes from writing the folder. The kernel lets go of it when the
// process ends, however it ends.
func (f folder) lock() (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(f.dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil
}
