// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// leases and members are not recorded: they change every second, and nothing that is published follows from them alone.
type leases struct{ q Querier }

// Take implements fleet.Leases. It is read and written in the one transaction that writes this half.
func (s leases) Take(ctx context.Context, name, holder string, ttl time.Duration) (l fleet.Lease, ok bool, err error) {
	now, err := s.q.Now(ctx)
	if err != nil {
		return l, false, err
	}
	l, err = s.get(ctx, name)
	if err != nil && !errors.Is(err, ErrNoRows) {
		return l, false, err
	}
	if l.Holder != holder && l.Holder != "" && l.Until.After(now) && !l.Until.After(now.Add(ttl)) {
		return l, false, nil
	}
	if l.Holder != holder {
		l.Token++
	}
	l = fleet.Lease{Name: name, Holder: holder, Token: l.Token, Until: now.Add(ttl)}
	_, err = s.q.Exec(ctx, `INSERT INTO leases (name, holder, token, until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = excluded.token, until = excluded.until`,
		l.Name, l.Holder, l.Token, millis(l.Until))
	return l, err == nil, err
}

func (s leases) get(ctx context.Context, name string) (fleet.Lease, error) {
	l := fleet.Lease{Name: name}
	err := s.q.Row(ctx, []any{&l.Holder, &l.Token, asTime{&l.Until}}, `SELECT holder, token, until FROM leases
		WHERE name = $1`, name)
	return l, err
}

// GiveBack implements fleet.Leases.
func (s leases) GiveBack(ctx context.Context, l fleet.Lease) error {
	_, err := s.q.Exec(ctx, `UPDATE leases SET holder = '', until = 0 WHERE name = $1 AND holder = $2 AND token = $3`,
		l.Name, l.Holder, l.Token)
	return err
}

// Check implements fleet.Leases.
func (s leases) Check(ctx context.Context, l fleet.Lease) error {
	is, err := s.get(ctx, l.Name)
	if err != nil && !errors.Is(err, ErrNoRows) {
		return err
	}
	if is.Holder != l.Holder || is.Token != l.Token || is.Holder == "" {
		return fleet.Errorf(fleet.Busy, fleet.LeaseLost, "nothing was written: this server was not heard of for a while, and "+
			"another one took up its work (%s); try again", l.Name)
	}
	return nil
}

// List implements fleet.Leases.
func (s leases) List(ctx context.Context) ([]fleet.Lease, error) {
	rows, err := s.q.Query(ctx, `SELECT name, holder, token, until FROM leases ORDER BY name`)
	return Collect(rows, err, func(scan func(...any) error) (l fleet.Lease, err error) {
		return l, scan(&l.Name, &l.Holder, &l.Token, asTime{&l.Until})
	})
}

type members struct{ q Querier }

// Beat implements fleet.Members.
func (s members) Beat(ctx context.Context, m fleet.Member, ttl time.Duration) error {
	now, err := s.q.Now(ctx)
	if err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `INSERT INTO members (id, program, protocol, joined, until, heard, beats, prepared, served, highest)
		VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET program = excluded.program,
		protocol = excluded.protocol, until = excluded.until, heard = excluded.heard, beats = members.beats + 1,
		prepared = excluded.prepared, served = excluded.served,
		highest = CASE WHEN excluded.highest > members.highest THEN excluded.highest ELSE members.highest END`,
		m.ID, m.Program, m.Protocol, millis(now), millis(now.Add(ttl)), millis(now), m.Prepared, m.Served, m.Highest)
	return err
}

const memberColumns = `id, program, protocol, joined, until, heard, beats, prepared, served, highest`

// Get implements fleet.Members.
func (s members) Get(ctx context.Context, id string) (fleet.Member, error) {
	all, err := s.list(ctx, `WHERE id = $1`, id)
	if err == nil && len(all) == 0 {
		err = fleet.Errorf(fleet.NotFound, "member_unknown", "there is no member %s", id)
	}
	if err != nil {
		return fleet.Member{}, err
	}
	return all[0], nil
}

// List implements fleet.Members.
func (s members) List(ctx context.Context) ([]fleet.Member, error) { return s.list(ctx, `ORDER BY id`) }

// list tells who is live. A clock that went back does not keep anybody so: nobody lives on from before he was heard of.
func (s members) list(ctx context.Context, which string, args ...any) ([]fleet.Member, error) {
	now, err := s.q.Now(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.q.Query(ctx, `SELECT `+memberColumns+` FROM members `+which, args...)
	return Collect(rows, err, func(scan func(...any) error) (m fleet.Member, err error) {
		var heard time.Time
		err = scan(&m.ID, &m.Program, &m.Protocol, asTime{&m.Joined}, asTime{&m.Until}, asTime{&heard}, &m.Beats, &m.Prepared,
			&m.Served, &m.Highest)
		m.Live = m.Until.After(now) && !heard.After(now.Add(m.Until.Sub(heard)))
		return m, err
	})
}

// Forget implements fleet.Members.
func (s members) Forget(ctx context.Context, silent time.Duration, version int64) error {
	now, err := s.q.Now(ctx)
	if err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `DELETE FROM members WHERE heard < $1 AND until < $2 AND highest <= $3`, millis(now.Add(-silent)),
		millis(now), version)
	return err
}

// Release implements fleet.Members.
func (s members) Release(ctx context.Context, version int64) error {
	var have int64
	err := s.q.Row(ctx, []any{&have}, `SELECT version FROM released`)
	if err != nil && !errors.Is(err, ErrNoRows) {
		return err
	}
	feed, fault := s.Feed(ctx)
	if fault != nil || err == nil && version <= have && have <= feed.Stored {
		return fault
	}
	_, err = s.q.Exec(ctx, `INSERT INTO released (one, version) VALUES (1, $1)
		ON CONFLICT (one) DO UPDATE SET version = excluded.version`, version)
	return err
}

// Feed implements fleet.Members.
func (s members) Feed(ctx context.Context) (f fleet.Feed, err error) {
	err = s.q.Row(ctx, []any{&f.Stored, &f.Released, &f.Changes}, `SELECT
		coalesce((SELECT max(version) FROM metadata WHERE role = $1), 0), coalesce((SELECT version FROM released), -1),
		coalesce((SELECT max(n) FROM audit), 0)`, tufrepo.Timestamp)
	if f.Released < 0 {
		f.Released = f.Stored
	}
	return f, err
}
