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
	"landed/server/store/rows"
)

// Integrity lists in words what is wrong with the files themselves: SQLite's own check of every page and index (quick
// leaves the indexes out), and the tables, indexes and triggers that are not those that this program makes.
func (d *DB) Integrity(ctx context.Context, quick bool) (faults []string, err error) {
	faults, err = d.control.integrity(ctx, "the database file", ofControl, quick)
	if err != nil {
		return faults, err
	}
	reports, err := d.reports.get(ctx)
	if fleet.Is(err, fleet.Damaged) {
		return append(faults, fleet.InOneLine(err)), nil
	}
	if err != nil {
		return faults, err
	}
	more, err := reports.integrity(ctx, "the file of the reports", ofReports, quick)
	return append(faults, more...), err
}

func (h *half) integrity(ctx context.Context, name, of string, quick bool) (faults []string, err error) {
	pragma := `PRAGMA integrity_check(100)`
	if quick {
		pragma = `PRAGMA quick_check(100)`
	}
	checked, err := h.readers.QueryContext(ctx, pragma)
	words, err := collect(checked, kind(err), func(scan func(...any) error) (s string, err error) { return s, scan(&s) })
	if fleet.Is(err, fleet.Damaged) { // so damaged that it cannot be read to its end
		return []string{name + " is damaged: " + err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, w := range words {
		if w != "ok" {
			faults = append(faults, name+" is damaged: "+w+"; restore it from a backup")
		}
	}
	if len(faults) > 0 {
		return faults, nil
	}
	version, known, err := h.newer(ctx, of)
	switch {
	case err != nil:
		return nil, err
	case version > 0 && quick: // beside a newer program nothing is wrong with that
		return nil, nil
	case version > 0:
		return []string{name + ": " + fleet.InOneLine(rows.Newer(version, known))}, nil
	}
	return h.checkSchema(ctx, name, of)
}

// fresh are the schemas of files that were made afresh, by half.
var fresh = map[string]func() (map[string]string, error){
	ofControl: sync.OnceValues(func() (map[string]string, error) {
		return freshSchema(ofControl, hooks{after: backfills[ofControl], end: recordAll(nil)})
	}),
	ofReports: sync.OnceValues(func() (map[string]string, error) { return freshSchema(ofReports, hooks{after: backfills[ofReports]}) }),
}

func freshSchema(of string, h hooks) (map[string]string, error) {
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
	all, err := migrations(migrationFiles, of)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, conn, all, len(all), func() time.Time { return time.Time{} }, h); err != nil {
		return nil, err
	}
	return schema(conn.QueryContext(ctx, schemaQuery))
}

// checkSchema holds the schema against a fresh one.
func (h *half) checkSchema(ctx context.Context, name, of string) (faults []string, err error) {
	made, err := fresh[of]()
	if err != nil {
		return nil, err
	}
	wanted := maps.Clone(made)
	found, err := schema(h.readers.QueryContext(ctx, schemaQuery))
	if err != nil {
		return nil, err
	}
	moved(found, wanted)
	for what, text := range wanted {
		if found[what] != text {
			faults = append(faults, fmt.Sprintf("the schema of %s: %s is missing, or not as this program made it; restore it, or "+
				"find out who wrote to it", name, what))
		}
		delete(found, what)
	}
	for what := range found {
		faults = append(faults, fmt.Sprintf("the schema of %s: %s is none of this program; find out who made it", name, what))
	}
	return faults, nil
}

// schemaQuery leaves out schema_migrations, which older programs made in other words: what it says is checked whenever
// a database is opened.
const schemaQuery = `SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master
	WHERE NOT (type IN ('table', 'index') AND name GLOB 'sqlite_*') AND NOT (type = 'table' AND name = 'schema_migrations')`

func schema(of *sql.Rows, err error) (map[string]string, error) {
	all := map[string]string{}
	if err != nil {
		return nil, kind(err)
	}
	err = rows.Each(found{Rows: of}, nil, func(one rows.Rows) error {
		var name, text string
		err := one.Scan(&name, &text)
		all[name] = text
		return err
	})
	return all, err
}
