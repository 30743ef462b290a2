// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
)

// fillCauses says of each installation that failed what its failure is blamed on, and counts that. The report which
// said so is the newest about the release whose failure is not of the feed.
func fillCauses(ctx context.Context, t *sql.Tx) error {
	rows, err := t.QueryContext(ctx, `SELECT ref, release FROM installations WHERE progress = 'failed'`)
	type state struct{ ref, release string }
	failed, err := collect(rows, err, func(scan func(...any) error) (s state, err error) {
		return s, scan(&s.ref, &s.release)
	})
	if err != nil {
		return err
	}
	for _, s := range failed {
		cause, err := causeIn(ctx, t, s.ref, s.release)
		if err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `UPDATE installations SET cause = $1 WHERE ref = $2 AND release = $3`, string(cause),
			s.ref, s.release); err != nil {
			return kind(err)
		}
	}
	_, err = t.ExecContext(ctx, `
		INSERT INTO counts SELECT release, model, channel, 'cause', cause, count(*) FROM installations
			WHERE cause <> '' GROUP BY 1, 2, 3, 5;
		INSERT INTO counts SELECT '', model, channel, 'cause', cause, count(*) FROM installations
			WHERE cause <> '' AND current GROUP BY 2, 3, 5`)
	return kind(err)
}

// causeIn reads the reports of an installation about a release, from the newest on. If none can be read that says why it
// failed, the package is blamed: what is not known excuses no update.
func causeIn(ctx context.Context, t *sql.Tx, ref, release string) (report.Cause, error) {
	rows, err := t.QueryContext(ctx, `SELECT envelope FROM reports WHERE ref = $1 AND release = $2 ORDER BY seq DESC, n DESC`,
		ref, release)
	if err != nil {
		return "", kind(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return "", kind(err)
		}
		r, _, err := envelope.Open(text)
		if err == nil && r.Failure != nil && r.Failure.Phase != report.PhaseMetadata {
			return report.CauseOf(*r.Failure), nil
		}
	}
	return report.CausePackage, kind(rows.Err())
}
