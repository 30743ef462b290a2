// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"maps"
	"slices"
	"time"

	outside "landed/server/evidence"
	"landed/server/fleet"
	"landed/server/published"
)

// sources are what the pages of every language are made from, with what was read of it and is kept.
type sources struct {
	view      fleet.Viewer
	lineup    *lineup
	retired   *retirements
	published published.Reader
	now       func() time.Time
	outside   outside.Reader
}

// evidence reads what the pages of one language are made of. What one page says is of one moment: it is read in one
// transaction.
type evidence struct {
	*sources
	words *dictionary
}

// snapshot reads the published releases, their rollouts and all figures.
func (e *evidence) snapshot(ctx context.Context) (snap *snapshot, err error) {
	err = e.with(ctx, func(_ fleet.Tx, now *snapshot) error {
		snap = now
		return nil
	})
	return snap, err
}

// with reads a snapshot for a page that reads more in the same transaction.
func (e *evidence) with(ctx context.Context, page func(fleet.Tx, *snapshot) error) error {
	return e.view.View(ctx, func(tx fleet.Tx) error {
		snap, err := e.load(ctx, tx)
		if err != nil {
			return err
		}
		return page(tx, snap)
	})
}

// releases reads no more than what is published, for a page without figures.
func (e *evidence) releases(ctx context.Context, page func(fleet.Tx, published.Releases) error) error {
	return e.view.View(ctx, func(tx fleet.Tx) error {
		all, err := e.read(ctx, tx)
		if err != nil {
			return err
		}
		return page(tx, all)
	})
}

// read reads what is published, and makes its builds known to whoever searches.
func (e *evidence) read(ctx context.Context, tx fleet.Tx) (published.Releases, error) {
	all, err := e.published.Load(ctx, tx)
	if err == nil {
		e.lineup.publishes(all)
	}
	return all, err
}

// load reads the published releases with their rollouts, and all figures.
func (e *evidence) load(ctx context.Context, tx fleet.Tx) (*snapshot, error) {
	snap, stated, err := e.base(ctx, tx)
	if err != nil {
		return nil, err
	}
	if snap.cells, err = e.byModel(tx.Counts().List(ctx)); err != nil {
		return nil, err
	}
	if snap.totals, err = e.byModel(tx.Counts().Totals(ctx)); err != nil {
		return nil, err
	}
	var rollouts []fleet.Rollout
	for _, is := range slices.Concat(snap.releases, snap.unreadable) {
		rollouts = append(rollouts, is.rollouts...)
	}
	if snap.witnesses, err = stated.WitnessesOf(rollouts...); err != nil {
		return nil, err
	}
	if snap.quarantines, err = tx.Quarantines().List(ctx); err != nil {
		return nil, err
	}
	if snap.outages, err = tx.Outages().Since(ctx, time.Time{}); err != nil {
		return nil, err
	}
	_, snap.unnamed, err = fleet.Unnamed(ctx, tx)
	return snap, err
}

// base reads what is published and signed, and how rollouts stand.
func (e *evidence) base(ctx context.Context, tx fleet.Tx) (*snapshot, *outside.Snapshot, error) {
	released, err := e.read(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	rollouts, err := tx.Rollouts().List(ctx)
	if err != nil {
		return nil, nil, err
	}
	snap := &snapshot{of: map[string][]*issue{}, retired: map[string]bool{}}
	for _, r := range released.Readable {
		snap.add(e.issue(r, e.words.of(r), rollouts))
	}
	for _, u := range released.Unreadable {
		snap.unreadable = append(snap.unreadable, e.issue(u.Release, e.words.unread, rollouts))
	}
	stated, err := e.outside.Open(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	if snap.found, err = e.observed(ctx, tx, stated, snap.releases); err != nil {
		return nil, nil, err
	}
	return snap, stated, e.order(ctx, tx, snap)
}

// issue gathers what became of a release.
func (e *evidence) issue(r published.Release, lex lexicon, rollouts []fleet.Rollout) *issue {
	is := &issue{Release: r, lex: lex}
	for _, p := range r.Packages {
		is.models = append(is.models, p.Model)
	}
	for _, one := range rollouts {
		if one.Release == r.Name {
			is.models, is.rollouts = append(is.models, one.Model), append(is.rollouts, one)
		}
	}
	slices.Sort(is.models)
	is.models = slices.Compact(is.models)
	e.lineup.order(is.models)
	return is
}

// order puts the models of all releases in order, and says which were given up.
func (e *evidence) order(ctx context.Context, tx fleet.Tx, snap *snapshot) error {
	retired, err := e.retired.of(ctx, tx)
	if err != nil {
		return err
	}
	snap.models = slices.Collect(maps.Keys(snap.of))
	for _, is := range snap.unreadable {
		snap.models = append(snap.models, is.models...)
	}
	slices.Sort(snap.models)
	snap.models = slices.Compact(snap.models)
	for _, device := range snap.models {
		if snap.retired[device], err = retired(e.lineup.roleOf(device)); err != nil {
			return err
		}
	}
	e.lineup.order(snap.models)
	return nil
}

// byModel are figures as they stand now. What they will be by age alone is of no page.
func (e *evidence) byModel(all []fleet.Counts, err error) (map[string][]fleet.Counts, error) {
	found, now := map[string][]fleet.Counts{}, e.now()
	for _, c := range all {
		c = c.At(now)
		c.Ages, c.Counted.Ages, c.Quarantined.Ages = fleet.Ages{}, fleet.Ages{}, fleet.Ages{}
		found[c.Model] = append(found[c.Model], c)
	}
	return found, err
}
