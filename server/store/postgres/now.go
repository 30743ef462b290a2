// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"time"
)

// serverTime is the clock of the database itself, also within a transaction that has waited. Where the halves are two
// databases, nouns that go by time ask their own.
const serverTime = `SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)`

// Now implements rows.Querier.
func (s *session) Now(ctx context.Context) (time.Time, error) { return timeOf(ctx, s.Row) }

// Now implements rows.Querier.
func (l *lazy) Now(ctx context.Context) (time.Time, error) { return timeOf(ctx, l.Row) }

func timeOf(ctx context.Context, row func(context.Context, []any, string, ...any) error) (time.Time, error) {
	var millis int64
	if err := row(ctx, []any{&millis}, serverTime); err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(millis).UTC(), nil
}
