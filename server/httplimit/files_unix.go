// SPDX-License-Identifier: Apache-2.0

//go:build unix

package httplimit

import "syscall"

// OpenFiles raises the number of files that this process may have open as far as the system lets it, and returns
// it. ok is false if it is not known.
func OpenFiles() (n uint64, ok bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	if raised := r; r.Cur < r.Max {
		raised.Cur = r.Max
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			r = raised
		}
	}
	return uint64(r.Cur), true
}
