// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"landed/manifests"
)

// goOn publishes the later releases while somebody reads the page, lets days pass, and compares every release.
func (t *telling) goOn(ctx context.Context, r *result) error {
	all := append([]shipment{t.plan.first}, t.plan.later...)
	if err := t.halt(ctx); err != nil {
		return err
	}
	issue, err := t.tell(ctx)
	if err != nil {
		return err
	}
	before, err := t.totals(ctx)
	if err != nil {
		return err
	}
	page := probe(ctx, t.totals)
	err = t.publishLater(ctx, all)
	after, errAfter := t.totals(ctx)
	if err := errors.Join(err, errAfter); err != nil {
		page.end()
		return err
	}
	// Of eight handsets sometimes nobody is in the first stage, or only one with a bad flash: it would wait for ever.
	t.plan.widen = 4
	err = t.live(ctx, t.plan.soon, t.plan.more, t.plan.later...)
	page.end()
	if err := errors.Join(err, page.err); err != nil {
		return err
	}
	r.TotalsBefore, r.TotalsAfter, r.Dips, r.Probes = &before, &after, &page.dips, page.asked
	r.Agrees = r.Agrees && page.dips == 0 && before.All == after.All && maps.Equal(before.Models, after.Models)
	for _, ship := range all {
		found, err := t.compareRelease(ctx, ship)
		if err != nil {
			return err
		}
		r.Releases = append(r.Releases, found)
		r.Agrees = r.Agrees && found.agrees()
	}
	r.Observer, r.Known = t.observed(), issue
	err = issue.ask(ctx, t)
	r.Agrees = r.Agrees && issue.agrees()
	return err
}

// halt stops the rollout of the bad build where too few handsets leaked for the server to halt it by itself.
func (t *telling) halt(ctx context.Context) error {
	id := t.plan.first.Name + "." + manifests.Model{Device: badModel}.Role() + ".stable"
	r, err := t.site.api.Rollouts().Get(ctx, id)
	if err == nil && r.State != "halted" {
		_, err = t.site.api.Rollouts().Halt(ctx, id, "it leaks; a corrected update follows")
	}
	return err
}

// publishLater publishes the later releases, and tells the fleet which builds keep whose promise.
func (t *telling) publishLater(ctx context.Context, all []shipment) error {
	for i, ship := range t.plan.later {
		if err := t.people.publish(ctx, t.site, ship); err != nil {
			return fmt.Errorf("release %s: %w", ship.Name, err)
		}
		for _, told := range all[:i+2] {
			t.fleet.Ship(told.known(all[:i+2]...))
		}
	}
	return nil
}

func (t *telling) totals(ctx context.Context) (totals, error) {
	page, err := t.site.status(ctx, "/status.json")
	return page.totals(), err
}

// compareRelease holds the page of one release against what is so under it.
func (t *telling) compareRelease(ctx context.Context, ship shipment) (releaseResult, error) {
	page, err := t.site.status(ctx, "/releases/"+ship.Name+".json")
	if err != nil {
		return releaseResult{}, err
	}
	return releaseResult{ship.Name, ship.EffectName(), t.compare(page, ship)}, nil
}
