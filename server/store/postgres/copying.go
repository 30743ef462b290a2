// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// Whole is a database that is copied, or into which one is. It implements rows.Movable.
type Whole struct{ *DB }

var _ rows.Movable = Whole{}

func (d Whole) half(of rows.Half) *half {
	if of == rows.Control {
		return d.control
	}
	return d.reports
}

// own are the tables that say how the schema was made, and that which only PostgreSQL has.
const own = `('schema_migrations', 'probe')`

// shard is the column of figures that only PostgreSQL has: they are read as their sums.
const shard = "shard"

// Key implements rows.Movable.
func (d Whole) Key() rows.Key { return *d.key.Load() }

// Tables implements rows.Movable.
func (d Whole) Tables(ctx context.Context, of rows.Half) (all []rows.Table, err error) {
	found, err := d.half(of).readers.Query(ctx, `SELECT c.relname,
		(SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
			AND NOT a.attisdropped),
		(SELECT array_agg(a.attname::text ORDER BY k.n) FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k (at, n), pg_attribute a
			WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.at)
		FROM pg_class c WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND c.relname NOT IN `+own+` ORDER BY c.relname`, schemaOf(string(of)))
	if err != nil {
		return nil, kind(err)
	}
	all, err = pgx.CollectRows(found, func(r pgx.CollectableRow) (t rows.Table, err error) {
		var columns, key []string
		err = r.Scan(&t.Name, &columns, &key)
		for _, c := range columns {
			if c != shard {
				t.Columns = append(t.Columns, c)
			}
		}
		for _, c := range key {
			if c != shard {
				t.Key = append(t.Key, c)
			}
		}
		if len(t.Columns) < len(columns) {
			t.From = summed(t)
		}
		return t, err
	})
	return all, kind(err)
}

// summed reads what is kept in shards: the column that is not of the key is the sum of theirs.
func summed(t rows.Table) string {
	key := `"` + strings.Join(t.Key, `", "`) + `"`
	return fmt.Sprintf(`(SELECT %s, sum(n)::bigint AS n FROM %s GROUP BY %s) AS summed`, key, t.Name, key)
}

// Read implements rows.Movable.
func (d Whole) Read(ctx context.Context, of rows.Half, fn func(rows.Querier) error) error {
	if d.closed.Load() {
		return errClosed
	}
	q := newLazy(ctx, d.half(of), d.half(of).readers, readOnly)
	defer q.end()
	return fn(q)
}

// Alone implements rows.Movable.
func (d Whole) Alone(ctx context.Context, of rows.Half, fn func(rows.Querier) error) error {
	return d.alone(ctx, d.half(of), func(sure context.Context, w *session) error {
		if _, err := w.Exec(sure, `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
			return err
		}
		return fn(w)
	})
}

// Freely implements rows.Movable.
func (d Whole) Freely(ctx context.Context, q rows.Querier, table string, fn func() error) error {
	w := q.(*session)
	name := pgx.Identifier{table}.Sanitize()
	if _, err := w.Exec(ctx, `ALTER TABLE `+name+` DISABLE TRIGGER USER`); err != nil {
		return err
	}
	w.numbered = true
	err := fn()
	w.numbered = false
	if err != nil {
		return err
	}
	_, err = w.Exec(ctx, `ALTER TABLE `+name+` ENABLE TRIGGER USER`)
	return err
}

// Number implements rows.Movable.
func (d Whole) Number(ctx context.Context, of rows.Half, q rows.Querier) error {
	var texts []string
	found, err := q.Query(ctx, `SELECT format('SELECT setval(pg_get_serial_sequence(%L, %L), coalesce(max(%I), 0) + 1, false) FROM %I',
		quote_ident(c.relname), a.attname, a.attname, c.relname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p') AND a.attidentity <> '' AND NOT a.attisdropped`,
		schemaOf(string(of)))
	if err := rows.Each(found, err, func(r rows.Rows) error {
		var text string
		err := r.Scan(&text)
		texts = append(texts, text)
		return err
	}); err != nil {
		return err
	}
	for _, text := range texts {
		if _, err := q.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// Shut implements rows.Movable: DROP FUNCTION moved CASCADE, in each schema, undoes it.
func (d Whole) Shut(ctx context.Context, of rows.Half, q rows.Querier) error {
	var there bool
	if err := q.Row(ctx, []any{&there}, `SELECT to_regproc('moved') IS NOT NULL`); err != nil || there {
		return err
	}
	tables, err := d.Tables(ctx, of)
	if err != nil {
		return err
	}
	names := make([]string, len(tables))
	for n, t := range tables {
		names[n] = t.Name
	}
	for _, text := range shutting(names) {
		if _, err := q.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// shutting are the statements that shut tables.
func shutting(tables []string) []string {
	texts := []string{`CREATE FUNCTION moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'this fleet was moved to another database' USING ERRCODE = '` + codeMoved + `';
END $$`}
	for _, t := range tables {
		texts = append(texts, `CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE ON `+pgx.Identifier{t}.Sanitize()+
			` FOR EACH STATEMENT EXECUTE FUNCTION moved()`)
	}
	return texts
}

// Servers implements rows.Movable. Connections of another user are not seen.
func (d Whole) Servers(ctx context.Context) (all int, err error) {
	for _, h := range []*half{d.control, d.reports} {
		var n int
		if err := h.readers.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND application_name = $1`, programServing+h.of).Scan(&n); err != nil {
			return 0, kind(err)
		}
		all += n
	}
	return all, nil
}

// Mark implements rows.Movable: it is a remark on a table, of which a pg_dump has it, too.
func (d Whole) Mark(ctx context.Context) (mark string, err error) {
	err = d.control.readers.QueryRow(ctx, `SELECT coalesce(obj_description('schema_migrations'::regclass, 'pg_class'), '')`).Scan(&mark)
	return mark, kind(err)
}

// SetMark implements rows.Movable.
func (d Whole) SetMark(ctx context.Context, mark string) error {
	if strings.ContainsAny(mark, `'\`) {
		return fleet.Errorf(fleet.Invalid, "mark", "a fault of the program: the mark %q has a quote", mark)
	}
	_, err := d.control.writers.Exec(ctx, `COMMENT ON TABLE schema_migrations IS '`+mark+`'`)
	return kind(err)
}
