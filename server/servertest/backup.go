// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"os"
	"path/filepath"
)

// Backup copies the database as it is on disk, and returns what puts that back; Reopen then starts on it.
func (r *Rooms) Backup() (restore func()) {
	r.T.Helper()
	name := filepath.Join(r.Dir, "landed.db")
	r.Shut()
	old := OK(os.ReadFile(name))(r.T)
	r.Reopen()
	return func() {
		r.T.Helper()
		r.Shut()
		os.Remove(name + "-wal")
		os.Remove(name + "-shm")
		if err := os.WriteFile(name, old, 0o600); err != nil {
			r.T.Fatal(err)
		}
	}
}
