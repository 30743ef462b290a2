// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// adopt takes up what lies in the feed folder and is newer than the database: the database
// was restored from a copy, but handsets have seen the newer versions, and would refuse lower
// ones, or, worse, keep the old content of a version that is used again. What is taken up is
// signed: the whole workflow of a client is run over it first.
func (p *Publisher) adopt(ctx context.Context) (bool, error) {
	s, err := p.load(ctx)
	if err != nil || !s.started() {
		return false, err
	}
	found, err := p.readFolder(s)
	if err != nil || found.info[tufrepo.Timestamp].Version <= s.info[tufrepo.Timestamp].Version {
		return false, err
	}
	if err := found.set.CheckServed(p.now()); err != nil {
		// Expired metadata is what a long sleep leaves behind, so the time is not judged here.
		if err := found.set.CheckServed(found.info[tufrepo.Timestamp].Expires.Add(-1)); err != nil {
			return false, fmt.Errorf("the feed folder holds timestamp %d, the database %d, and what lies in the folder cannot be taken up; restore a newer database, or move the folder away and accept that handsets wait for higher versions: %w",
				found.info[tufrepo.Timestamp].Version, s.info[tufrepo.Timestamp].Version, err)
		}
	}
	e := edit{roles: map[string][]byte{}}
	for role, doc := range found.set.Files {
		if role != tufrepo.Snapshot && role != tufrepo.Timestamp && found.info[role].Version > s.info[role].Version {
			e.roles[role] = doc
		}
	}
	e.roots = found.set.Roots[len(s.set.Roots):]
	e.record = func(tx fleet.Tx) error {
		return p.audit(ctx, tx, "landed", "publish.adopt", fmt.Sprintf("timestamp %d", found.info[tufrepo.Timestamp].Version),
			fmt.Sprintf("the database knew only timestamp %d; the feed folder held newer signed metadata", s.info[tufrepo.Timestamp].Version))
	}
	p.cfg.Log.ErrorContext(ctx, "database is older than the feed", "database", s.info[tufrepo.Timestamp].Version, "feed", found.info[tufrepo.Timestamp].Version, "roles", slices.Sorted(maps.Keys(e.roles)))
	err = p.save(ctx, s, found, e, p.now())
	return err == nil, err
}

// readFolder is the state that the folder holds, starting from the roots of s. Without a
// newer timestamp it is s.
func (p *Publisher) readFolder(s state) (state, error) {
	found := s.clone()
	read := func(role string, version int64) error {
		doc, err := p.folder.read(tufrepo.MetadataFile(role, version))
		if err != nil {
			return err
		}
		if doc == nil {
			return fmt.Errorf("the feed folder lacks %s", tufrepo.MetadataFile(role, version))
		}
		return found.take(role, doc)
	}
	doc, err := p.folder.read(tufrepo.MetadataFile(tufrepo.Timestamp, 0))
	if err != nil || doc == nil {
		return s, err
	}
	if err := found.take(tufrepo.Timestamp, doc); err != nil || found.info[tufrepo.Timestamp].Version <= s.info[tufrepo.Timestamp].Version {
		return s, err
	}
	for v := s.info[tufrepo.Root].Version + 1; ; v++ {
		doc, err := p.folder.read(tufrepo.MetadataFile(tufrepo.Root, v))
		if err != nil {
			return s, err
		}
		if doc == nil {
			break
		}
		found.set.Roots = append(found.set.Roots, doc)
		if err := found.take(tufrepo.Root, doc); err != nil {
			return s, err
		}
	}
	if err := read(tufrepo.Snapshot, found.info[tufrepo.Timestamp].Files[tufrepo.Snapshot].Version); err != nil {
		return s, err
	}
	for role, f := range found.info[tufrepo.Snapshot].Files {
		if f.Version == s.info[role].Version {
			continue
		}
		if err := read(role, f.Version); err != nil {
			return s, err
		}
	}
	return found, nil
}
