// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import "syscall"

// narrow makes a client whose kernel takes little, so that its server cannot send what is not read. Segments as small as
// those of the narrowest path keep what the server's kernel sets aside for it small, too.
func narrow(_, _ string, c syscall.RawConn) (err error) {
	control := func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2048)
		if err == nil {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536)
		}
	}
	if err2 := c.Control(control); err2 != nil {
		return err2
	}
	return err
}
