// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"path"
	"strings"

	"landed/manifests/offers"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/offering"
	"landed/server/repo"
)

// frozen says if only stops may be published, as nobody has said yet what a restored database lost, and how each rollout
// stands.
func (d drafts) frozen(ctx context.Context) (is bool, now map[string]fleet.RolloutState, err error) {
	now = map[string]fleet.RolloutState{}
	err = d.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
		if _, is, err = fleet.Unnamed(ctx, tx); err != nil || !is {
			return err
		}
		all, err := tx.Rollouts().List(ctx)
		for _, r := range all {
			now[r.ID] = r.State
		}
		return err
	})
	return is, now, err
}

// stops makes the published documents again, with what was halted or held since, and with nothing else: so no share, no epoch
// and no rollout of the restored database reaches a handset.
func (d drafts) stops(ctx context.Context, s repo.State, now map[string]fleet.RolloutState) (repo.Edit, error) {
	e := repo.Edit{Offers: map[string][]tufrepo.Target{}}
	for _, model := range s.Models() {
		role := tufrepo.OffersRole(model)
		var targets []tufrepo.Target
		stopped := map[string]offers.Document{} // by channel
		changed := false
		for _, t := range s.Info(role).Targets {
			if shelf.Is(t.Path) {
				continue
			}
			doc, changes, err := d.stopIn(ctx, s, model, t, now)
			if err != nil {
				return e, err
			}
			if changes {
				if t, err = d.cfg.Repo.Keep(ctx, t.Path, doc.Bytes()); err != nil {
					return e, err
				}
				stopped[doc.Channel] = doc
			}
			targets, changed = append(targets, t), changed || changes
		}
		others, differ, err := d.stopOthers(ctx, s, model, stopped)
		if err != nil {
			return e, err
		}
		if changed || differ {
			e.Offers[role] = append(targets, others...)
		}
	}
	return e, nil
}

// stopIn is a published document with what was stopped since. One that cannot be read any more is made anew if something of
// its model and channel is halted, and all that it offers is halted then: what it said is not known.
func (d drafts) stopIn(
	ctx context.Context, s repo.State, role string, t tufrepo.Target, now map[string]fleet.RolloutState,
) (doc offers.Document, changes bool, err error) {
	text, err := d.cfg.Repo.Document(ctx, t)
	if err == nil {
		doc, err = offers.Parse(text)
	}
	if err == nil {
		doc, changes = offering.Stop(doc, func(rollout string) fleet.RolloutState { return now[rollout] })
		return doc, changes, nil
	}
	model, known := d.cfg.Lineup.Catalogue().ByRole(role)
	if !known {
		return doc, false, nil
	}
	err = d.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		made, err := d.one(ctx, tx, s, model, strings.TrimSuffix(path.Base(t.Path), ".json"), nil)
		for _, o := range made.Offers {
			changes = changes || now[o.Rollout] == fleet.RolloutHalted
		}
		doc, _ = offering.Stop(made.Document, func(string) fleet.RolloutState { return fleet.RolloutHalted })
		return err
	})
	return doc, changes, err
}
