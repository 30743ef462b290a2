// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"time"

	"landed/server/fleet"
)

type statements struct{ q Querier }

const statementColumns = `id, kind, model, subject, signer, envelope, by, at`

// Put implements fleet.Statements.
func (s statements) Put(ctx context.Context, t fleet.Statement) error {
	_, err := s.q.Exec(ctx, `INSERT INTO statements (`+statementColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO NOTHING`,
		t.ID, t.Kind, t.Model, t.Subject, t.Signer, bytes(t.Envelope), t.By, millis(t.At))
	if err != nil {
		return err
	}
	return record(ctx, s.q, "statements", t.ID)
}

// Get implements fleet.Statements.
func (s statements) Get(ctx context.Context, id string) (fleet.Statement, error) {
	var t fleet.Statement
	err := s.q.Row(ctx, statementFields(&t), `SELECT `+statementColumns+` FROM statements WHERE id = $1`, id)
	return t, notFound(err, "statement_unknown", "there is no statement %s here", id)
}

// OfModel implements fleet.Statements.
func (s statements) OfModel(ctx context.Context, model string) ([]fleet.Statement, error) {
	rows, err := s.q.Query(ctx, `SELECT `+statementColumns+` FROM statements WHERE model = $1 ORDER BY n`, model)
	return Collect(rows, err, scanStatement)
}

// List implements fleet.Statements.
func (s statements) List(ctx context.Context) ([]fleet.Statement, error) {
	rows, err := s.q.Query(ctx, `SELECT `+statementColumns+` FROM statements ORDER BY n`)
	return Collect(rows, err, scanStatement)
}

// Sizes implements fleet.Statements.
func (s statements) Sizes(ctx context.Context) (map[string]int, error) {
	type size struct {
		model string
		n     int
	}
	rows, err := s.q.Query(ctx, `SELECT model, count(*) FROM statements GROUP BY model`)
	all, err := Collect(rows, err, func(scan func(...any) error) (one size, err error) {
		return one, scan(&one.model, &one.n)
	})
	sizes := map[string]int{}
	for _, one := range all {
		sizes[one.model] = one.n
	}
	return sizes, err
}

// Suspend implements fleet.Statements.
func (s statements) Suspend(ctx context.Context, rollout, by string, at time.Time, refs ...string) error {
	for _, ref := range refs {
		if _, err := s.q.Exec(ctx, `INSERT INTO suspensions (rollout, reference, by, at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (rollout, reference) DO NOTHING`, rollout, ref, by, millis(at)); err != nil {
			return err
		}
		if err := record(ctx, s.q, "suspensions", rollout+" "+ref); err != nil {
			return err
		}
	}
	return nil
}

// Suspended implements fleet.Statements.
func (s statements) Suspended(ctx context.Context, rollout string) ([]string, error) {
	rows, err := s.q.Query(ctx, `SELECT reference FROM suspensions WHERE rollout = $1 ORDER BY reference`, rollout)
	return Collect(rows, err, func(scan func(...any) error) (ref string, err error) {
		return ref, scan(&ref)
	})
}

func scanStatement(scan func(...any) error) (t fleet.Statement, err error) {
	return t, scan(statementFields(&t)...)
}

func statementFields(t *fleet.Statement) []any {
	return []any{&t.ID, &t.Kind, &t.Model, &t.Subject, &t.Signer, &t.Envelope, &t.By, asTime{&t.At}}
}
