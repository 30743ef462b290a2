// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"landed/server/fleet"
)

// Half names one of the two halves of a database.
type Half string

// The halves.
const (
	Control Half = "control"
	Reports Half = "reports"
)

// Table is a table as its database describes it.
type Table struct {
	Name    string
	From    string   // what stands after FROM to read it; "" is its name
	Columns []string // in their order
	Key     []string // the columns of its primary key, in their order
	Flags   []string // the columns that are true or false, and read as numbers
}

// Movable is what an engine offers to whoever takes a database over whole.
type Movable interface {
	// Key is that of the MACs with which it was opened.
	Key() Key
	// Tables lists the tables of a half by name, without those that only this engine has and what says how they were made.
	Tables(ctx context.Context, of Half) ([]Table, error)
	// Read runs fn in a read-only transaction.
	Read(ctx context.Context, of Half, fn func(Querier) error) error
	// Alone runs fn in a transaction beside which nothing is written to a half; fn may take its time.
	Alone(ctx context.Context, of Half, fn func(Querier) error) error
	// Freely runs fn, in Alone, without the triggers that keep the rows of a table as they are. What it inserts brings the
	// numbers which the database gives else.
	Freely(ctx context.Context, q Querier, table string, fn func() error) error
	// Number has the numbers that a half gives to new rows go on after those that are there.
	Number(ctx context.Context, of Half, q Querier) error
	// Shut has a half refuse every later write: the fleet was moved. It may be done again.
	Shut(ctx context.Context, of Half, q Querier) error
	// Servers is how many connections of others are open to the database, as far as it knows.
	Servers(ctx context.Context) (int, error)
	// Mark is what SetMark kept with the database: "", or of which fleet it is a copy. While it begins with Unfinished the
	// database is not opened to be served.
	Mark(ctx context.Context) (string, error)
	SetMark(ctx context.Context, mark string) error
}

// The beginnings of a mark.
const (
	Unfinished = "unfinished copy of "
	Finished   = "copy of "
)

// ErrUnfinished is what whoever would serve an unfinished copy is told.
var ErrUnfinished = fleet.Errorf(fleet.Conflict, "database_unfinished", "a copy into this database was not finished: run the same "+
	"otad copy again, which goes on where it was")

func (t Table) from() string {
	if t.From != "" {
		return t.From
	}
	return quoted(t.Name)
}

func quoted(names ...string) string { return `"` + strings.Join(names, `", "`) + `"` }

// keys are the values of a row in the columns of the key.
func (t Table) keys(row []any) (all []any) {
	for _, k := range t.Key {
		all = append(all, row[slices.Index(t.Columns, k)])
	}
	return all
}

func arguments(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("$%d", i+1))
	}
	return strings.Join(all, ", ")
}

// page reads the rows after a key, in the order of keys; after is nil for the first ones. No bytes are not nil.
func (t Table) page(ctx context.Context, q Runner, after []any, most int) (all [][]any, err error) {
	where := ""
	if after != nil {
		where = fmt.Sprintf(" WHERE (%s) > (%s)", quoted(t.Key...), arguments(len(after)))
	}
	text := fmt.Sprintf(`SELECT %s FROM %s%s ORDER BY %s LIMIT %d`, quoted(t.Columns...), t.from(), where, quoted(t.Key...), most)
	found, err := q.Query(ctx, text, after...)
	err = Each(found, err, func(r Rows) error {
		_, values, err := scanAll(r)
		for n, v := range values {
			number, counts := v.(int64)
			switch b, is := v.([]byte); {
			case v == nil, is && b == nil:
				values[n] = []byte{}
			case counts && slices.Contains(t.Flags, t.Columns[n]):
				values[n] = number != 0
			}
		}
		all = append(all, values)
		return err
	})
	return all, err
}

// remove takes rows out.
func (t Table) remove(ctx context.Context, q Querier, all [][]any) error {
	text := fmt.Sprintf(`DELETE FROM %s WHERE (%s) = (%s)`, quoted(t.Name), quoted(t.Key...), arguments(len(t.Key)))
	for _, row := range all {
		if _, err := q.Exec(ctx, text, t.keys(row)...); err != nil {
			return err
		}
	}
	return nil
}

// sameTables refuses to take tables over that are not the same on both sides.
func sameTables(from, to []Table) error {
	describe := func(all []Table) map[string]string {
		found := map[string]string{}
		for _, t := range all {
			found[t.Name] = fmt.Sprintf("%s (key %s)", strings.Join(slices.Sorted(slices.Values(t.Columns)), " "), strings.Join(t.Key, " "))
		}
		return found
	}
	var faults []string
	here, there := describe(from), describe(to)
	for name, columns := range here {
		if there[name] != columns {
			faults = append(faults, fmt.Sprintf("%s has %s, and %q there", name, columns, there[name]))
		}
		delete(there, name)
	}
	for name := range there {
		faults = append(faults, name+" is there alone")
	}
	if slices.Sort(faults); len(faults) > 0 {
		return fmt.Errorf("the tables of the two databases are not the same: %s", strings.Join(faults, "; "))
	}
	return nil
}
