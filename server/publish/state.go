// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// state is what is published, as the database has it.
type state struct {
	set  tufrepo.Set
	info map[string]tufrepo.Info // by role, what set.Files say
	at   map[string]time.Time    // by role, when it was published
}

// load reads the published state. Before the first root it is empty. What was read last is
// used again while no newer timestamp is stored: every publication stores one.
func (p *Publisher) load(ctx context.Context) (state, error) {
	var newest fleet.Metadata
	err := p.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
		newest, err = tx.Metadata().Latest(ctx, tufrepo.Timestamp)
		return err
	})
	if err != nil && !fleet.Is(err, fleet.NotFound) {
		return state{}, err
	}
	if have := p.loaded.Load(); have != nil && have.info[tufrepo.Timestamp].Version == newest.Version {
		return have.clone(), nil
	}
	s, err := p.read(ctx)
	if err == nil {
		kept := s.clone()
		p.loaded.Store(&kept)
	}
	return s, err
}

// remember spares the next load the reading of what was just stored.
func (p *Publisher) remember(prev, next state, now time.Time) {
	kept := next.clone()
	kept.at = maps.Clone(prev.at)
	for role, info := range next.info {
		if info.Version != prev.info[role].Version {
			kept.at[role] = now
		}
	}
	p.loaded.Store(&kept)
}

func (p *Publisher) read(ctx context.Context) (state, error) {
	s := state{set: tufrepo.Set{Files: map[string][]byte{}}, info: map[string]tufrepo.Info{}, at: map[string]time.Time{}}
	err := p.cfg.Store.View(ctx, func(tx fleet.Tx) error {
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
			s.at[m.Role] = m.At
			if err := s.take(m.Role, m.Bytes); err != nil {
				return err
			}
		}
		return nil
	})
	return s, err
}

// take makes doc the newest of role. Roots are kept in their chain as well.
func (s *state) take(role string, doc []byte) error {
	info, err := tufrepo.Read(doc)
	if err != nil {
		return fmt.Errorf("published %s: %w", role, err)
	}
	s.info[role] = info
	if role != tufrepo.Root {
		s.set.Files[role] = doc
	}
	return nil
}

// clone is a copy to be changed without touching s.
func (s state) clone() state {
	return state{
		set:  tufrepo.Set{Roots: slices.Clone(s.set.Roots), Files: maps.Clone(s.set.Files)},
		info: maps.Clone(s.info),
		at:   s.at,
	}
}

// started says if a first root and targets are published.
func (s state) started() bool { return len(s.set.Roots) > 0 && s.set.Files[tufrepo.Targets] != nil }

// models are the roles of the models that the top-level targets delegates.
func (s state) models() []string {
	var roles []string
	for _, m := range s.info[tufrepo.Targets].Models {
		roles = append(roles, m.Role)
	}
	return roles
}

// delegates says if the top-level targets delegates the role of a model.
func (s state) delegates(role string) bool { return slices.Contains(s.models(), role) }

// retired says if role is that of a model that was given up: its last files are still listed.
func (s state) retired(role string) bool {
	topLevel := role == tufrepo.Targets || role == tufrepo.Snapshot || role == tufrepo.Timestamp
	return s.set.Files[role] != nil && !topLevel && !s.delegates(role)
}

// target finds what a role lists under path.
func (s state) target(role, path string) (tufrepo.Target, bool) {
	targets := s.info[role].Targets
	i := slices.IndexFunc(targets, func(t tufrepo.Target) bool { return t.Path == path })
	if i < 0 {
		return tufrepo.Target{}, false
	}
	return targets[i], true
}

// targets yields every target of every role.
func (s state) targets() []tufrepo.Target {
	var all []tufrepo.Target
	for _, role := range slices.Sorted(maps.Keys(s.set.Files)) {
		if role != tufrepo.Snapshot && role != tufrepo.Timestamp {
			all = append(all, s.info[role].Targets...)
		}
	}
	return all
}

// files is the metadata that is served now, by file name.
func (s state) files() map[string][]byte {
	files := map[string][]byte{}
	for role, doc := range s.set.Files {
		files[tufrepo.MetadataFile(role, s.info[role].Version)] = doc
	}
	for i, doc := range s.set.Roots {
		files[tufrepo.MetadataFile(tufrepo.Root, s.firstRoot()+int64(i))] = doc
	}
	return files
}

// firstRoot is the version of the oldest root: they are kept without a gap.
func (s state) firstRoot() int64 {
	return s.info[tufrepo.Root].Version - int64(len(s.set.Roots)) + 1
}
