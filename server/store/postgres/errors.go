// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// codeUnsure is of an Update whose commit may have happened.
const codeUnsure = "database_unsure"

// codeMoved is raised by the triggers of a database that was moved (copying.go).
const codeMoved = "LD001"

const busy = "the database is busy or begins anew; try again in a moment"

// kinds are what codes mean (postgresql.org/docs/current/errcodes-appendix.html). A class of codes has its first two
// letters.
var kinds = map[string]struct {
	kind        fleet.ErrorKind
	code, words string
}{
	"23505": {fleet.Conflict, "exists", "something with this name or content is there already"},
	"53100": {fleet.NoSpace, "disk_full", "the disk of the database is full, so this was not written; make room, then send it again"},
	"25006": {fleet.Forbidden, "read_only", "the database cannot be written here: a View, or a standby"},
	"LD001": {fleet.Forbidden, "database_moved", "this fleet was moved to another database by otad copy; serve it from there"},
	"22021": {fleet.Invalid, "text_refused", "the text has a byte that is none of UTF-8, or a zero"},
	"40001": {fleet.Busy, "database_busy", busy},
	"40P01": {fleet.Busy, "database_busy", busy},
	"55P03": {fleet.Busy, "database_busy", busy},
	"57014": {fleet.Busy, "database_busy", busy}, // a statement that took too long, or that somebody cancelled
	"57P":   {fleet.Busy, "database_busy", busy},
	"53":    {fleet.Busy, "database_busy", "the database has no room for more: connections, memory or locks; try again in a moment"},
	"08":    {fleet.Busy, "database_gone", "the database cannot be reached; try again in a moment"},
	"25P03": {fleet.Busy, "database_busy", busy}, // this server was slow
	"0A000": {fleet.Busy, "database_busy", busy}, // a migration changed a table beneath a prepared statement
	"XX001": {fleet.Damaged, "database_damaged", "the database is damaged; restore it from a backup"},
	"XX002": {fleet.Damaged, "database_damaged", "an index of the database is damaged; REINDEX it, and look for the cause"},
	"58030": {fleet.Damaged, "database_disk", "the disk of the database answers with a fault; look at the disk, and at the log of " +
		"its machine"},
}

// kind turns an error of the driver into one of fleet's kinds, by its SQLSTATE, never by its text. Other errors stay as
// they are.
func kind(err error) error {
	if err == nil {
		return nil
	}
	if _, is := errors.AsType[*fleet.Error](err); is || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return rows.ErrNoRows
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		for _, code := range []string{e.Code, e.Code[:min(3, len(e.Code))], e.Code[:min(2, len(e.Code))]} {
			if k, ok := kinds[code]; ok {
				return &fleet.Error{Kind: k.kind, Code: k.code, Msg: k.words, Err: err}
			}
		}
		return err
	}
	if gone(err) {
		k := kinds["08"]
		return &fleet.Error{Kind: k.kind, Code: k.code, Msg: k.words, Err: err}
	}
	return err
}

// gone says if the connection is, or was never made.
func gone(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || network || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, pgconn.ErrConnClosed)
}

// again says if a transaction that met err may go better from its start.
func again(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01" || e.Code == "0A000")
}
