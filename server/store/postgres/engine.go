// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"landed/server/store/rows"
)

// What follows is what PostgreSQL does in its own way for the nouns (rows.Querier): many keys and many rows are arrays,
// which unnest makes rows of.

// typeOf names the type of a column by a value of it.
func typeOf(v any) string {
	switch v.(type) {
	case string, []string:
		return "text"
	case int64, []int64:
		return "bigint"
	case bool:
		return "boolean"
	}
	return "bytea"
}

// asKeys gives a text its keys.
func asKeys(text string, columns []any) string {
	var types, names []string
	pairs := []string{"{n}", "k.n - 1"}
	for c, column := range columns {
		name := "c" + strconv.Itoa(c)
		types = append(types, fmt.Sprintf("$%d::%s[]", c+1, typeOf(column)))
		names = append(names, name)
		pairs = append(pairs, "{"+strconv.Itoa(c)+"}", "k."+name)
	}
	pairs = append(pairs, "{keys}", "unnest("+strings.Join(types, ", ")+") WITH ORDINALITY AS k ("+strings.Join(names, ", ")+", n)")
	return strings.NewReplacer(pairs...).Replace(text)
}

// QueryKeys implements rows.Querier.
func (s *session) QueryKeys(ctx context.Context, text string, columns ...any) (rows.Rows, error) {
	return s.Query(ctx, asKeys(text, columns), columns...)
}

var inserts sync.Map // of *rows.Insert: its text

// Insert implements rows.Querier: all rows are one statement.
func (s *session) Insert(ctx context.Context, into *rows.Insert, all [][]any) (int64, error) {
	if len(all) == 0 {
		return 0, nil
	}
	text, ok := inserts.Load(into)
	if !ok {
		var types, names []string
		for c, v := range all[0] {
			types = append(types, fmt.Sprintf("$%d::%s[]", c+1, typeOf(v)))
			names = append(names, "c"+strconv.Itoa(c))
		}
		columns := strings.Join(names, ", ")
		numbered := ""
		if s.numbered {
			numbered = "OVERRIDING SYSTEM VALUE "
		}
		text, _ = inserts.LoadOrStore(into, "INSERT INTO "+into.Table+" ("+into.Columns+") "+numbered+"SELECT "+columns+" FROM unnest("+
			strings.Join(types, ", ")+") WITH ORDINALITY AS k ("+columns+", n) ORDER BY n "+into.Then)
	}
	arrays, err := transpose(all)
	if err != nil {
		return 0, err
	}
	return s.Exec(ctx, text.(string), arrays...)
}

// Update implements rows.Querier: whoever is there is found as by Insert, at no other cost.
func (s *session) Update(ctx context.Context, of *rows.Upsert, all [][]any) (int64, error) {
	return s.Insert(ctx, &of.Insert, all)
}

// transpose makes arrays of the columns of rows.
func transpose(all [][]any) (arrays []any, err error) {
	for c, first := range all[0] {
		var array any
		switch first.(type) {
		case string:
			array, err = column[string](all, c)
		case int64:
			array, err = column[int64](all, c)
		case bool:
			array, err = column[bool](all, c)
		default:
			array, err = column[[]byte](all, c)
		}
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, array)
	}
	return arrays, nil
}

func column[T any](all [][]any, c int) ([]T, error) {
	array := make([]T, len(all))
	for n, row := range all {
		v, ok := row[c].(T)
		if !ok {
			return nil, fmt.Errorf("a fault of the program: column %d of row %d is a %T, in the first row a %T", c, n, row[c], all[0][c])
		}
		array[n] = v
	}
	return array, nil
}

// Hold implements rows.Querier. Rows are locked in one order, so that those who hold the same ones wait for each other
// and never in a ring. What is read after it was committed before. The subquery is what has each row found by the index,
// also while the table has no statistics yet.
func (s *session) Hold(ctx context.Context, refs []string) error {
	if !s.shared {
		return nil
	}
	refs = slices.Clone(refs)
	slices.Sort(refs)
	_, err := s.Exec(ctx, `SELECT FROM unnest($1::text[]) AS k (ref) CROSS JOIN LATERAL
		(SELECT FROM installations i WHERE i.ref = k.ref ORDER BY release FOR UPDATE) AS held`, refs)
	return err
}

