// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"

	"landed/server/fleet"
	"landed/server/repo"
)

// A version that people were asked to sign is used up, published or not: who signed it under a
// change that was dropped signs no other content under the same number.

// usedVersions are, by role, the highest versions that a dropped change has held.
func (rs *Releases) usedVersions(ctx context.Context) (map[string]int64, error) {
	highest := map[string]int64{}
	err := rs.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		dropped, err := tx.Changes().Dropped(ctx)
		for _, c := range dropped {
			for _, r := range c.Roles {
				highest[r.Role] = max(highest[r.Role], r.Version)
			}
		}
		return err
	})
	return highest, err
}

// refuseStale refuses a change if something else was published since it was staged: it would take that
// back. So it does if a model of the change was retired since.
func refuseStale(s repo.State, c fleet.Change) error {
	for _, r := range c.Roles {
		if s.Retired(r.Role) {
			return fleet.Errorf(fleet.Conflict, "change_stale", "change %s holds a version of %s, and %s is retired: "+
				"nobody may sign for it any more; drop the change, and make a release without it", c.ID, r.Role, r.Role)
		}
		if at := s.Version(r.Role); r.Upon != at || r.Version < s.Next(r.Role) {
			return fleet.Errorf(fleet.Conflict, "change_stale", "change %s holds version %d of %s, made upon version %d, "+
				"and version %d is published: something else was published meanwhile; drop the change and stage the release "+
				"again", c.ID, r.Version, r.Role, r.Upon, at)
		}
	}
	return nil
}
