// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"encoding/json"

	"landed/server/fleet"
)

type changes struct{ q Querier }

const changeColumns = `id, release, state, request, roles, at`

// Create implements fleet.Changes.
func (s changes) Create(ctx context.Context, c fleet.Change) error {
	roles, err := json.Marshal(c.Roles)
	if err != nil {
		return err
	}
	_, err = s.q.Try(ctx, `INSERT INTO changes (`+changeColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`, c.ID, c.Release,
		c.State, bytes(c.Request), roles, millis(c.At))
	if err == nil {
		return record(ctx, s.q, "changes", c.ID)
	}
	return conflict(err, "change_exists", "a change with the id %s exists", c.ID)
}

// Get implements fleet.Changes.
func (s changes) Get(ctx context.Context, id string) (fleet.Change, error) {
	var c fleet.Change
	var roles []byte
	err := s.q.Row(ctx, changeFields(&c, &roles), `SELECT `+changeColumns+` FROM changes WHERE id = $1`, id)
	if err != nil {
		return c, notFound(err, "change_unknown", "there is no change with the id %s here; it belongs to another server, "+
			"or the id was altered (otactl change list)", id)
	}
	return c, json.Unmarshal(roles, &c.Roles)
}

// Save implements fleet.Changes.
func (s changes) Save(ctx context.Context, c fleet.Change, from fleet.ChangeState) error {
	roles, err := json.Marshal(c.Roles)
	if err != nil {
		return err
	}
	n, err := s.q.Exec(ctx, `UPDATE changes SET release = $2, state = $3, request = $4, roles = $5, at = $6
		WHERE id = $1 AND state = $7`,
		c.ID, c.Release, c.State, bytes(c.Request), roles, millis(c.At), from)
	if err != nil {
		return err
	}
	if n == 1 {
		return record(ctx, s.q, "changes", c.ID)
	}
	now, err := s.Get(ctx, c.ID)
	if err != nil {
		return err
	}
	return fleet.Errorf(fleet.Conflict, "change_moved", "change %s is %s, it was taken to be %s; load it again",
		c.ID, now.State, from)
}

// Open implements fleet.Changes.
func (s changes) Open(ctx context.Context) ([]fleet.Change, error) {
	return s.in(ctx, fleet.ChangeOpen)
}

// Dropped implements fleet.Changes.
func (s changes) Dropped(ctx context.Context) ([]fleet.Change, error) {
	return s.in(ctx, fleet.ChangeDropped)
}

func (s changes) in(ctx context.Context, state fleet.ChangeState) ([]fleet.Change, error) {
	rows, err := s.q.Query(ctx, `SELECT `+changeColumns+` FROM changes WHERE state = $1 ORDER BY at, id`, state)
	return Collect(rows, err, func(scan func(...any) error) (c fleet.Change, err error) {
		var roles []byte
		if err := scan(changeFields(&c, &roles)...); err != nil {
			return c, err
		}
		return c, json.Unmarshal(roles, &c.Roles)
	})
}

func changeFields(c *fleet.Change, roles *[]byte) []any {
	return []any{&c.ID, &c.Release, &c.State, &c.Request, roles, asTime{&c.At}}
}
