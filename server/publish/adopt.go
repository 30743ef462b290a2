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
// signed: the whole workflow of a client is run over it first. What cannot be read is not taken
// up: it is written anew from the database, above every version that a file has in its name.
func (p *Publisher) adopt(ctx context.Context) (bool, error) {
	s, err := p.load(ctx)
	if err != nil || !s.started() {
		return false, err
	}
	if p.floor, err = p.folder.versions(); err != nil {
		return false, err
	}
	found, err := p.readFolder(ctx, s)
	if err != nil {
		return false, err
	}
	if found.info[tufrepo.Timestamp].Version <= s.info[tufrepo.Timestamp].Version {
		return false, p.recall(ctx, s, s)
	}
	if err := found.set.CheckServed(p.now()); err != nil {
		// Expired metadata is what a long sleep leaves behind, so the time is not judged here.
		if err := found.set.CheckServed(found.info[tufrepo.Timestamp].Expires.Add(-1)); err != nil {
			return false, fmt.Errorf("the feed folder holds timestamp %d, the database %d, and what lies in the folder cannot be taken up; restore a newer database, or move the folder away and accept that handsets wait for higher versions: %w",
				found.info[tufrepo.Timestamp].Version, s.info[tufrepo.Timestamp].Version, err)
		}
	}
	// First, so that a crash between the two finds the offers in the folder newer once more.
	if err := p.recall(ctx, s, found); err != nil {
		return false, err
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
