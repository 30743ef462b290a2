// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package repo

// lock does nothing where there is no flock: run one server per data folder.
func (f folder) lock() (unlock func(), err error) { return func() {}, nil }
