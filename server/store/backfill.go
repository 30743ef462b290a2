// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"landed/server/fleet"
)

// backfills are what a migration needs beyond SQL: they run after its text, in the same transaction.
var backfills = map[string]func(context.Context, *sql.Tx) error{
	"0004_reports":  fillReleases,
	"0005_packages": fillPackageRefs,
}

// fillReleases reads from each stored report which release it speaks of. For that long reports may be updated.
func fillReleases(ctx context.Context, t *sql.Tx) error {
	const noUpdate = `CREATE TRIGGER reports_no_update BEFORE UPDATE ON reports BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END`
	if _, err := t.ExecContext(ctx, `DROP TRIGGER reports_no_update`); err != nil {
		return kind(err)
	}
	err := rewrite(ctx, t, "reports", "n", "envelope", "release", releaseOf)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, noUpdate)
	return kind(err)
}

// releaseOf takes the release out of an envelope. Its signature was verified when it came.
func releaseOf(envelope []byte) (string, error) {
	var e struct{ Payload []byte }
	if err := json.Unmarshal(envelope, &e); err != nil {
		return "", err
	}
	var body struct{ Release string }
	err := json.Unmarshal(e.Payload, &body)
	return body.Release, err
}

// fillPackageRefs writes the packages of each release in full. Until now the bytes alone named one.
func fillPackageRefs(ctx context.Context, t *sql.Tx) error {
	rows, err := t.QueryContext(ctx, `SELECT sha256, model, channel FROM packages`)
	all, err := collect(rows, err, func(scan func(...any) error) (r fleet.PackageRef, err error) {
		return r, scan(&r.SHA256, &r.Model, &r.Channel)
	})
	if err != nil {
		return err
	}
	full := map[string]fleet.PackageRef{}
	for _, ref := range all {
		full[ref.SHA256] = ref
	}
	return rewrite(ctx, t, "releases", "name", "packages", "packages", func(text []byte) (string, error) {
		var refs []fleet.PackageRef
		if err := json.Unmarshal(text, &refs); err != nil {
			return "", err
		}
		for n, ref := range refs {
			if known, ok := full[ref.SHA256]; ok { // one that is lost keeps its short name
				refs[n] = known
			}
		}
		return list(refs)
	})
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
	next := fmt.Sprintf(`SELECT %[2]s, %[3]s FROM %[1]s WHERE $1 IS NULL OR %[2]s > $1 ORDER BY %[2]s LIMIT $2`, table, key, from)
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
