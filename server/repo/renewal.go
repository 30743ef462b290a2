// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"slices"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Renew does what is due by time: it renews the online roles, together with what change wants to
// publish, brings the folder up to date, and raises alarms about offline roles that people have to
// sign again.
func (r *Repo) Renew(ctx context.Context, change Change) error {
	return r.Exclusive(ctx, func(w *Writer) error {
		s, err := r.State(ctx)
		if err == nil && !s.Started() {
			err = r.folder.ensure()
		}
		if err != nil || !s.Started() {
			return err
		}
		w.alarm(ctx, s)
		err = w.Publish(ctx, func(s State) (Edit, error) { return w.renewal(s, change) })
		if err == nil && (w.lacks() || w.lags(ctx)) {
			err = w.healed(ctx)
		}
		return err
	})
}

// renewal is what is due by time, beside what change wants.
func (w *Writer) renewal(s State, change Change) (Edit, error) {
	r, now := w.repo, w.repo.Now()
	e, err := change(s)
	if err != nil {
		return e, err
	}
	if e.Offers == nil {
		e.Offers = map[string][]tufrepo.Target{}
	}
	for _, model := range s.Models() {
		role := tufrepo.OffersRole(model)
		if _, changes := e.Offers[role]; !changes && s.due(role, r.cfg.Expiry.OffersEvery, now) {
			e.Offers[role] = s.info[role].Targets
		}
	}
	e.Fresh = e.Fresh || s.due(tufrepo.Snapshot, r.cfg.Expiry.SnapshotEvery, now)
	if e.Record == nil && s.due(tufrepo.Timestamp, r.cfg.Expiry.TimestampEvery, now) {
		e.Record = func(fleet.Tx) error { return nil } // the timestamp alone: nothing to record beside it
	}
	return e, nil
}

// due says if role was published every ago or more, or if more than half of its life is over
// (its life may have been set shorter since), or if handsets may have seen a higher version.
func (s State) due(role string, every time.Duration, now time.Time) bool {
	info, ok := s.info[role]
	if !ok {
		return false
	}
	if s.Next(role) > info.Version+1 {
		return true
	}
	at := s.at[role]
	return now.Sub(at) >= every || now.After(at.Add(info.Expires.Sub(at)/2)) || at.After(now.Add(every))
}

// alarmAt are the parts of its life, in percent, at which an offline role alarms. At 100 it has
// expired: that of a model stops the handsets of that model, root or targets stop all.
var alarmAt = []int{100, 90, 75, 50}

// alarm says, once per step, which offline roles people have to sign again.
func (w *Writer) alarm(ctx context.Context, s State) {
	now := w.repo.Now()
	offline := append([]string{tufrepo.Root, tufrepo.Targets}, s.Models()...)
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
		if step > 0 && w.alarmed[role] != step {
			w.repo.cfg.Log.ErrorContext(ctx, "offline role expires", "role", role, "version", info.Version, "expires",
				info.Expires, "percent", step)
		}
		w.alarmed[role] = step
	}
}
