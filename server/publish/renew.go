// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Renew does the periodic work that is due: it finishes what was signed or stored but not
// published, renews the online roles, brings the folder up to date, deletes what removed
// packages have left, and raises alarms about offline roles that people have to sign again.
func (p *Publisher) Renew(ctx context.Context) error {
	return errors.Join(p.renew(ctx), p.sweep(ctx))
}

func (p *Publisher) renew(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.load(ctx)
	if err != nil || !s.started() {
		return err
	}
	p.alarm(ctx, s)
	err = errors.Join(p.finishSigned(ctx, s), p.holdUnlisted(ctx), p.publishLocked(ctx, func(s state) (edit, error) { return p.renewal(ctx, s) }))
	if err == nil && (len(p.lost) > 0 || p.behind(ctx)) {
		err = p.heal(ctx)
	}
	return err
}

// behind says if the folder lacks something that was published, here or by another process.
func (p *Publisher) behind(ctx context.Context) bool {
	var newest fleet.Metadata
	err := p.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
		newest, err = tx.Metadata().Latest(ctx, tufrepo.Timestamp)
		return err
	})
	return err == nil && newest.Version > p.written
}

// renewal is what is due by time, and offers that a crash kept from being published.
func (p *Publisher) renewal(ctx context.Context, s state) (edit, error) {
	now := p.now()
	e, err := p.offersEdit(ctx, s, nil)
	if err != nil {
		return e, err
	}
	for _, model := range s.models() {
		role := tufrepo.OffersRole(model)
		if e.roles[role] == nil && p.due(s, role, p.cfg.Expiry.OffersEvery, now) {
			if e.roles[role], err = p.offersRole(s, role, s.info[role].Targets); err != nil {
				return e, err
			}
		}
	}
	e.fresh = p.due(s, tufrepo.Snapshot, p.cfg.Expiry.SnapshotEvery, now)
	if p.due(s, tufrepo.Timestamp, p.cfg.Expiry.TimestampEvery, now) {
		e.record = func(fleet.Tx) error { return nil } // the timestamp alone: nothing to record beside it
	}
	return e, nil
}

// due says if role was published every ago or more, or if more than half of its life is over
// (its life may have been set shorter since), or if handsets may have seen a higher version.
func (p *Publisher) due(s state, role string, every time.Duration, now time.Time) bool {
	info, ok := s.info[role]
	if !ok {
		return false
	}
	if p.next(s, role) > info.Version+1 {
		return true
	}
	at := s.at[role]
	return now.Sub(at) >= every || now.After(at.Add(info.Expires.Sub(at)/2)) || at.After(now.Add(every))
}

// finishSigned publishes changes that have all their signatures but were not published, as
// the server ended between the two.
func (p *Publisher) finishSigned(ctx context.Context, s state) error {
	var open []fleet.Change
	err := p.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
		open, err = tx.Changes().Open(ctx)
		return err
	})
	if err != nil {
		return err
	}
	var faults []error
	for _, c := range open {
		if progress, err := s.progress(c); err != nil || !progress.done() || p.fits(s, c) != nil {
			continue // waits for people, who are told when they look at it
		}
		faults = append(faults, p.publishChange(ctx, c.ID, "landed"))
	}
	return errors.Join(faults...)
}

// alarmAt are the parts of its life, in percent, at which an offline role alarms. At 100 it has
// expired: that of a model stops the handsets of that model, root or targets stop all.
var alarmAt = []int{100, 90, 75, 50}

// alarm says, once per step, which offline roles people have to sign again.
func (p *Publisher) alarm(ctx context.Context, s state) {
	now := p.now()
	offline := append([]string{tufrepo.Root, tufrepo.Targets}, s.models()...)
	for _, role := range slices.Sorted(slices.Values(offline)) {
		info, at := s.info[role], s.at[role]
		life := info.Expires.Sub(at)
		if life <= 0 {
			continue
		}
		over := int(100 * now.Sub(at) / life)
		step := 0
		for _, percent := range alarmAt {
			if over >= percent {
				step = percent
				break
			}
		}
		if step > 0 && p.alarmed[role] != step {
			p.cfg.Log.ErrorContext(ctx, "offline role expires", "role", role, "version", info.Version, "expires", info.Expires, "percent", step)
		}
		p.alarmed[role] = step
	}
}

// Expiring tells, by role, when each published role expires. The last files of a retired model are
// not among them: they may expire, and nobody renews them.
func (p *Publisher) Expiring(ctx context.Context) (map[string]time.Time, error) {
	s, err := p.load(ctx)
	expires := map[string]time.Time{}
	for _, role := range slices.Sorted(maps.Keys(s.info)) {
		if model, _ := tufrepo.ModelRole(role); s.retired(model) {
			continue
		}
		expires[role] = s.info[role].Expires
	}
	return expires, err
}
