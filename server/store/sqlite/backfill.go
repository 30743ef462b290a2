// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// backfills are what migrations need beyond SQL, by half and name: they run after its text, in the same transaction.
var backfills = map[string]map[string]func(context.Context, *sql.Tx) error{
	ofControl: {
		"0004_reports":  fillReleases,
		"0005_packages": fillPackageRefs,
		"0006_reasons":  fillReasons,
		"0013_causes":   fillCauses,
	},
	ofReports: {},
}

// fillReleases reads from each stored report which release it speaks of. For that long reports may be updated.
func fillReleases(ctx context.Context, t *sql.Tx) error {
	const noUpdate = `CREATE TRIGGER reports_no_update BEFORE UPDATE ON reports BEGIN
		SELECT RAISE(ABORT, 'reports are append-only'); END`
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
	found, err := t.QueryContext(ctx, `SELECT sha256, model, channel FROM packages`)
	all, err := collect(found, err, func(scan func(...any) error) (r fleet.PackageRef, err error) {
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
		return rows.List(refs)
	})
}
