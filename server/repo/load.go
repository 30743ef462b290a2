// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"maps"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// State is what is published now. Before the first root it is empty. What was read last is used
// again while no newer timestamp is stored: every publication stores one.
func (r *Repo) State(ctx context.Context) (State, error) {
	newest, err := r.newest(ctx)
	if err != nil {
		return State{}, err
	}
	if have := r.loaded.Load(); have != nil && have.info[tufrepo.Timestamp].Version == newest {
		return *have, nil
	}
	s, err := r.read(ctx)
	if err == nil {
		r.loaded.Store(&s)
	}
	return s, err
}

// newest is the version of the newest timestamp in the database, 0 before the first.
func (r *Repo) newest(ctx context.Context) (version int64, err error) {
	err = r.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		m, err := tx.Metadata().Latest(ctx, tufrepo.Timestamp)
		version = m.Version
		return err
	})
	if fleet.Is(err, fleet.NotFound) {
		err = nil
	}
	return version, err
}

func (r *Repo) read(ctx context.Context) (State, error) {
	s := State{
		set:  tufrepo.Set{Files: map[string][]byte{}}.Remembering(),
		info: map[string]tufrepo.Info{}, at: map[string]time.Time{}, highest: *r.highest.Load(),
	}
	err := r.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		roots, err := tx.Metadata().All(ctx, tufrepo.Root)
		if err != nil {
			return err
		}
		for _, m := range roots {
			s.set.Roots = append(s.set.Roots, m.Bytes)
		}
		latest, err := tx.Metadata().LatestAll(ctx)
		if err != nil {
			return err
		}
		for _, m := range latest {
			if m.Role == fleet.TallyRole {
				continue // no metadata of the feed: it lies beside it
			}
			s.at[m.Role] = m.At
			if err := s.put(m.Role, m.Bytes); err != nil {
				return err
			}
		}
		return nil
	})
	return s, err
}

// remember spares the next State the reading of what was just stored.
func remember(r *Repo, prev, next State, now time.Time) {
	next.at = maps.Clone(prev.at)
	for role, info := range next.info {
		if info.Version != prev.info[role].Version {
			next.at[role] = now
		}
	}
	r.loaded.Store(&next)
}
