// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"landed/internal/durable"
	"landed/server/fleet"
	"landed/server/store"
)

// addressFile names the database of a folder that has none itself: its address, and on a second line that of the reports
// if they lie elsewhere. Only its owner may read it: there may be a password in it.
const addressFile = "database"

// Address is where the database is, as store.Open takes it: what the file named database says, or that of the folder.
func (d Dir) Address() (string, error) {
	text, err := os.ReadFile(d.path(addressFile))
	if errors.Is(err, fs.ErrNotExist) {
		return d.Database(), nil
	}
	if err != nil {
		return "", err
	}
	lines := strings.Fields(string(text))
	for _, l := range lines {
		if !store.OnServer(l) {
			lines = nil
		}
	}
	if len(lines) == 0 || len(lines) > 2 {
		return "", fleet.Errorf(fleet.Invalid, "database_address", "%s does not name a database; wanted a line with "+
			"postgres://user@host/name, and a second one if the reports lie elsewhere", d.path(addressFile))
	}
	return strings.Join(lines, " "), nil
}

// keepAddress writes the file.
func (d Dir) keepAddress(address string) error {
	return durable.WriteFile(d.path(addressFile), []byte(strings.Join(strings.Fields(address), "\n")+"\n"), 0o600)
}

// onServer refuses, with what to do instead, what is only done with the files of SQLite.
func (d Dir) onServer(what string) error {
	address, err := d.Address()
	if err != nil || !store.OnServer(address) {
		return err
	}
	return fleet.Errorf(fleet.Unsupported, "database_copy", "%s works with a database in the data folder, and that of %s is on a "+
		"PostgreSQL server: keep what pg_dump -n landed_control -n landed_reports writes, or the archive of its log, and beside it "+
		"the folder itself with keys/ and feed/ (docs/operate/postgres.md)", what, d)
}
