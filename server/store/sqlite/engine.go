// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"landed/server/store/rows"
)

// What follows is what SQLite does in its own way for the nouns (rows.Querier): many keys are JSON, many rows are many
// values, a figure is one row.

// asKeys gives a text its keys, and the JSON of them: values if there is one column, else lists of them.
func asKeys(text string, columns []any) (withKeys, array string, err error) {
	if len(columns) == 1 {
		keys, err := json.Marshal(columns[0])
		return oneColumn.Replace(text), string(keys), err
	}
	pairs := []string{"{keys}", "json_each($1) k", "{n}", "k.key"}
	var all [][]any
	for c, column := range columns {
		name := strconv.Itoa(c)
		pairs = append(pairs, "{"+name+"}", "json_extract(k.value, '$["+name+"]')")
		switch of := column.(type) {
		case []string:
			all = addColumn(all, of)
		case []int64:
			all = addColumn(all, of)
		}
	}
	keys, err := json.Marshal(all)
	return strings.NewReplacer(pairs...).Replace(text), string(keys), err
}

var oneColumn = strings.NewReplacer("{keys}", "json_each($1) k", "{n}", "k.key", "{0}", "k.value")

func addColumn[T any](all [][]any, of []T) [][]any {
	if all == nil {
		all = make([][]any, len(of))
	}
	for n, v := range of {
		all[n] = append(all[n], v)
	}
	return all
}

// Count implements rows.Querier. An existing figure is updated first: the row that an upsert would insert could be
// negative, which the table refuses.
func (s *session) Count(ctx context.Context, changes []rows.Change) error {
	for _, c := range changes {
		n, err := s.Exec(ctx, `UPDATE counts SET n = n + $7
			WHERE release = $1 AND model = $2 AND channel = $3 AND who = $4 AND kind = $5 AND value = $6`,
			c.Release, c.Model, c.Channel, c.Who, c.Kind, c.Value, c.By)
		if err == nil && n == 0 {
			_, err = s.Exec(ctx, `INSERT INTO counts (release, model, channel, who, kind, value, n)
				VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				c.Release, c.Model, c.Channel, c.Who, c.Kind, c.Value, c.By)
		}
		if err == nil && c.By < 0 && c.Aged {
			_, err = s.Exec(ctx, `DELETE FROM counts
				WHERE release = $1 AND model = $2 AND channel = $3 AND who = $4 AND kind = $5 AND value = $6 AND n = 0`,
				c.Release, c.Model, c.Channel, c.Who, c.Kind, c.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Try implements rows.Querier: a conflict never ends a transaction of SQLite.
func (s *session) Try(ctx context.Context, text string, args ...any) (int64, error) {
	return s.Exec(ctx, text, args...)
}

// Hold implements rows.Querier: who writes is alone.
func (s *session) Hold(context.Context, []string) error { return nil }

// Settled implements rows.Querier: who writes is alone.
func (s *session) Settled(context.Context) (rows.Querier, int64, error) { return s, math.MaxInt64, nil }

// Now implements rows.Querier.
func (s *session) Now(context.Context) (time.Time, error) { return machineTime() }

// machineTime is that of the machine: all who use a file of SQLite are on it. The clock of Open may be a virtual one, under
// which days pass between two beats of a heart.
func machineTime() (time.Time, error) { return time.Now().UTC(), nil }

// QueryKeys implements rows.Querier.
func (s *session) QueryKeys(ctx context.Context, text string, columns ...any) (rows.Rows, error) {
	text, keys, err := asKeys(text, columns)
	if err != nil {
		return nil, err
	}
	return s.Query(ctx, text, keys)
}