// Count implements rows.Querier. Beside others each transaction writes the first shard that none of them has, so that
// nobody waits for another's row. Who writes alone sees to it that no figure is below zero; beside others nobody sees the
// whole figure, and a Recount tells.
func (s *session) Count(ctx context.Context, changes []rows.Change) error {
	if s.broken != nil {
		return s.broken
	}
	var columns [6][]string
	by := make([]int64, len(changes))
	aged := make([]bool, len(changes))
	for n, c := range changes {
		for at, v := range [6]string{c.Release, c.Model, c.Channel, c.Who, c.Kind, c.Value} {
			columns[at] = append(columns[at], v)
		}
		by[n], aged[n] = c.By, c.Aged
	}
	args := []any{columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], by}
	if s.shared {
		_, err := s.Exec(ctx, countBeside, append(args, int64(lockShards), int64(maxShards))...)
		return err
	}
	if _, err := s.Exec(ctx, countAlone, args...); err != nil {
		return err
	}
	return s.settle(ctx, append(args, aged))
}

// maxShards is in how many rows a figure may be kept: as many as transactions are at work at once. More share the last.
const maxShards = 64

const (
	changesOfCells = ` FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
		AS k (release, model, channel, who, kind, value, n) `
	onceCounted = ` ON CONFLICT (release, model, channel, who, kind, value, shard) DO UPDATE SET n = c.n + excluded.n`
	cellsOf     = `(c.release, c.model, c.channel, c.who, c.kind, c.value) = (k.release, k.model, k.channel, k.who, k.kind, k.value)`

	countAlone = `INSERT INTO counts AS c (release, model, channel, who, kind, value, n)
		SELECT k.release, k.model, k.channel, k.who, k.kind, k.value, k.n` + changesOfCells + onceCounted

	countBeside = `WITH mine AS MATERIALIZED (SELECT shard FROM generate_series(1, $9::bigint) AS shard
			WHERE pg_try_advisory_xact_lock($8::int, shard::int) LIMIT 1)
		INSERT INTO counts AS c (release, model, channel, who, kind, value, shard, n)
		SELECT k.release, k.model, k.channel, k.who, k.kind, k.value, coalesce((SELECT shard FROM mine), $9), k.n` +
		changesOfCells + onceCounted

	belowZero = `SELECT count(*) FROM (SELECT 1` + changesOfCells + `JOIN counts c ON ` + cellsOf + `
		WHERE k.n < 0 GROUP BY k.release, k.model, k.channel, k.who, k.kind, k.value HAVING sum(c.n) < 0) AS below`

	emptied = `DELETE FROM counts c USING (SELECT k.*` + agedCells + `JOIN counts c ON ` + cellsOf + `
		WHERE k.aged AND k.n < 0 GROUP BY k.release, k.model, k.channel, k.who, k.kind, k.value, k.n, k.aged
		HAVING sum(c.n) = 0) AS k WHERE ` + cellsOf
	agedCells = ` FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::boolean[])
		AS k (release, model, channel, who, kind, value, n, aged) `
)

// settle holds what was taken from figures against their sums, and removes those by age that are empty.
func (s *session) settle(ctx context.Context, args []any) error {
	var below int64
	if err := s.Row(ctx, []any{&below}, belowZero, args[:7]...); err != nil {
		return err
	}
	if below > 0 {
		s.broken = fmt.Errorf("%d figures would be below zero; run \"otad fsck\"", below)
		return s.broken
	}
	_, err := s.Exec(ctx, emptied, args...)
	return err
}

// Settled implements rows.Querier: who writes alone sees everything. Beside others, numbers below one's own are still to
// come.
func (s *session) Settled(context.Context) (rows.Querier, int64, error) {
	if s.shared {
		return nil, 0, errors.New("a fault of the program: leaves are not read in an Intake")
	}
	return s, math.MaxInt64, nil
}
