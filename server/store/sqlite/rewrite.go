// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/store/rows"
)

// fillReasons turns stored sentences into codes. One that the program never wrote stays as the words it is.
func fillReasons(ctx context.Context, t *sql.Tx) error {
	known := map[string]string{} // a fleet has few sentences
	err := rewrite(ctx, t, "installations", "ref", "because", "because", func(text []byte) (string, error) {
		if have, ok := known[string(text)]; ok {
			return have, nil
		}
		var sentences []string
		if err := json.Unmarshal(text, &sentences); err != nil {
			return "", err
		}
		var all []fleet.Reason
		for _, s := range sentences {
			r, ok := reasons.Of(s)
			if !ok {
				r = fleet.Recorded(s)
			}
			all = append(all, r)
		}
		have, err := rows.List(all)
		known[string(text)] = have
		return have, err
	})
	if err != nil {
		return err
	}
	if err := rewrite(ctx, t, "rollouts", "id", "held", "held", func(text []byte) (string, error) {
		return reasonOf(string(text), fleet.Recorded)
	}); err != nil {
		return err
	}
	return rewrite(ctx, t, "rollouts", "id", "by || char(10) || reason", "reason", func(text []byte) (string, error) {
		by, words, _ := strings.Cut(string(text), "\n")
		if by != loopAuthor {
			return reasonOf(words, fleet.Said)
		}
		return reasonOf(words, fleet.Recorded)
	})
}

// loopAuthor is the name under which the program itself halted.
const loopAuthor = "landed"

// reasonOf is a stored sentence as it is stored now.
func reasonOf(words string, otherwise func(string) fleet.Reason) (string, error) {
	if words == "" {
		return "", nil
	}
	r, ok := reasons.Of(words)
	if !ok {
		r = otherwise(words)
	}
	return rows.ReasonText(r)
}

// rewriteBatch bounds what rewrite holds in memory.
const rewriteBatch = 1000

// rewrite sets column into of every row of a table to what fn makes of column from. key is its primary key.
func rewrite(ctx context.Context, t *sql.Tx, table, key, from, into string, fn func([]byte) (string, error)) error {
	type row struct {
		key  any
		text []byte
	}
	update := fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE %s = $2`, table, into, key)
	next := fmt.Sprintf(`SELECT %[2]s, %[3]s FROM %[1]s WHERE $1 IS NULL OR %[2]s > $1
		ORDER BY %[2]s LIMIT $2`, table, key, from)
	for after := any(nil); ; {
		rows, err := t.QueryContext(ctx, next, after, rewriteBatch)
		batch, err := collect(rows, err, func(scan func(...any) error) (r row, err error) { return r, scan(&r.key, &r.text) })
		if err != nil || len(batch) == 0 {
			return kind(err)
		}
		for _, r := range batch {
			text, err := fn(r.text)
			if err != nil {
				return fmt.Errorf("%s %v of %s: %w", key, r.key, table, err)
			}
			if _, err := t.ExecContext(ctx, update, text, r.key); err != nil {
				return kind(err)
			}
		}
		after = batch[len(batch)-1].key
	}
}
