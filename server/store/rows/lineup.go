// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"time"

	"landed/server/fleet"
)

type models struct{ q Querier }

const modelColumns = `device, profile, by, at, retired`

// Put implements fleet.Models.
func (s models) Put(ctx context.Context, m fleet.Model) error {
	_, err := s.q.Exec(ctx, `INSERT INTO models (`+modelColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (device) DO UPDATE SET profile = excluded.profile, by = excluded.by, at = excluded.at,
		retired = excluded.retired`,
		m.Device, bytes(m.Profile), m.By, millis(m.At), millis(m.Retired))
	if err != nil {
		return err
	}
	return record(ctx, s.q, "models", m.Device)
}

// Get implements fleet.Models.
func (s models) Get(ctx context.Context, device string) (fleet.Model, error) {
	var m fleet.Model
	err := s.q.Row(ctx, modelFields(&m), `SELECT `+modelColumns+` FROM models WHERE device = $1`, device)
	return m, notFound(err, "model_unknown", "there is no model %s here", device)
}

// List implements fleet.Models.
func (s models) List(ctx context.Context) ([]fleet.Model, error) {
	rows, err := s.q.Query(ctx, `SELECT `+modelColumns+` FROM models ORDER BY device`)
	return Collect(rows, err, func(scan func(...any) error) (m fleet.Model, err error) {
		return m, scan(modelFields(&m)...)
	})
}

// Retire implements fleet.Models.
func (s models) Retire(ctx context.Context, device string, at time.Time) error {
	if _, err := s.Get(ctx, device); err != nil {
		return err
	}
	_, err := s.q.Exec(ctx, `UPDATE models SET retired = $2 WHERE device = $1 AND retired = 0`, device, millis(at))
	if err != nil {
		return err
	}
	return record(ctx, s.q, "models", device)
}

func modelFields(m *fleet.Model) []any {
	return []any{&m.Device, &m.Profile, &m.By, asTime{&m.At}, asTime{&m.Retired}}
}

type channels struct{ q Querier }

const channelColumns = `name, by, at, retired`

// Put implements fleet.Channels.
func (s channels) Put(ctx context.Context, c fleet.Channel) error {
	_, err := s.q.Exec(ctx, `INSERT INTO channels (`+channelColumns+`) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET by = excluded.by, at = excluded.at, retired = excluded.retired`,
		c.Name, c.By, millis(c.At), millis(c.Retired))
	if err != nil {
		return err
	}
	return record(ctx, s.q, "channels", c.Name)
}

// Get implements fleet.Channels.
func (s channels) Get(ctx context.Context, name string) (fleet.Channel, error) {
	var c fleet.Channel
	err := s.q.Row(ctx, channelFields(&c), `SELECT `+channelColumns+` FROM channels WHERE name = $1`, name)
	return c, notFound(err, "channel_unknown", "there is no channel %s here", name)
}

// List implements fleet.Channels.
func (s channels) List(ctx context.Context) ([]fleet.Channel, error) {
	rows, err := s.q.Query(ctx, `SELECT `+channelColumns+` FROM channels ORDER BY name`)
	return Collect(rows, err, func(scan func(...any) error) (c fleet.Channel, err error) {
		return c, scan(channelFields(&c)...)
	})
}

// Retire implements fleet.Channels.
func (s channels) Retire(ctx context.Context, name string, at time.Time) error {
	if _, err := s.Get(ctx, name); err != nil {
		return err
	}
	_, err := s.q.Exec(ctx, `UPDATE channels SET retired = $2 WHERE name = $1 AND retired = 0`, name, millis(at))
	if err != nil {
		return err
	}
	return record(ctx, s.q, "channels", name)
}

func channelFields(c *fleet.Channel) []any {
	return []any{&c.Name, &c.By, asTime{&c.At}, asTime{&c.Retired}}
}
