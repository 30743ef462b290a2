// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"errors"

	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rollout"
)

// publishChange publishes a change that is fully signed.
func (rs *Releases) publishChange(ctx context.Context, w *repo.Writer, id, by string) error {
	return w.Publish(ctx, func(s repo.State) (repo.Edit, error) {
		e := repo.Edit{Roles: map[string][]byte{}}
		var change fleet.Change
		err := rs.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
			change, err = openChange(ctx, tx, id)
			return err
		})
		if err != nil {
			return e, err
		}
		if err := refuseStale(s, change); err != nil {
			return e, err
		}
		for _, r := range change.Roles {
			e.Roles[r.Role] = r.Metadata
		}
		e.Record = func(tx fleet.Tx) error { return rs.recordPublished(ctx, tx, change, by) }
		return e, nil
	})
}

func (rs *Releases) recordPublished(ctx context.Context, tx fleet.Tx, c fleet.Change, by string) error {
	c.State = fleet.ChangePublished
	if err := tx.Changes().Save(ctx, c, fleet.ChangeOpen); err != nil {
		return err
	}
	if c.Release != "" {
		r, err := tx.Releases().Get(ctx, c.Release)
		if err != nil {
			return err
		}
		r.State = fleet.ReleasePublished
		if err := tx.Releases().Save(ctx, r, fleet.ReleaseStaged); err != nil {
			return err
		}
	}
	return rs.audit(ctx, tx, by, "release.publish", c.Release, "change "+c.ID)
}

// FinishSigned publishes changes that have all their signatures but were not published, as the
// server ended between the two.
func (rs *Releases) FinishSigned(ctx context.Context) error {
	return rs.cfg.Repo.Exclusive(ctx, func(w *repo.Writer) error {
		s, err := rs.cfg.Repo.State(ctx)
		if err != nil {
			return err
		}
		var open []fleet.Change
		err = rs.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
			open, err = tx.Changes().Open(ctx)
			return err
		})
		if err != nil {
			return err
		}
		var faults []error
		for _, c := range open {
			if progress, err := progressOf(s, c); err != nil || !progress.done() || refuseStale(s, c) != nil {
				continue // waits for people, who are told when they look at it
			}
			faults = append(faults, rs.publishChange(ctx, w, c.ID, rollout.Author))
		}
		return errors.Join(faults...)
	})
}
