// SPDX-License-Identifier: Apache-2.0

//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package durable

import "os"

// flock has nothing to ask here. That one process at a time uses a folder is its operator's part.
func flock(*os.File, bool) error { return nil }

// syncFolder does nothing: these systems have no flush of a folder.
func syncFolder(*os.File) error { return nil }
