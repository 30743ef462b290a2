// SPDX-License-Identifier: Apache-2.0

package rollouts

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
	"landed/server/repo"
)

// PublishOffers publishes what the stored rollouts offer now. Only models whose document changed get
// a new version; if none changed, nothing is published. What fails is tried again until Close.
func (rs *Rollouts) PublishOffers(ctx context.Context) error {
	err := rs.cfg.Repo.Publish(ctx, rs.Edit(ctx))
	if ctx.Err() == nil {
		rs.again.heard(err)
	}
	return err
}

// Edit is what the stored rollouts want to publish, for whoever publishes more together with it.
func (rs *Rollouts) Edit(ctx context.Context) repo.Change {
	return func(s repo.State) (repo.Edit, error) { return draftsOf(rs).edit(ctx, s, nil) }
}

// drafts makes the offers documents that the stored rollouts ask for.
type drafts struct {
	cfg  Config
	told *told
}

func draftsOf(rs *Rollouts) drafts { return drafts{rs.cfg, &rs.told} }

// edit compares the documents that the rollouts ask for with those that are published.
// Rollouts in announced are offered to nobody yet: only their salt becomes known.
func (d drafts) edit(ctx context.Context, s repo.State, announced map[string]bool) (repo.Edit, error) {
	e := repo.Edit{Offers: map[string][]tufrepo.Target{}}
	if frozen, now, err := d.frozen(ctx); err != nil || frozen {
		if err != nil {
			return e, err
		}
		return d.stops(ctx, s, now)
	}
	documents, err := d.all(ctx, s, announced)
	if err != nil {
		return e, err
	}
	for _, model := range slices.Sorted(maps.Keys(documents)) {
		role := tufrepo.OffersRole(model)
		targets, changed, err := d.targets(ctx, s, role, documents[model])
		if err != nil {
			return e, err
		}
		if changed {
			e.Offers[role] = targets
		}
	}
	return e, nil
}

// targets are the targets of an offers role for documents, and if they differ from what
// is published. A new document is stored before anything points to it.
func (d drafts) targets(
	ctx context.Context, s repo.State, role string, documents []document,
) (targets []tufrepo.Target, changed bool, err error) {
	model, _ := tufrepo.ModelRole(role)
	for _, doc := range documents {
		if err := doc.Validate(); err != nil {
			return nil, false, fmt.Errorf("offers for %s on %s: %w", doc.Model, doc.Channel, err)
		}
		text, path := doc.Bytes(), tufrepo.OffersPath(model, doc.Channel)
		t, have := s.Target(role, path)
		if !have || t.SHA256 != repo.Digest(text) {
			changed = true
			d.warnOfCut(ctx, doc)
			if t, err = d.cfg.Repo.Keep(ctx, path, text); err != nil {
				return nil, false, err
			}
		} else {
			d.again(ctx, t, text)
		}
		targets = append(targets, t)
		t, differs, ok := d.shelved(ctx, s, role, doc.others)
		if ok {
			targets = append(targets, t)
		}
		changed = changed || differs
		d.told.leftOut(ctx, d.cfg.Log, doc.Model, doc.Channel, doc.others)
	}
	return targets, changed || len(targets) != len(s.Info(role).Targets), nil
}

// again stores a document again that is published and was lost. That it could not be is told where the folder is written.
func (d drafts) again(ctx context.Context, t tufrepo.Target, text []byte) {
	if err := repo.KeepAgain(ctx, d.cfg.Repo, t, text); err != nil {
		d.cfg.Log.WarnContext(ctx, "a published document cannot be read, and could not be stored again", "path", t.Path, "err", err)
	}
}

// all derives, by model role, one document per channel that has rollouts.
func (d drafts) all(
	ctx context.Context, s repo.State, announced map[string]bool,
) (map[string][]document, error) {
	all := map[string][]document{}
	err := d.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		rollouts, err := tx.Rollouts().List(ctx)
		if err != nil {
			return err
		}
		seen := map[[2]string]bool{}
		for _, r := range rollouts {
			model, ok := d.cfg.Lineup.Catalogue().Model(r.Model)
			if !ok || !s.Delegates(model.Role()) || seen[[2]string{r.Model, r.Channel}] {
				continue // a retired model: nothing can be offered to it any more
			}
			seen[[2]string{r.Model, r.Channel}] = true
			doc, err := d.one(ctx, tx, s, model, r.Channel, announced)
			if err != nil {
				return err
			}
			all[model.Role()] = append(all[model.Role()], doc)
		}
		return nil
	})
	return all, err
}

// document is what is offered to a model on a channel, and what there was no room for.
type document struct {
	offers.Document
	cut    []offering.Omitted
	others *others // what the updaters of others are given; nil for nothing
}

// warnOfCut says what handsets are not told of, once for each new document.
func (d drafts) warnOfCut(ctx context.Context, doc document) {
	if len(doc.cut) == 0 {
		return
	}
	var files []string
	for _, c := range doc.cut {
		files = append(files, c.Package.Name+" of "+c.Rollout.ID)
	}
	d.cfg.Log.WarnContext(ctx, "more packages than a handset can be told of: some are offered to nobody until older rollouts "+
		"have gone to all", "model", doc.Model, "channel", doc.Channel, "limit", offering.MaxOffers, "left_out", files)
}

// one is what the rollouts of a model and channel offer now.
func (d drafts) one(
	ctx context.Context, tx fleet.Tx, s repo.State, model manifests.Model, channel string, announced map[string]bool,
) (document, error) {
	rollouts, err := tx.Rollouts().OfModel(ctx, model.Device, channel)
	if err != nil {
		return document{}, err
	}
	asked, err := tx.Epochs().Of(ctx, model.Device, channel)
	if err != nil {
		return document{}, err
	}
	in := offering.Input{
		Model: model, Channel: channel, Epoch: asked.N, Rollouts: rollouts, Packages: map[string][]fleet.Package{},
		Listed: listedBy(s, model.Role()), Announced: announced, Mirrors: d.cfg.Mirrors,
	}
	for _, r := range offering.Wanted(rollouts) {
		if in.Packages[r.Release], err = Packages(ctx, tx, r); err != nil {
			return document{}, err
		}
	}
	doc, unlisted, cut := offering.Document(in)
	for _, u := range unlisted {
		if u.Rollout.State == fleet.RolloutRunning { // not again at every tick: a stopped one tells why itself
			d.cfg.Log.WarnContext(ctx, "rollout of a pruned build", "rollout", u.Rollout.ID, "package", u.Package.SHA256)
		}
	}
	given, err := d.others(ctx, tx, model, doc)
	return document{doc, cut, given}, err
}

// listedBy finds what a role lists in s.
func listedBy(s repo.State, role string) offering.Listed {
	return func(path string) (tufrepo.Target, bool) { return s.Target(role, path) }
}
