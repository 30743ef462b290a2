// SPDX-License-Identifier: Apache-2.0

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package disk

import "os"

// lock has nothing to ask here. Let one process at a time use the folder.
func lock(*os.File) bool { return true }

// syncFolder does nothing: these systems have no fsync of a folder.
func syncFolder(*os.File) error { return nil }
