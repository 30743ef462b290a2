// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"

	"landed/server/fleet"
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
	_, err = q.Exec(ctx, `INSERT INTO records (kind, key, sha256) VALUES ($1, $2, $3)`, table, key, sum)
	return err
}

// RecordAll records whatever differs from its newest record: migrations write rows as well. A table that a later
// migration makes, which made says, is passed over.
func RecordAll(ctx context.Context, q Runner, made func(table string) (bool, error)) error {
	for _, table := range recordedTables() {
		if is, err := made(table); err != nil || !is {
			if err != nil {
				return err
			}
			continue
		}
		differ, err := differing(ctx, q, table)
		if err != nil {
			return fmt.Errorf("record %s: %w", table, err)
		}
		for _, d := range differ {
			if _, err := q.Exec(ctx, `INSERT INTO records (kind, key, sha256) VALUES ($1, $2, $3)`, table, d.key, d.found); err != nil {
				return err
			}
		}
	}
	return nil
}

// difference is a row that is not as it was recorded: found is "" if there is none, wanted if none was recorded.
type difference struct{ key, found, wanted string }

// differing lists the rows of a table that differ from their newest record.
func differing(ctx context.Context, q Runner, table string) (all []difference, err error) {
	wanted := map[string]string{}
	rows, err := q.Query(ctx, `SELECT key, sha256 FROM records r WHERE kind = $1
		AND n = (SELECT max(n) FROM records WHERE kind = r.kind AND key = r.key)`, table)
	if err := Each(rows, err, func(rows Rows) error {
		var key, sum string
		err := rows.Scan(&key, &sum)
		wanted[key] = sum
		return err
	}); err != nil {
		return nil, err
	}
	rows, err = q.Query(ctx, `SELECT *, `+keysOf[table]+` FROM `+table)
	if err := Each(rows, err, func(rows Rows) error {
		key, sum, err := keyedDigest(rows)
		if wanted[key] != sum {
			all = append(all, difference{key, sum, wanted[key]})
		}
		delete(wanted, key)
		return err
	}); err != nil {
		return nil, err
	}
	for key, sum := range wanted {
		if sum != "" {
			all = append(all, difference{key, "", sum})
		}
	}
	slices.SortFunc(all, func(a, b difference) int { return cmp.Compare(a.key, b.key) })
	return all, nil
}

// CheckRecords lists in words the rows of the control tables that were changed by another hand than this program's.
func CheckRecords(ctx context.Context, v fleet.Viewer) (faults []string, err error) {
	err = v.View(ctx, func(ft fleet.Tx) error {
		q := ft.(*Tx).control
		for _, table := range recordedTables() {
			all, err := differing(ctx, q, table)
			if err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
			for _, one := range all {
				faults = append(faults, one.words(table))
			}
		}
		return nil
	})
	return faults, err
}

func (d difference) words(table string) string {
	what := "is not as this program wrote it"
	switch "" {
	case d.found:
		what = "was removed by another hand than this program's"
	case d.wanted:
		what = "was put there by another hand than this program's"
	}
	return fmt.Sprintf("%s: the row %.120q %s; restore the database, or find out who wrote to it", table, d.key, what)
}

// rowDigest is the digest of all columns of a row: their names, and their values with their types and lengths.
func rowDigest(rows Rows) (string, error) {
	names, values, err := scanAll(rows)
	if err != nil {
		return "", err
	}
	return digestOf(names, values), nil
}

// keyedDigest takes the last column as the name of the row.
func keyedDigest(rows Rows) (key, sum string, err error) {
	names, values, err := scanAll(rows)
	if err != nil {
		return "", "", err
	}
	last := len(values) - 1
	return fmt.Sprint(values[last]), digestOf(names[:last], values[:last]), nil
}

func scanAll(rows Rows) (names []string, values []any, err error) {
	if names, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	values = make([]any, len(names))
	into := make([]any, len(names))
	for n := range values {
		into[n] = &values[n]
	}
	return names, values, rows.Scan(into...)
}

func digestOf(names []string, values []any) string {
	h := sha256.New()
	for n, name := range names {
		hashPart(h, "name", []byte(name))
		switch v := values[n].(type) {
		case []byte:
			hashPart(h, "blob", v)
		default:
			hashPart(h, fmt.Sprintf("%T", v), fmt.Append(nil, v))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func hashPart(h hash.Hash, kind string, part []byte) {
	h.Write(binary.BigEndian.AppendUint64(append([]byte(kind), 0), uint64(len(part))))
	h.Write(part)
}
