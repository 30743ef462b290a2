// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql"
	"errors"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"landed/server/fleet"
	"landed/server/store/rows"
)

const (
	codeDamaged = "database_damaged"
	codeDisk    = "database_disk"
)

const fullDisk = "the disk of the database is full, so this was not written; make room, then send it again"

// kind turns an error of the driver into one of fleet's kinds, by its code
// (sqlite.org/rescode.html), never by its text. Other errors stay as they are.
func kind(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return rows.ErrNoRows
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	wrap := func(k fleet.ErrorKind, code, words string) error {
		return &fleet.Error{Kind: k, Code: code, Msg: words, Err: err}
	}
	switch e.Code() {
	case codes.SQLITE_IOERR_SHMSIZE: // the index of the WAL found no room
		return wrap(fleet.NoSpace, "disk_full", fullDisk)
	case codes.SQLITE_CONSTRAINT_UNIQUE, codes.SQLITE_CONSTRAINT_PRIMARYKEY, codes.SQLITE_CONSTRAINT_ROWID:
		return wrap(fleet.Conflict, "exists", "something with this name or content is there already")
	}
	switch e.Code() & 0xff { // the primary code
	case codes.SQLITE_FULL:
		return wrap(fleet.NoSpace, "disk_full", fullDisk)
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED:
		return wrap(fleet.Busy, "database_busy", "another process writes to the database; try again in a moment")
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return wrap(fleet.Damaged, codeDamaged, "a file of the database is damaged or no SQLite database; restore "+
			"it from a backup")
	case codes.SQLITE_IOERR:
		return wrap(fleet.Damaged, codeDisk, "the disk of the database answers with a fault; look at the disk, and "+
			"at the log of its machine")
	case codes.SQLITE_READONLY:
		return wrap(fleet.Forbidden, "read_only", "the database cannot be written here: a View, a read-only "+
			"file or a read-only disk")
	}
	return err
}
