// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"fmt"
	"sync"
)

// TakeReports has the reports of another database become what those of one are, page by page: whatever ends it, it goes
// on where it was. The source may be written meanwhile, and then the two are not the same yet.
func TakeReports(ctx context.Context, from, to Movable, tell func(Taken)) error {
	return take(ctx, from, to, Reports, tell,
		func(ctx context.Context, fn func(Querier) error) error { return to.Read(ctx, Reports, fn) },
		func(ctx context.Context, fn func(Querier) error) error { return to.Alone(ctx, Reports, fn) })
}

// TakeControl does the same with control, in one transaction. Migrations differ between engines: those of the other
// database are recorded there anew.
func TakeControl(ctx context.Context, from, to Movable, tell func(Taken)) error {
	return to.Alone(ctx, Control, func(q Querier) error {
		here := func(_ context.Context, fn func(Querier) error) error { return fn(q) }
		if err := take(ctx, from, to, Control, tell, here, here); err != nil {
			return err
		}
		if err := to.Number(ctx, Control, q); err != nil {
			return err
		}
		return recordMigrations(ctx, keyed{q, to.Key()})
	})
}

// migrationsTable is not copied: each database has its own.
const migrationsTable = "schema_migrations"

func recordMigrations(ctx context.Context, q Querier) error {
	all, err := differing(ctx, q, migrationsTable, 0)
	for _, d := range all {
		if err == nil {
			err = record(ctx, q, migrationsTable, d.key)
		}
	}
	return err
}

type access = func(context.Context, func(Querier) error) error

func take(ctx context.Context, from, to Movable, of Half, tell func(Taken), read, write access) error {
	pairs, err := tablesOf(ctx, from, to, of)
	if err != nil {
		return err
	}
	for _, table := range pairs {
		at := taking{to: to, from: from, of: of, pair: table, read: read, write: write, done: Taken{Half: of, Table: table.from.Name}}
		if err := at.table(ctx); err != nil {
			return fmt.Errorf("table %s: %w", table.from.Name, err)
		}
		tell(at.done)
	}
	if of == Reports {
		return to.Alone(ctx, of, func(q Querier) error { return to.Number(ctx, of, q) })
	}
	return nil
}

// pair is a table of both databases, with its columns in the order of the source.
type pair struct{ from, to Table }

func tablesOf(ctx context.Context, from, to Movable, of Half) (all []pair, err error) {
	here, err := from.Tables(ctx, of)
	if err != nil {
		return nil, err
	}
	there, err := to.Tables(ctx, of)
	if err != nil {
		return nil, err
	}
	if err := sameTables(here, there); err != nil {
		return nil, err
	}
	byName := map[string]Table{}
	for _, t := range there {
		byName[t.Name] = t
	}
	for _, t := range here {
		other := byName[t.Name]
		other.Columns = t.Columns
		all = append(all, pair{t, other})
	}
	return all, nil
}

// taking is one table on its way.
type taking struct {
	from, to    Movable
	of          Half
	pair        pair
	read, write access
	done        Taken
	sum         *sum
	out, in     [][]any // rows to be taken out, and to be written
}

// table takes out what is not as in the source before it writes anything: rows of other keys may have values of which
// there is only one.
func (t *taking) table(ctx context.Context) error {
	if err := t.walk(ctx, func(here, there []any) error {
		if there != nil && (here == nil || digestOf(t.pair.from.Columns, here) != digestOf(t.pair.from.Columns, there)) {
			t.out = append(t.out, there)
		}
		return t.flush(ctx, PageRows)
	}); err != nil {
		return err
	}
	t.sum = newSum(t.pair.from)
	err := t.walk(ctx, func(here, there []any) error {
		if here == nil {
			return nil // written to the source meanwhile; the last pass sees it
		}
		t.sum.add(here)
		if there == nil {
			t.in = append(t.in, here)
		}
		return t.flush(ctx, PageRows)
	})
	t.done.Rows, t.done.Digest = t.sum.rows, t.sum.String()
	return err
}

func (t *taking) walk(ctx context.Context, fn func(here, there []any) error) error {
	from := &side{Table: t.pair.from, read: func(ctx context.Context, fn func(Querier) error) error { return t.from.Read(ctx, t.of, fn) }}
	to := &side{Table: t.pair.to, read: t.read}
	if err := walk(ctx, from, to, fn); err != nil {
		return err
	}
	return t.flush(ctx, 1)
}

var insertions sync.Map // of the text of an Insert: it

// flush writes once there is enough.
func (t *taking) flush(ctx context.Context, enough int) error {
	if len(t.out)+len(t.in) < enough {
		return nil
	}
	to := t.pair.to
	into := Insert{Table: quoted(to.Name), Columns: quoted(to.Columns...)}
	one, _ := insertions.LoadOrStore(into, &into)
	if err := t.write(ctx, func(q Querier) error {
		return t.to.Freely(ctx, q, to.Name, func() error {
			if err := to.remove(ctx, q, t.out); err != nil {
				return err
			}
			_, err := q.Insert(ctx, one.(*Insert), t.in)
			return err
		})
	}); err != nil {
		return err
	}
	t.done.Removed += int64(len(t.out))
	t.done.Written += int64(len(t.in))
	t.out, t.in = nil, nil
	return nil
}
