// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"os"
	"path/filepath"

	"landed/server/store"
)

// Backup copies both files of the database as they are on disk, and returns what puts them back; Reopen then starts on
// them.
func (r *Rooms) Backup() (restore func()) {
	r.T.Helper()
	old := map[string][]byte{}
	r.Shut()
	control := filepath.Join(r.Dir, "landed.db")
	for _, name := range []string{control, store.ReportsFile(control)} {
		old[name] = OK(os.ReadFile(name))(r.T)
	}
	r.Reopen()
	return func() {
		r.T.Helper()
		r.Shut()
		for name, text := range old {
			os.Remove(name + "-wal")
			os.Remove(name + "-shm")
			if err := os.WriteFile(name, text, 0o600); err != nil {
				r.T.Fatal(err)
			}
		}
	}
}
