// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"landed/internal/durable"
	"landed/server/fleet"
)

// BeginReports makes an empty file of the reports, whole, beside the control file at path. It refuses to replace one that
// is there. No program may have the database open.
func BeginReports(ctx context.Context, path string, now func() time.Time) (err error) {
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	to := ReportsFile(path)
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fleet.Errorf(fleet.Conflict, "reports_there", "%s is there already", to))
	}
	temp := to + ".new"
	if err := removeAll(temp, to+"-wal", to+"-shm"); err != nil {
		return err
	}
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeAll(temp)) }() // it is gone if it was renamed
	err = emptyReports(ctx, temp, now)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("make a file of reports: %w", err)
	}
	return durable.Rename(temp, to)
}

func emptyReports(ctx context.Context, path string, now func() time.Time) error {
	db, err := sql.Open("sqlite", address(path, "_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)"))
	if err != nil {
		return kind(err)
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return kind(err)
	}
	defer conn.Close()
	all, err := migrations(migrationFiles, ofReports)
	if err != nil {
		return err
	}
	return migrate(ctx, conn, all, len(all), now, hooks{after: backfills[ofReports]})
}
