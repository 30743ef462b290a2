// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// Integrity implements store.Database: tables, indexes and triggers that are not those that this program makes, and what
// PostgreSQL has found wrong with its pages. Unless it is quick, every index is checked if the extension amcheck is there.
func (d *DB) Integrity(ctx context.Context, quick bool) (faults []string, err error) {
	for _, h := range []*half{d.control, d.reports} {
		found, err := h.integrity(ctx, quick)
		faults = append(faults, found...)
		if fleet.Is(err, fleet.Damaged) {
			faults = append(faults, fmt.Sprintf("schema %s: %s", schemaOf(h.of), fleet.InOneLine(err)))
			continue
		}
		if err != nil {
			return faults, err
		}
	}
	return faults, nil
}

func (h *half) integrity(ctx context.Context, quick bool) (faults []string, err error) {
	conn, t, err := begin(ctx, h.readers, beginReading)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	defer rollback(t)
	version, known, err := newer(ctx, t, h.of)
	switch {
	case err != nil:
		return nil, err
	case version == 0:
		if faults, err = h.checkSchema(ctx, t); err != nil {
			return nil, err
		}
	case !quick: // beside a newer program nothing is wrong with that, but nobody here can check it
		faults = []string{fmt.Sprintf("the schema %s: %s", schemaOf(h.of), fleet.InOneLine(rows.Newer(version, known)))}
	}
	var broken int64
	if err := t.QueryRow(ctx, `SELECT coalesce(sum(checksum_failures), 0)::bigint FROM pg_stat_database
		WHERE datname = current_database()`).Scan(&broken); err != nil {
		return faults, kind(err)
	}
	if broken > 0 {
		faults = append(faults, fmt.Sprintf("%d pages of the database %s were read with a wrong checksum; restore it from a backup",
			broken, h.where))
	}
	if quick {
		return faults, nil
	}
	more, err := h.checkIndexes(ctx)
	return append(faults, more...), err
}

// checkSchema holds the schema against a fresh one.
func (h *half) checkSchema(ctx context.Context, t pgx.Tx) (faults []string, err error) {
	found, err := describe(ctx, t, schemaOf(h.of))
	if err != nil {
		return nil, err
	}
	_, moved := found["function moved"]
	wanted, err := h.fresh(ctx, moved)
	if err != nil {
		return nil, err
	}
	for _, what := range slices.Sorted(maps.Keys(wanted)) {
		if found[what] != wanted[what] {
			faults = append(faults, fmt.Sprintf("the schema %s: %s is missing, or not as this program made it; restore it, or "+
				"find out who wrote to it", schemaOf(h.of), what))
		}
		delete(found, what)
	}
	for _, what := range slices.Sorted(maps.Keys(found)) {
		faults = append(faults, fmt.Sprintf("the schema %s: %s is none of this program; find out who made it", schemaOf(h.of), what))
	}
	return faults, nil
}

// fresh describes a schema that is made anew, in a transaction that never happens: as it is once the fleet was moved, if so.
func (h *half) fresh(ctx context.Context, moved bool) (map[string]string, error) {
	all, err := rows.Migrations(migrationFiles, h.of)
	if err != nil {
		return nil, err
	}
	conn, t, err := begin(ctx, h.writers, beginWriting)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	defer rollback(t)
	schema := fmt.Sprintf("%s_fresh_%d", schemaOf(h.of), conn.Conn().PgConn().PID())
	texts := []string{`CREATE SCHEMA ` + schema, `SET LOCAL search_path = ` + schema}
	for _, m := range all {
		texts = append(texts, m.Text)
	}
	for _, text := range texts {
		if _, err := t.Exec(ctx, text); err != nil {
			return nil, fmt.Errorf("make a fresh schema to compare with (the user needs CREATE on the database for it): %w", kind(err))
		}
	}
	made, err := describe(ctx, t, schema)
	if err != nil || !moved {
		return made, err
	}
	var tables []string
	for what := range made {
		if table, is := strings.CutPrefix(what, "table "); is && table != "probe" {
			tables = append(tables, table)
		}
	}
	for _, text := range shutting(tables) {
		if _, err := t.Exec(ctx, text); err != nil {
			return nil, kind(err)
		}
	}
	return describe(ctx, t, schema)
}

// describe has the columns of each table, the indexes, constraints, triggers and functions of a schema, in words in which
// the schema has no name. It leaves out schema_migrations, which is checked whenever a database is opened.
func describe(ctx context.Context, t pgx.Tx, schema string) (map[string]string, error) {
	found, err := t.Query(ctx, `
		SELECT 'table ' || c.relname, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
			|| ' ' || a.attidentity::text || ' ' || coalesce(l.collname, '') || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), ''), ', '
			ORDER BY a.attnum)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
		WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname <> 'schema_migrations'
		GROUP BY c.relname
		UNION ALL
		SELECT 'index ' || c.relname, pg_get_indexdef(c.oid) || i.indisvalid FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
		JOIN pg_class r ON r.oid = i.indrelid AND r.relname <> 'schema_migrations' WHERE c.relnamespace = $1::text::regnamespace
		UNION ALL
		SELECT 'constraint ' || o.conname, pg_get_constraintdef(o.oid) || o.convalidated FROM pg_constraint o
		JOIN pg_class c ON c.oid = o.conrelid AND c.relname <> 'schema_migrations' WHERE o.connamespace = $1::text::regnamespace
		UNION ALL
		SELECT 'trigger ' || g.tgname || ' on ' || c.relname, pg_get_triggerdef(g.oid) || g.tgenabled::text FROM pg_trigger g
		JOIN pg_class c ON c.oid = g.tgrelid WHERE c.relnamespace = $1::text::regnamespace AND NOT g.tgisinternal
		UNION ALL
		SELECT 'rule ' || w.rulename || ' on ' || c.relname, pg_get_ruledef(w.oid) FROM pg_rewrite w
		JOIN pg_class c ON c.oid = w.ev_class WHERE c.relnamespace = $1::text::regnamespace
		UNION ALL
		SELECT 'function ' || p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
		WHERE p.pronamespace = $1::text::regnamespace AND p.prokind IN ('f', 'p')`, schema)
	if err != nil {
		return nil, kind(err)
	}
	all := map[string]string{}
	var what, words string
	_, err = pgx.ForEachRow(found, []any{&what, &words}, func() error {
		all[what] = without(words, schema)
		return nil
	})
	return all, kind(err)
}

// checkIndexes has amcheck hold every index against its table. Without the extension nothing is checked.
func (h *half) checkIndexes(ctx context.Context) (faults []string, err error) {
	conn, t, err := begin(ctx, h.readers, beginReading)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	defer rollback(t)
	var schema string
	err = t.QueryRow(ctx, `SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
		WHERE e.extname = 'amcheck'`).Scan(&schema)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, kind(err)
	}
	_, err = t.Exec(ctx, `SELECT `+pgx.Identifier{schema}.Sanitize()+`.bt_index_check(c.oid, true) FROM pg_class c
		JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
		WHERE c.relkind = 'i' AND c.relnamespace = $1::text::regnamespace`, schemaOf(h.of))
	e, refused := errors.AsType[*pgconn.PgError](err)
	switch {
	case refused && e.Code == "42501": // who looks may not; that is no fault of an index
		return nil, nil
	case refused && e.Code[:2] == "XX":
		return []string{fmt.Sprintf("schema %s: %s; REINDEX it, and look for the cause", schemaOf(h.of), e.Message)}, nil
	}
	return nil, kind(err)
}

// without takes the name of the schema out of words.
func without(words, schema string) string { return strings.ReplaceAll(words, schema+".", "") }
