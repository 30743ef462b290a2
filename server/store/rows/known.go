// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"strconv"

	"landed/server/fleet"
)

type knownIssues struct{ q Querier }

const knownColumns = `id, models, release, subject, value, text, link, since, who, by, at, reason, ended, ended_by, ended_reason`

// Put implements fleet.KnownIssues.
func (s knownIssues) Put(ctx context.Context, k fleet.KnownIssue) error {
	models, err := list(k.Models)
	if err != nil {
		return err
	}
	text, err := list(k.Text)
	if err != nil {
		return err
	}
	if _, err := s.q.Exec(ctx, `INSERT INTO known_issues (`+knownColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (id) DO UPDATE SET
		ended = excluded.ended, ended_by = excluded.ended_by, ended_reason = excluded.ended_reason`, k.ID, models, k.Release,
		string(k.Subject), k.Value, text, k.Link, millis(k.Since), string(k.Who), k.By, millis(k.At), k.Reason, millis(k.Ended),
		k.EndedBy, k.EndedReason); err != nil {
		return err
	}
	return record(ctx, s.q, "known_issues", strconv.FormatInt(k.ID, 10))
}

// Get implements fleet.KnownIssues.
func (s knownIssues) Get(ctx context.Context, id int64) (k fleet.KnownIssue, err error) {
	err = s.q.Row(ctx, knownFields(&k), `SELECT `+knownColumns+` FROM known_issues WHERE id = $1`, id)
	return k, notFound(err, "known_issue_unknown", "there is no known issue %d; otactl known-issue list shows all", id)
}

// List implements fleet.KnownIssues.
func (s knownIssues) List(ctx context.Context) ([]fleet.KnownIssue, error) {
	return s.those(ctx, `ORDER BY id`)
}

// Standing implements fleet.KnownIssues.
func (s knownIssues) Standing(ctx context.Context, ended int) ([]fleet.KnownIssue, error) {
	return s.those(ctx, `WHERE ended = 0 OR id IN (SELECT id FROM known_issues WHERE ended <> 0 ORDER BY ended DESC, id DESC LIMIT $1)
		ORDER BY id`, ended)
}

func (s knownIssues) those(ctx context.Context, which string, args ...any) ([]fleet.KnownIssue, error) {
	rows, err := s.q.Query(ctx, `SELECT `+knownColumns+` FROM known_issues `+which, args...)
	return Collect(rows, err, func(scan func(...any) error) (k fleet.KnownIssue, err error) {
		return k, scan(knownFields(&k)...)
	})
}

// Next implements fleet.KnownIssues.
func (s knownIssues) Next(ctx context.Context) (id int64, err error) {
	return id, s.q.Row(ctx, []any{&id}, `SELECT coalesce(max(id), 0) + 1 FROM known_issues`)
}

func knownFields(k *fleet.KnownIssue) []any {
	return []any{&k.ID, asList[string]{&k.Models}, &k.Release, &k.Subject, &k.Value, asList[fleet.KnownText]{&k.Text}, &k.Link,
		asTime{&k.Since}, &k.Who, &k.By, asTime{&k.At}, &k.Reason, asTime{&k.Ended}, &k.EndedBy, &k.EndedReason}
}
