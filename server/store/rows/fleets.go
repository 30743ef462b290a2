// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"fmt"
	"slices"
)

// Fleet names the fleet of a database by the first line of its trail and its first record: the same wherever it was copied
// to. A database without a line is no fleet yet.
func Fleet(ctx context.Context, db Movable) (name string, err error) {
	all, err := db.Tables(ctx, Control)
	if err != nil {
		return "", err
	}
	for _, t := range all {
		if t.Name != "audit" && t.Name != "records" {
			continue
		}
		var first [][]any
		if err := db.Read(ctx, Control, func(q Querier) (err error) {
			first, err = t.page(ctx, q, nil, 1)
			return err
		}); err != nil {
			return "", err
		}
		if len(first) == 0 {
			return "", fmt.Errorf("the database to copy from has no fleet: its table %s is empty", t.Name)
		}
		name += digestOf(t.Columns, first[0])[:16]
	}
	return name, nil
}

// Filled names the tables that have rows. What migrations write is none: records, and nothing else.
func Filled(ctx context.Context, db Movable) (found []string, err error) {
	err = each(ctx, db, func(of Half, t Table) error {
		if t.Name == "records" {
			return nil
		}
		n, err := count(ctx, db, of, t, "count(*)")
		if n > 0 {
			found = append(found, fmt.Sprintf("%s %d", t.Name, n))
		}
		return err
	})
	return found, err
}

// Ahead says of the tables whose rows are numbered, the records left out, where a copy has gone further than its source.
func Ahead(ctx context.Context, from, to Movable) (found []string, err error) {
	err = each(ctx, from, func(of Half, t Table) error {
		if t.Name == "records" || !slices.Equal(t.Key, []string{"n"}) {
			return nil
		}
		here, err := count(ctx, from, of, t, "coalesce(max(n), 0)")
		if err != nil {
			return err
		}
		there, err := count(ctx, to, of, t, "coalesce(max(n), 0)")
		if there > here {
			found = append(found, fmt.Sprintf("%s up to %d, and %d there", t.Name, here, there))
		}
		return err
	})
	return found, err
}

func each(ctx context.Context, db Movable, fn func(Half, Table) error) error {
	for _, of := range []Half{Control, Reports} {
		all, err := db.Tables(ctx, of)
		if err != nil {
			return err
		}
		for _, t := range all {
			if err := fn(of, t); err != nil {
				return fmt.Errorf("table %s: %w", t.Name, err)
			}
		}
	}
	return nil
}

func count(ctx context.Context, db Movable, of Half, t Table, what string) (n int64, err error) {
	err = db.Read(ctx, of, func(q Querier) error { return q.Row(ctx, []any{&n}, `SELECT `+what+` FROM `+t.from()) })
	return n, err
}

// Compare says in words in which tables the rows of two databases are not the same. Records that a copy has after the last
// one of its source are those of its own migrations.
func Compare(ctx context.Context, from, to Movable) (differ []string, err error) {
	for _, of := range []Half{Control, Reports} {
		all, err := tablesOf(ctx, from, to, of)
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			here, there, err := compared(ctx, from, to, of, p)
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", p.from.Name, err)
			}
			if here != there {
				differ = append(differ, fmt.Sprintf("%s has %s, and the copy %s", p.from.Name, here, there))
			}
		}
	}
	return differ, nil
}

// compared are the number of rows and the digest on either side.
func compared(ctx context.Context, from, to Movable, of Half, p pair) (here, there string, err error) {
	at := func(db Movable, t Table) *side {
		return &side{Table: t, read: func(ctx context.Context, fn func(Querier) error) error { return db.Read(ctx, of, fn) }}
	}
	left, right := newSum(p.from), newSum(p.from)
	kind := slices.Index(p.from.Columns, "kind")
	err = walk(ctx, at(from, p.from), at(to, p.to), func(a, b []any) error {
		if a != nil {
			left.add(a)
		}
		if b != nil && (a != nil || p.from.Name != "records" || b[kind] != migrationsTable) {
			right.add(b)
		}
		return nil
	})
	words := func(s *sum) string { return fmt.Sprintf("%d rows of digest %.16s", s.rows, s.String()) }
	return words(left), words(right), err
}
