// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
)

// Copy writes a consistent copy of the database, as of one moment, to a file that does not exist yet. Writers go on
// meanwhile.
func (d *DB) Copy(ctx context.Context, path string) error {
	var n int
	var name, own string
	if err := d.readers.QueryRowContext(ctx, `PRAGMA database_list`).Scan(&n, &name, &own); err != nil {
		return kind(err)
	}
	from := url.URL{Scheme: "file", Path: filepath.ToSlash(own), RawQuery: "_pragma=busy_timeout(5000)"}
	db, err := sql.Open("sqlite", from.String())
	if err != nil {
		return kind(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return fmt.Errorf("copy the database: %w", kind(err))
	}
	return nil
}
