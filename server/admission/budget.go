// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"time"

	"landed/server/fleet"
)

// The budget: one percent of a counted fleet, or one installation, since a person vouched for it last. It is not renewed by
// time: a patient attacker has that, and would have a tenth of the fleet after a year.
const (
	budgetShare = 100
	daily       = 24 * time.Hour
)

// Tick admits what the budget allows, at most daily, and takes up what was left undone. What was admitted stands in the
// entries, so a restart gives nobody more.
func (a *Admission) Tick(ctx context.Context) error {
	a.ticking.Lock()
	defer a.ticking.Unlock()
	now := a.Now()
	if !a.last.IsZero() && now.Sub(a.last) < daily && !now.Before(a.last) {
		return nil
	}
	return a.alone(ctx, func(ctx context.Context) error {
		if err := a.spend(ctx, now); err != nil {
			return err
		}
		a.last = now
		_, err := a.apply(ctx)
		return err
	})
}

func (a *Admission) spend(ctx context.Context, now time.Time) error {
	musters, err := a.musters(ctx, "", "", now)
	if err != nil {
		return err
	}
	spent, err := a.spent(ctx)
	if err != nil {
		return err
	}
	all := map[place]*lots{}
	var entries []*fleet.Admission
	for _, m := range musters {
		at := place{m.Model, m.Channel}
		places := max(1, m.Counted/budgetShare) - spent[at]
		if places <= 0 || m.Candidates == 0 {
			continue
		}
		e := &fleet.Admission{Model: m.Model, Channel: m.Channel, At: now, Counted: m.Counted, Candidates: m.Candidates, By: loop}
		entries = append(entries, e)
		all[at] = &lots{entry: e, most: places}
	}
	if len(entries) == 0 {
		return nil
	}
	if err := a.draw(ctx, all); err != nil {
		return err
	}
	var drawn []fleet.Admission
	for _, e := range entries {
		if e.Admitted > 0 {
			drawn = append(drawn, *e)
		}
	}
	return a.store(ctx, drawn, "")
}

// spent is what the loop has admitted since a person vouched last.
func (a *Admission) spent(ctx context.Context) (map[place]int64, error) {
	spent := map[place]int64{}
	err := a.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Admissions().List(ctx)
		for _, e := range all {
			at := place{e.Model, e.Channel}
			if spent[at] += e.Admitted; e.By != loop {
				spent[at] = 0
			}
		}
		return err
	})
	return spent, err
}
