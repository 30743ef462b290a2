// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"

	"landed/server/fleet"
)

// A version that people were asked to sign is used up, published or not: who signed it under a
// change that was dropped signs no other content under the same number.

// vacant are, by role, the lowest versions that no dropped change has held.
func (p *Publisher) vacant(ctx context.Context) (map[string]int64, error) {
	lowest := map[string]int64{}
	err := p.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		dropped, err := tx.Changes().Dropped(ctx)
		for _, c := range dropped {
			for _, r := range c.Roles {
				lowest[r.Role] = max(lowest[r.Role], r.Version+1)
			}
		}
		return err
	})
	return lowest, err
}

// fits refuses a change if something else was published since it was staged: it would take that
// back. So it does if a model of the change was retired since.
func (p *Publisher) fits(s state, c fleet.Change) error {
	for _, r := range c.Roles {
		if s.retired(r.Role) {
			return fleet.Errorf(fleet.Conflict, "change_stale", "change %s holds a version of %s, and %s is retired: nobody may sign for it any more; drop the change, and make a release without it", c.ID, r.Role, r.Role)
		}
		if at := s.info[r.Role].Version; r.Upon != at || r.Version < p.next(s, r.Role) {
			return fleet.Errorf(fleet.Conflict, "change_stale", "change %s holds version %d of %s, made upon version %d, and version %d is published: something else was published meanwhile; drop the change and stage the release again", c.ID, r.Version, r.Role, r.Upon, at)
		}
	}
	return nil
}
