// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"math"

	"landed/server/fleet"
)

type audit struct{ q Querier }

const auditColumns = `n, at, actor, action, subject, reason`

// Append implements fleet.Audit. e.N is given by the store.
func (s audit) Append(ctx context.Context, e fleet.AuditEntry) error {
	return chainOf(s.q).line(ctx, e)
}

// List implements fleet.Audit.
func (s audit) List(ctx context.Context, before int64, limit int) ([]fleet.AuditEntry, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return s.list(ctx, `SELECT `+auditColumns+` FROM audit WHERE n < $1 ORDER BY n DESC LIMIT $2`, before, limit)
}

// OfSubject implements fleet.Audit.
func (s audit) OfSubject(ctx context.Context, subject string, limit int) ([]fleet.AuditEntry, error) {
	return s.list(ctx, `SELECT `+auditColumns+` FROM audit WHERE subject = $1 ORDER BY n DESC LIMIT $2`, subject, limit)
}

// Acts implements fleet.Audit.
func (s audit) Acts(ctx context.Context, subject string, limit int) ([]fleet.AuditEntry, error) {
	const others, newest = ` FROM audit WHERE action <> $1`, ` ORDER BY n DESC LIMIT `
	if subject == "" {
		return s.list(ctx, `SELECT `+auditColumns+others+newest+`$2`, fleet.ActionLook, limit)
	}
	return s.list(ctx, `SELECT `+auditColumns+others+` AND subject = $2`+newest+`$3`, fleet.ActionLook, subject, limit)
}

func (s audit) list(ctx context.Context, text string, args ...any) ([]fleet.AuditEntry, error) {
	rows, err := s.q.Query(ctx, text, args...)
	return Collect(rows, err, func(scan func(...any) error) (e fleet.AuditEntry, err error) {
		return e, scan(&e.N, asTime{&e.At}, &e.Actor, &e.Action, &e.Subject, &e.Reason)
	})
}
