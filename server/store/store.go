// SPDX-License-Identifier: Apache-2.0

// Package store opens the database in which the fleet is kept.
//
// Parties: package server and the tests open a Database; the flows know the contracts of server/fleet alone.
// It promises one set of contracts whatever the database is: storetest holds each against them. It refuses addresses
// of databases that it does not know.
package store

import (
	"context"
	"strings"
	"time"

	"landed/server/fleet"
	"landed/server/store/postgres"
	"landed/server/store/rows"
	"landed/server/store/sqlite"
)

// Database is an open database.
type Database interface {
	fleet.Store
	// Ready says if the control half answers, and if a write reaches its disk. It waits for its turn as long as ctx does.
	Ready(ctx context.Context) error
	// ReportsReady says the same of the reports; Damaged if they are missing or were found to be damaged lately. The
	// control half works without.
	ReportsReady(ctx context.Context) error
	// Committers is how many calls of Intake are at work at once, to some avail; the rest queues.
	Committers() int
	// Version is a number that stays the same while nothing was committed, by whichever process, and is another one once
	// something was. It says nothing else: other numbers may also mean that nothing changed.
	Version(ctx context.Context) (int64, error)
	// Recount computes every maintained figure again and lists in words where what is kept differs. It reads
	// everything: it is for a checker and for tests.
	Recount(ctx context.Context) (differences []string, err error)
	// Integrity lists in words what is wrong with the files and their schemas; quick leaves the dear half out.
	Integrity(ctx context.Context, quick bool) (faults []string, err error)
	// CheckRecords lists in words the rows of the control half that another hand changed, and the records and lines of the
	// trail that another hand added.
	CheckRecords(ctx context.Context) (faults []string, err error)
	// Compact has up to limit of the reports that are sealed and came before a time take less room, the oldest first, and
	// says how many: 0 if none is left. Whoever reads them sees no difference. Writers wait for limit reports at most.
	Compact(ctx context.Context, before time.Time, limit int) (done int, err error)
	// Keyed says if records or lines of the trail carry MACs, by whatever key.
	Keyed(ctx context.Context) (bool, error)
	// RecordAnew has records and lines of the trail carry MACs by a key from now on, beginning with line and the rows that
	// are as they were recorded. It is for who starts a server, and may be called again.
	RecordAnew(ctx context.Context, k Key, line fleet.AuditEntry) error
	// Copy writes a consistent copy to a file that does not exist yet and its [ReportsFile], beside running writers. If the
	// reports cannot be read ([Unavailable]), the copy of control is there and whole all the same.
	Copy(ctx context.Context, path string) error
	// Close waits for running Updates. It may be called again; whatever else is called after it answers with an error.
	Close() error
}

// Key makes the MACs of records and of lines of the audit trail: 32 bytes, which all servers of a database share, and which
// are never in it.
type Key = rows.Key

// KeySize is the length of a Key.
const KeySize = rows.KeySize

// Option changes how a database is opened.
type Option = rows.Option

// WithKey has records and lines of the trail carry MACs. A database that has some is not written without their key
// ([CodeKeyMissing]).
func WithKey(k Key) Option { return rows.WithKey(k) }

// CodeKeyMissing is the code of that refusal.
const CodeKeyMissing = rows.CodeKeyMissing

// ReportsFile is where the reports lie of a database whose control file is at path.
func ReportsFile(path string) string { return sqlite.ReportsFile(path) }

// The codes of the error of a database that is not there, and of one whose reports are missing or damaged.
const (
	Missing     = sqlite.CodeMissing
	Unavailable = sqlite.CodeUnavailable
)

// BeginReports makes an empty file of the reports beside the control file at path, where none is. No program may have the
// database open.
func BeginReports(ctx context.Context, path string, now func() time.Time) error {
	return sqlite.BeginReports(ctx, path, now)
}

// Open opens the database at an address and brings its schema up to date; now stamps the migrations. An address is the path
// of the SQLite file of control, with or without "sqlite:" before it; the reports lie beside it, and it opens whatever became
// of these: ReportsReady tells. A file that is not there is refused with the code [Missing]: nothing is made in its place. Or
// it is the URL of a PostgreSQL database, postgres://…, and after a space that of another one for the reports. Options may be
// left out: WithKey.
func Open(ctx context.Context, address string, now func() time.Time, options ...Option) (Database, error) {
	return opened(ctx, address, now, sqlite.Open, options)
}

// Make is Open, and makes the database if there is none. It is for who begins one: otad init, and tests.
func Make(ctx context.Context, address string, now func() time.Time, options ...Option) (Database, error) {
	return opened(ctx, address, now, sqlite.Make, options)
}

func opened(ctx context.Context, address string, now func() time.Time,
	open func(context.Context, string, func() time.Time, ...rows.Option) (*sqlite.DB, error), options []Option,
) (Database, error) {
	scheme, _, ok := strings.Cut(address, "://")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		db, err := postgres.Open(ctx, address, now, options...)
		if err != nil {
			return nil, err // not a Database that holds nil
		}
		return db, nil
	case ok && len(scheme) < 20:
		return nil, fleet.Errorf(fleet.Invalid, "database_address",
			"a database %s:// is not known here; wanted the path of an SQLite file, or postgres://user@host/name", scheme)
	}
	db, err := open(ctx, strings.TrimPrefix(address, "sqlite:"), now, options...)
	if err != nil {
		return nil, err
	}
	return db, nil
}

// OnServer says if an address is of a database that a server of its own keeps, not a file.
func OnServer(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}
