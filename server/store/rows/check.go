// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"landed/server/fleet"
)

// CheckRecords lists in words the rows of the control tables that were changed by another hand than this program's, and
// the records and lines of the trail that were not written with a key.
func CheckRecords(ctx context.Context, v fleet.Viewer, k Key) (faults []string, err error) {
	err = v.View(ctx, func(ft fleet.Tx) error {
		q := ft.(*Tx).control
		since := int64(0)
		for _, table := range []fleet.Tree{fleet.TreeRecords, fleet.TreeAudit} {
			is, err := k.verify(ctx, q, table)
			if err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
			faults = append(faults, is.words(k, table)...)
			if table == fleet.TreeRecords {
				since = is.first
			}
		}
		for _, table := range recordedTables() {
			all, err := differing(ctx, q, table, since)
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

// Keyed says if any record or line of the trail carries a MAC, by whatever key.
func Keyed(ctx context.Context, v fleet.Viewer) (is bool, err error) {
	err = v.View(ctx, func(ft fleet.Tx) error {
		var n int64
		err := ft.(*Tx).control.Row(ctx, []any{&n}, `SELECT (SELECT count(*) FROM records WHERE mac <> '')
			+ (SELECT count(*) FROM audit WHERE mac <> '')`)
		is = n > 0
		return err
	})
	return is, err
}

// RecordAnew begins to write with a key: line goes onto the trail, and each row that is as it was recorded is recorded
// again. One that is not stays without, and is named by CheckRecords. What was written with the key already is not
// written again.
func RecordAnew(ctx context.Context, s fleet.Store, k Key, line fleet.AuditEntry) error {
	return s.Update(ctx, func(ft fleet.Tx) error {
		q := chainOf(ft.(*Tx).control).q
		trail, err := k.verify(ctx, q, fleet.TreeAudit)
		if err != nil {
			return err
		}
		is, err := k.verify(ctx, q, fleet.TreeRecords)
		if err != nil {
			return err
		}
		if trail.first == 0 {
			if err := (chain{q, k, true}).line(ctx, line); err != nil {
				return err
			}
		}
		c, since := chain{q, k, is.first == 0}, is.first
		if since == 0 {
			since = math.MaxInt64
		}
		for _, table := range recordedTables() {
			all, err := differing(ctx, q, table, since)
			if err != nil {
				return fmt.Errorf("record %s: %w", table, err)
			}
			for _, d := range all {
				if d.found != d.wanted {
					continue
				}
				if err := c.record(ctx, table, d.key, d.found); err != nil {
					return err
				}
				c.anew = false
			}
		}
		return nil
	})
}

// difference is a row that is not as it was recorded: found is "" if there is none, wanted if none was recorded. If both
// are the same, it was not recorded since a record.
type difference struct{ key, found, wanted string }

// recordedAs is the newest record of a row.
type recordedAs struct {
	sum string
	n   int64
}

// differing lists the rows of a table that differ from their newest record, and those whose newest record is older than
// the one of a number.
func differing(ctx context.Context, q Runner, table string, since int64) (all []difference, err error) {
	wanted := map[string]recordedAs{}
	rows, err := q.Query(ctx, `SELECT key, sha256, n FROM records r WHERE kind = $1
		AND n = (SELECT max(n) FROM records WHERE kind = r.kind AND key = r.key)`, table)
	if err := Each(rows, err, func(rows Rows) error {
		var key string
		var as recordedAs
		err := rows.Scan(&key, &as.sum, &as.n)
		wanted[key] = as
		return err
	}); err != nil {
		return nil, err
	}
	rows, err = q.Query(ctx, `SELECT *, `+keysOf[table]+` FROM `+table)
	if err := Each(rows, err, func(rows Rows) error {
		key, sum, err := keyedDigest(rows)
		if as := wanted[key]; as.sum != sum || as.n < since {
			all = append(all, difference{key, sum, as.sum})
		}
		delete(wanted, key)
		return err
	}); err != nil {
		return nil, err
	}
	for key, as := range wanted {
		if as.sum != "" {
			all = append(all, difference{key, "", as.sum})
		}
	}
	slices.SortFunc(all, func(a, b difference) int { return cmp.Compare(a.key, b.key) })
	return all, nil
}

func (d difference) words(table string) string {
	what := "is not as this program wrote it"
	switch {
	case d.found == d.wanted:
		what = "was not recorded with the key in keys/records.key"
	case d.found == "":
		what = "was removed by another hand than this program's"
	case d.wanted == "":
		what = "was put there by another hand than this program's"
	}
	return fmt.Sprintf("%s: the row %.120q %s; restore the database, or find out who wrote to it", table, d.key, what)
}
