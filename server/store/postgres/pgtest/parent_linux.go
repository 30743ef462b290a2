// SPDX-License-Identifier: Apache-2.0

package pgtest

import "syscall"

// endWithParent has the system end a server whose test was killed.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGQUIT }

// memory is a folder that lies in memory, where a test need not wait for a disk; "" if there is none, or no room in it.
func memory() string {
	const folder, enough = "/dev/shm", 1 << 30
	var at syscall.Statfs_t
	if err := syscall.Statfs(folder, &at); err != nil || int64(at.Bavail)*int64(at.Bsize) < enough {
		return ""
	}
	return folder
}
