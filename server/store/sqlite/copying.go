// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/server/store/rows"
)

// Whole is a database that is copied, or into which one is. It implements rows.Movable.
type Whole struct{ *DB }

var _ rows.Movable = Whole{}

// OpenToCopy is Open for whoever copies the database or, as mayMake says, into it, making it if it is not there: it opens one
// that is an unfinished copy, too.
func OpenToCopy(ctx context.Context, path string, now func() time.Time, mayMake bool, options ...rows.Option) (Whole, error) {
	d, err := open(ctx, path, now, mayMake, rows.Chosen(options))
	if err != nil {
		return Whole{}, err
	}
	w := Whole{d}
	for of, name := range map[rows.Half]string{rows.Control: ofControl, rows.Reports: ofReports} {
		h, err := w.half(ctx, of)
		if err != nil { // whoever copies is told when he wants them
			continue
		}
		version, known, err := h.newer(ctx, name)
		if err == nil && version > 0 {
			err = rows.Newer(version, known)
		}
		if err != nil {
			d.Close()
			return Whole{}, err
		}
	}
	return w, nil
}

func (d Whole) half(ctx context.Context, of rows.Half) (*half, error) {
	if of == rows.Control {
		return d.control, nil
	}
	return d.reports.get(ctx)
}

// Key implements rows.Movable.
func (d Whole) Key() rows.Key { return *d.key.Load() }

// Tables implements rows.Movable.
func (d Whole) Tables(ctx context.Context, of rows.Half) (all []rows.Table, err error) {
	h, err := d.half(ctx, of)
	if err != nil {
		return nil, err
	}
	// cid is the place of a column, pk that in the key from 1
	found, err := h.readers.QueryContext(ctx, `SELECT m.name, (SELECT group_concat(name, ' ') FROM (SELECT name FROM pragma_table_info(m.name)
			ORDER BY cid)),
		coalesce((SELECT group_concat(name, ' ') FROM (SELECT name FROM pragma_table_info(m.name) WHERE pk > 0 ORDER BY pk)), ''),
		coalesce((SELECT group_concat(name, ' ') FROM pragma_table_info(m.name) WHERE type = 'BOOLEAN'), '')
		FROM sqlite_master m WHERE m.type = 'table' AND m.name NOT GLOB 'sqlite_*' AND m.name <> 'schema_migrations' ORDER BY m.name`)
	return collect(found, err, func(scan func(...any) error) (t rows.Table, err error) {
		var columns, key, flags string
		err = scan(&t.Name, &columns, &key, &flags)
		t.Columns, t.Key, t.Flags = strings.Fields(columns), strings.Fields(key), strings.Fields(flags)
		if err == nil && len(t.Key) == 0 {
			err = fmt.Errorf("the table %s has no primary key", t.Name)
		}
		return t, err
	})
}

// Read implements rows.Movable.
func (d Whole) Read(ctx context.Context, of rows.Half, fn func(rows.Querier) error) error {
	if d.closed.Load() {
		return errClosed
	}
	h, err := d.half(ctx, of)
	if err != nil {
		return err
	}
	q := newLazy(errReading, func() (reading, error) { return read(ctx, h.readers) })
	defer q.close()
	return fn(q)
}

var errReading = errors.New("a fault of the program: nothing is written where a database is read to be copied")

// Alone implements rows.Movable.
func (d Whole) Alone(ctx context.Context, of rows.Half, fn func(rows.Querier) error) error {
	if d.closed.Load() {
		return errClosed
	}
	h, err := d.half(ctx, of)
	if err != nil {
		return err
	}
	return h.write(ctx, func(_ context.Context, w *session) error { return fn(w) })
}

// Freely implements rows.Movable: the triggers come back as they were, word by word.
func (d Whole) Freely(ctx context.Context, q rows.Querier, table string, fn func() error) error {
	type trigger struct{ name, text string }
	var all []trigger
	found, err := q.Query(ctx, `SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = $1 ORDER BY rowid`, table)
	if err := rows.Each(found, err, func(r rows.Rows) error {
		var t trigger
		err := r.Scan(&t.name, &t.text)
		all = append(all, t)
		return err
	}); err != nil {
		return err
	}
	for _, t := range all {
		if err := d.change(ctx, q, `DROP TRIGGER "`+t.name+`"`); err != nil {
			return err
		}
	}
	if err := fn(); err != nil {
		return err
	}
	for _, t := range all {
		if err := d.change(ctx, q, t.text); err != nil {
			return err
		}
	}
	return nil
}

// change changes the schema. Its text is not kept prepared.
func (d Whole) change(ctx context.Context, q rows.Querier, text string) error {
	w := q.(*session)
	if w.broken != nil {
		return w.broken
	}
	_, err := w.conn.ExecContext(ctx, text)
	return w.note(err)
}

// Number implements rows.Movable: SQLite looks at the newest row.
func (d Whole) Number(context.Context, rows.Half, rows.Querier) error { return nil }

// Shut implements rows.Movable.
func (d Whole) Shut(ctx context.Context, of rows.Half, q rows.Querier) error {
	tables, err := d.Tables(ctx, of)
	if err != nil {
		return err
	}
	for _, t := range tables {
		for _, text := range shutting(t.Name) {
			if err := d.change(ctx, q, `CREATE TRIGGER IF NOT EXISTS `+text); err != nil {
				return err
			}
		}
	}
	return nil
}

// shutting are the triggers of a table of a fleet that was moved: by name, what stands after CREATE TRIGGER.
func shutting(table string) map[string]string {
	all := map[string]string{}
	for _, what := range []string{"INSERT", "UPDATE", "DELETE"} {
		name := table + "_moved_" + what
		all[name] = fmt.Sprintf(`"%s" BEFORE %s ON "%s"
			BEGIN SELECT RAISE(ABORT, 'this fleet was moved to another database by otad copy; serve it from there'); END`, name, what, table)
	}
	return all
}

// moved adds what a fleet that was moved has in its schema to what is wanted of it.
func moved(found, wanted map[string]string) {
	for what := range maps.Clone(wanted) {
		table, is := strings.CutPrefix(what, "table ")
		if _, shut := found["trigger "+table+"_moved_INSERT"]; !is || !shut {
			continue
		}
		for name, text := range shutting(table) {
			wanted["trigger "+name] = "CREATE TRIGGER " + text
		}
	}
}

// Servers implements rows.Movable: that no server has the files is what the lock of the data folder says.
func (d Whole) Servers(context.Context) (int, error) { return 0, nil }

// markFile lies beside the control file.
func markFile(path string) string { return path + ".copy" }

func readMark(path string) (string, error) {
	text, err := os.ReadFile(markFile(path))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSuffix(string(text), "\n"), err
}

// Mark implements rows.Movable.
func (d Whole) Mark(context.Context) (string, error) { return readMark(d.path) }

// SetMark implements rows.Movable.
func (d Whole) SetMark(_ context.Context, mark string) error {
	if mark == "" {
		return removeAll(markFile(d.path))
	}
	return durable.WriteFile(markFile(d.path), []byte(mark+"\n"), 0o600)
}
