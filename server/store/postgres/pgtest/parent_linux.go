// SPDX-License-Identifier: Apache-2.0

package pgtest

import "syscall"

// endWithParent has the system end a server whose test was killed.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGQUIT }
