// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/offering"
)

// Offers publishes what the stored rollouts offer now. Only models whose document changed get
// a new version; if none changed, nothing is published.
func (p *Publisher) Offers(ctx context.Context) error {
	return p.publish(ctx, func(s state) (edit, error) { return p.offersEdit(ctx, s, nil) })
}

// offersEdit compares the documents that the rollouts ask for with those that are published.
// Rollouts in announced are offered to nobody yet: only their salt becomes known.
func (p *Publisher) offersEdit(ctx context.Context, s state, announced map[string]bool) (edit, error) {
	e := edit{roles: map[string][]byte{}}
	documents, err := p.documents(ctx, s, announced)
	if err != nil {
		return e, err
	}
	for _, model := range slices.Sorted(maps.Keys(documents)) {
		role := tufrepo.OffersRole(model)
		targets, changed, err := p.offersTargets(ctx, s, role, documents[model])
		if err != nil {
			return e, err
		}
		if !changed {
			continue
		}
		if e.roles[role], err = p.offersRole(s, role, targets); err != nil {
			return e, err
		}
	}
	return e, nil
}

// offersTargets are the targets of an offers role for documents, and if they differ from what
// is published. A new document is stored before anything points to it.
func (p *Publisher) offersTargets(ctx context.Context, s state, role string, documents []offers.Document) (targets []tufrepo.Target, changed bool, err error) {
	model, _ := tufrepo.ModelRole(role)
	for _, d := range documents {
		if err := d.Validate(); err != nil {
			return nil, false, fmt.Errorf("offers for %s on %s: %w", d.Model, d.Channel, err)
		}
		text, path := d.Bytes(), tufrepo.OffersPath(model, d.Channel)
		t, have := s.target(role, path)
		if !have || t.SHA256 != digest(text) {
			changed = true
			if t, err = p.keep(ctx, path, text); err != nil {
				return nil, false, err
			}
		}
		targets = append(targets, t)
	}
	return targets, changed || len(targets) != len(s.info[role].Targets), nil
}

func (p *Publisher) offersRole(s state, role string, targets []tufrepo.Target) ([]byte, error) {
	doc, err := tufrepo.NewRole(p.next(s, role), p.now().Add(p.cfg.Expiry.Offers), targets)
	if err != nil {
		return nil, fmt.Errorf("next %s: %w", role, err)
	}
	key, err := p.signer(s, role)
	if err != nil {
		return nil, err
	}
	return tufrepo.Sign(doc, key)
}

// documents derives, by model role, one document per channel that has rollouts.
func (p *Publisher) documents(ctx context.Context, s state, announced map[string]bool) (map[string][]offers.Document, error) {
	all := map[string][]offers.Document{}
	err := p.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		rollouts, err := tx.Rollouts().List(ctx)
		if err != nil {
			return err
		}
		seen := map[[2]string]bool{}
		for _, r := range rollouts {
			model, ok := p.cfg.Catalogue.Model(r.Model)
			if !ok || !s.delegates(model.Role()) || seen[[2]string{r.Model, r.Channel}] {
				continue // a retired model: nothing can be offered to it any more
			}
			seen[[2]string{r.Model, r.Channel}] = true
			d, err := p.document(ctx, tx, s, model, r.Channel, announced)
			if err != nil {
				return err
			}
			all[model.Role()] = append(all[model.Role()], d)
		}
		return nil
	})
	return all, err
}

// document is what the rollouts of a model and channel offer now.
func (p *Publisher) document(ctx context.Context, tx fleet.Tx, s state, model manifests.Model, channel string, announced map[string]bool) (offers.Document, error) {
	rollouts, err := tx.Rollouts().OfModel(ctx, model.Device, channel)
	if err != nil {
		return offers.Document{}, err
	}
	in := offering.Input{
		Model: model, Channel: channel, Rollouts: rollouts, Packages: map[string][]fleet.Package{},
		Listed: s.listed(model.Role()), Announced: announced,
	}
	for _, r := range offering.Wanted(rollouts) {
		if in.Packages[r.Release], err = offeredBy(ctx, tx, r); err != nil {
			return offers.Document{}, err
		}
	}
	d, unlisted := offering.Document(in)
	for _, u := range unlisted {
		if u.Rollout.State == fleet.RolloutRunning { // not again at every tick: a stopped one tells why itself
			p.cfg.Log.WarnContext(ctx, "rollout of a pruned build", "rollout", u.Rollout.ID, "package", u.Package.SHA256)
		}
	}
	return d, nil
}

// listed finds what a role lists.
func (s state) listed(role string) offering.Listed {
	return func(path string) (tufrepo.Target, bool) { return s.target(role, path) }
}
