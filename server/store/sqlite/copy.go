// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Copy writes a consistent copy of the database to a file that does not exist yet, and its reports to [ReportsFile] of
// that. Writers go on meanwhile. Each file is as of one moment, control as of the earlier one: then no head that is
// sealed in it speaks of a report that the other copy lacks. If the reports cannot be read, the copy of control is there and
// whole, and the error is that of the reports.
func (d *DB) Copy(ctx context.Context, path string) error {
	if err := vacuumInto(ctx, d.path, path); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	_, err := d.reports.get(ctx)
	if err == nil {
		err = d.reports.met(vacuumInto(ctx, d.reports.path, ReportsFile(path)))
	}
	if err != nil {
		return fmt.Errorf("copy the reports: %w", errors.Join(err, removeAll(ReportsFile(path))))
	}
	return nil
}

func vacuumInto(ctx context.Context, from, to string) error {
	db, err := sql.Open("sqlite", address(from, "_pragma=busy_timeout(5000)"))
	if err != nil {
		return kind(err)
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, to)
	return kind(err)
}
