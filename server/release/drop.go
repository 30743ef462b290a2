// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"

	"landed/server/fleet"
)

// DropChange gives a change up. Its release can be staged again.
func (rs *Releases) DropChange(ctx context.Context, id, by, reason string) error {
	if reason == "" {
		return fleet.Errorf(fleet.Invalid, "reason_missing", "say why the change is dropped")
	}
	return rs.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		c, err := openChange(ctx, tx, id)
		if err != nil {
			return err
		}
		c.State = fleet.ChangeDropped
		if err := tx.Changes().Save(ctx, c, fleet.ChangeOpen); err != nil {
			return err
		}
		return rs.audit(ctx, tx, by, "change.drop", id, reason)
	})
}

// Drop gives up a release that is a draft, or whose change was dropped: its name and its
// counter are free again. What is published stays for ever.
func (rs *Releases) Drop(ctx context.Context, name, by, reason string) error {
	if reason == "" {
		return fleet.Errorf(fleet.Invalid, "reason_missing", "say why the release is dropped")
	}
	return rs.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		r, err := tx.Releases().Get(ctx, name)
		if err != nil {
			return err
		}
		if r.State == fleet.ReleasePublished {
			return fleet.Errorf(fleet.Conflict, "published", "release %s is published, and what is published is not "+
				"taken back; halt its rollouts, and make a new release", name)
		}
		if r.State == fleet.ReleaseStaged {
			c, err := tx.Changes().Get(ctx, r.Change)
			if err != nil {
				return err
			}
			if c.State == fleet.ChangeOpen {
				return fleet.Errorf(fleet.Conflict, "staged", "release %s waits for signatures; drop its change %s first",
					name, c.ID)
			}
		}
		if err := tx.Releases().Delete(ctx, name, r.State); err != nil {
			return err
		}
		return rs.audit(ctx, tx, by, "release.drop", name, reason)
	})
}

func openChange(ctx context.Context, tx fleet.Tx, id string) (fleet.Change, error) {
	c, err := tx.Changes().Get(ctx, id)
	if err == nil && c.State != fleet.ChangeOpen {
		err = fleet.Errorf(fleet.Conflict, "change_closed", "change %s is %s; nothing can be added to it", id, c.State)
	}
	return c, err
}
