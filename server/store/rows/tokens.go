// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"

	"landed/server/fleet"
)

type tokens struct{ q Querier }

const tokenColumns = `name, role, hash, at, by`

// Put implements fleet.Tokens.
func (s tokens) Put(ctx context.Context, t fleet.Token) error {
	_, err := s.q.Try(ctx, `INSERT INTO tokens (`+tokenColumns+`) VALUES ($1, $2, $3, $4, $5)`, t.Name, t.Role,
		bytes(t.Hash), millis(t.At), t.By)
	if err == nil {
		return record(ctx, s.q, "tokens", t.Name)
	}
	return conflict(err, "token_exists", "a token named %s exists; delete it first or choose another name", t.Name)
}

// ByHash implements fleet.Tokens.
func (s tokens) ByHash(ctx context.Context, hash []byte) (fleet.Token, error) {
	var t fleet.Token
	err := s.q.Row(ctx, tokenFields(&t), `SELECT `+tokenColumns+` FROM tokens WHERE hash = $1`, bytes(hash))
	return t, notFound(err, "token_unknown", "this token is not known here")
}

// List implements fleet.Tokens.
func (s tokens) List(ctx context.Context) ([]fleet.Token, error) {
	rows, err := s.q.Query(ctx, `SELECT `+tokenColumns+` FROM tokens ORDER BY name`)
	return Collect(rows, err, func(scan func(...any) error) (t fleet.Token, err error) {
		return t, scan(tokenFields(&t)...)
	})
}

// Delete implements fleet.Tokens.
func (s tokens) Delete(ctx context.Context, name string) error {
	n, err := s.q.Exec(ctx, `DELETE FROM tokens WHERE name = $1`, name)
	if err == nil && n == 0 {
		return fleet.Errorf(fleet.NotFound, "token_unknown", "there is no token named %s", name)
	}
	if err != nil {
		return err
	}
	return record(ctx, s.q, "tokens", name)
}

func tokenFields(t *fleet.Token) []any { return []any{&t.Name, &t.Role, &t.Hash, asTime{&t.At}, &t.By} }
