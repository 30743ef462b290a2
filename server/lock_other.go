// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package server

// lock does nothing where there is no flock; that only one server uses a data folder is the
// operator's part there.
func lock(string) (unlock func() error, err error) { return func() error { return nil }, nil }
