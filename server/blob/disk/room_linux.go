// SPDX-License-Identifier: Apache-2.0

package disk

import "syscall"

// Room is how many bytes the disk has left for this process, if that is known.
func (s *Store) Room() (n int64, known bool) {
	dir, err := s.root.Open(".")
	if err != nil {
		return 0, false
	}
	defer dir.Close()
	var fs syscall.Statfs_t
	if syscall.Fstatfs(int(dir.Fd()), &fs) != nil {
		return 0, false
	}
	return int64(fs.Bavail) * fs.Bsize, true
}
