// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"sync"
	"time"

	"landed/server/fleet"
)

// Integrity lists in words what is wrong with the file itself: SQLite's own check of every page and index (quick leaves
// the indexes out), and the tables, indexes and triggers that are not those that this program makes.
func (d *DB) Integrity(ctx context.Context, quick bool) (faults []string, err error) {
	pragma := `PRAGMA integrity_check(100)`
	if quick {
		pragma = `PRAGMA quick_check(100)`
	}
	rows, err := d.readers.QueryContext(ctx, pragma)
	words, err := collect(rows, kind(err), func(scan func(...any) error) (s string, err error) { return s, scan(&s) })
	if fleet.Is(err, fleet.Invalid) { // so damaged that it cannot be read to its end
		return []string{"the database file is damaged: " + err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, w := range words {
		if w != "ok" {
			faults = append(faults, "the database file is damaged: "+w+"; restore it from a backup")
		}
	}
	if len(faults) > 0 {
		return faults, nil
	}
	return d.checkSchema(ctx)
}

// freshSchema is that of a database which was made afresh.
var freshSchema = sync.OnceValues(func() (map[string]string, error) {
	ctx := context.Background()
	fresh, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, kind(err)
	}
	defer fresh.Close()
	conn, err := fresh.Conn(ctx)
	if err != nil {
		return nil, kind(err)
	}
	defer conn.Close()
	all, err := migrations(migrationFiles)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, conn, all, func() time.Time { return time.Time{} }); err != nil {
		return nil, err
	}
	return schema(conn.QueryContext(ctx, schemaQuery))
})

// checkSchema holds the schema against a fresh one.
func (d *DB) checkSchema(ctx context.Context) (faults []string, err error) {
	fresh, err := freshSchema()
	if err != nil {
		return nil, err
	}
	wanted := maps.Clone(fresh)
	found, err := schema(d.readers.QueryContext(ctx, schemaQuery))
	if err != nil {
		return nil, err
	}
	for name, text := range wanted {
		if found[name] != text {
			faults = append(faults, fmt.Sprintf("the schema of the database: %s is missing, or not as this program made it; "+
				"restore the database, or find out who wrote to it", name))
		}
		delete(found, name)
	}
	for name := range found {
		faults = append(faults, fmt.Sprintf("the schema of the database: %s is none of this program; find out who made it", name))
	}
	return faults, nil
}

// schemaQuery leaves out schema_migrations, which older programs made in other words: what it says is checked whenever
// a database is opened.
const schemaQuery = `SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master
	WHERE name NOT LIKE 'sqlite_%' AND name <> 'schema_migrations'`

func schema(rows *sql.Rows, err error) (map[string]string, error) {
	all := map[string]string{}
	err = each(rows, kind(err), func(rows *sql.Rows) error {
		var name, text string
		err := rows.Scan(&name, &text)
		all[name] = text
		return err
	})
	return all, err
}
