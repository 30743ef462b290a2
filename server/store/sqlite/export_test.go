// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// OldFile makes the single file of a program whose newest migration had a number.
func OldFile(ctx context.Context, path string, number int) error {
	db, err := sql.Open("sqlite", address(path, pragmas))
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	all, err := migrations(migrationFiles, ofControl)
	if err != nil {
		return err
	}
	h := hooks{after: backfills[ofControl], end: recordAll(nil)}
	if number < 15 { // records came with it
		h.end = nil
	}
	return migrate(ctx, conn, all, number, func() time.Time { return time.Unix(1, 0) }, h)
}

// CopyCutOff does what Open does with a single file, and ends before that is committed.
func CopyCutOff(ctx context.Context, path string) error {
	return errors.Join(OldFile(ctx, path, 15), makeReports(ctx, path, func() time.Time { return time.Unix(1, 0) }))
}

// TryNow has the next use of the reports try to open them, however short ago it was tried.
func (d *DB) TryNow() { d.reports.tried = time.Time{} }
