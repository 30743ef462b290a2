// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// keysOf are the tables whose rows are recorded, and the name of a row in them. They are small and change seldom.
var keysOf = map[string]string{
	"packages":          `sha256 || '/' || model || '/' || channel`,
	"releases":          `name`,
	"changes":           `id`,
	"metadata":          `role || ' ' || version`,
	"rollouts":          `id`,
	"models":            `device`,
	"channels":          `name`,
	"holders":           `key_id`,
	"admissions":        `n || ''`,
	"quarantines":       `id`,
	"retentions":        `release`,
	"known_issues":      `id || ''`,
	"tally_contents":    `number || ''`,
	"epochs":            `model || ' ' || channel`,
	"statements":        `id`,
	"suspensions":       `rollout || ' ' || reference`,
	"outages":           `n || ''`,
	"tokens":            `name`,
	"proposals":         `id`,
	"schema_migrations": `version || ''`,
}

// recordedTables are those of keysOf, in order.
func recordedTables() []string {
	var all []string
	for table := range keysOf {
		all = append(all, table)
	}
	slices.Sort(all)
	return all
}

// record notes the digest of a row as it stands now, or that it is gone. It is called in the transaction that wrote it.
func record(ctx context.Context, q Querier, table, key string) error {
	sum := ""
	rows, err := q.Query(ctx, `SELECT * FROM `+table+` WHERE `+keysOf[table]+` = $1`, key)
	if err := Each(rows, err, func(rows Rows) (err error) {
		sum, err = rowDigest(rows)
		return err
	}); err != nil {
		return err
	}
	var last string
	err = q.Row(ctx, []any{&last}, `SELECT sha256 FROM records WHERE kind = $1 AND key = $2 ORDER BY n DESC LIMIT 1`, table, key)
	if err == nil && last == sum {
		return nil
	}
	if err != nil && !errors.Is(err, ErrNoRows) {
		return err
	}
	return chainOf(q).record(ctx, table, key, sum)
}

// RecordAll records whatever differs from its newest record: migrations write rows as well. A table that a later
// migration makes, which made says, is passed over. Without a key there need be no MACs yet; before the first MAC every row
// is recorded.
func RecordAll(ctx context.Context, q Runner, k Key, made func(table string) (bool, error)) error {
	since := int64(0)
	if k != nil {
		var macs int64
		if err := q.Row(ctx, []any{&macs}, `SELECT count(*) FROM records WHERE mac <> ''`); err != nil {
			return err
		}
		if macs == 0 {
			since = math.MaxInt64
		}
	}
	for _, table := range recordedTables() {
		if is, err := made(table); err != nil || !is {
			if err != nil {
				return err
			}
			continue
		}
		differ, err := differing(ctx, q, table, since)
		if err != nil {
			return fmt.Errorf("record %s: %w", table, err)
		}
		for _, d := range differ {
			if k != nil {
				err = chain{q: q, key: k}.record(ctx, table, d.key, d.found)
			} else {
				_, err = q.Exec(ctx, `INSERT INTO records (kind, key, sha256) VALUES ($1, $2, $3)`, table, d.key, d.found)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
