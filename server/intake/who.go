// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"time"

	"landed/manifests/effect"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/server/fleet"
)

// Control is what people decided, as far as it says who counts.
type Control struct {
	Rollouts    map[Going]fleet.Rollout
	Quarantines []fleet.Quarantine // lifted ones too
	Admissions  []fleet.Admission  // in their order; of a batch of reports there are none: they are gone through by Reckon
}

// Going names a rollout by what reports say.
type Going struct{ Release, Model, Channel string }

// loadControl reads what the reports of some models and channels need; of all, if there are none.
func loadControl(ctx context.Context, tx fleet.ControlTx, of ...Going) (c Control, err error) {
	if c.Quarantines, err = tx.Quarantines().List(ctx); err != nil {
		return c, err
	}
	c.Rollouts = map[Going]fleet.Rollout{}
	seen := map[Going]bool{}
	for _, g := range of {
		if g.Release = ""; seen[g] {
			continue
		}
		seen[g] = true
		all, err := tx.Rollouts().OfModel(ctx, g.Model, g.Channel)
		if err != nil {
			return c, err
		}
		c.add(all)
	}
	if len(of) > 0 {
		return c, nil
	}
	if c.Admissions, err = tx.Admissions().List(ctx); err != nil {
		return c, err
	}
	all, err := tx.Rollouts().List(ctx)
	c.add(all)
	return c, err
}

func (c Control) add(all []fleet.Rollout) {
	for _, r := range all {
		c.Rollouts[Going{r.Release, r.Model, r.Channel}] = r
	}
}

// rollout is that of a state, once its salt was drawn.
func (c Control) rollout(i *fleet.Installation, at time.Time) (fleet.Rollout, bool) {
	r, ok := c.Rollouts[Going{i.Release, i.Model, i.Channel}]
	return r, ok && !r.Started.After(at)
}

// held says if an installation that stands as i does was quarantined at a time; zero: is.
func (c Control) held(i *fleet.Installation, at time.Time) bool {
	for _, q := range c.Quarantines {
		if !at.IsZero() {
			if q.At.After(at) {
				continue
			}
			if q.Lifted.After(at) {
				q.Lifted = time.Time{}
			}
		}
		if q.Covers(*i) {
			return true
		}
	}
	return false
}

// counts says if a state counts for its release. It follows from the state and from what people decided, whenever it is
// asked: of the rollout it looks at what held when its newest report came.
func (c Control) counts(i *fleet.Installation) bool {
	if !i.Member() || i.Verdict == effect.Implausible {
		return false
	}
	asOf := i.Last
	if i.Admitted.After(asOf) {
		asOf = i.Admitted
	}
	r, going := c.rollout(i, asOf)
	// Who waits keeps its draw, so it must not have shown anything: progress is what the report says of itself.
	waits := i.Progress == report.ProgressKnown && i.Kind == effect.Unjudged && !i.Leaked
	if !going {
		return waits // who has begun what nobody was offered shows nothing of a stage
	}
	if !i.Admitted.Before(r.Started) || i.Absent || i.OutOfDraw {
		return false
	}
	share := r.ShareAt(i.Last)
	return waits || share >= offers.WholeFleet || i.Drawn >= 0 && i.Drawn < share
}

// reckon says of each state of h whether it counts.
func (h *handset) reckon() {
	for _, s := range h.states {
		was := [2]bool{s.is.Quarantined, s.is.Counted}
		s.is.Quarantined = h.loaded.Control.held(&s.is, time.Time{})
		s.is.Counted = h.loaded.Control.counts(&s.is)
		if was != [2]bool{s.is.Quarantined, s.is.Counted} {
			s.change()
		}
	}
}

// admit has h go through an admission.
func (h *handset) admit(e fleet.Admission) {
	if h.current == nil {
		return
	}
	i := &h.current.is
	then := *i
	then.Quarantined = h.loaded.Control.held(i, e.At)
	if i.Model == e.Model && i.Channel == e.Channel && then.Candidate(e.At) && fleet.Lot(e.Key, i.Ref) <= e.Cutoff {
		h.current.change()
		i.Admitted = e.At
	}
}

// belong keeps up whether h is of the counted fleet, when a newest report came: the one of another channel is another.
// next is the state that it stands on now, old the one before.
func (h *handset) belong(next, old *fleet.Installation, channel string, now time.Time) {
	if next.Channel != channel {
		next.Commit, next.Drawn = "", -1
	}
	if old == nil {
		return
	}
	next.Admitted, next.Away, next.Back = old.Admitted, old.Away, old.Back
	if old.Channel != channel {
		next.Admitted = time.Time{}
	}
	if gone := old.Last.Add(fleet.HeardWithin); now.After(gone) {
		next.Away, next.Back = gone, now
	}
}

// again takes in a report that is stored, and what was decided before it came.
func (h *handset) again(at time.Time, a Arrival) (late bool) {
	h.live(at)
	return h.take(at, a)
}

// live has h go through the admissions up to a time that it has not gone through; through all, if the time is zero.
func (h *handset) live(until time.Time) {
	all := h.loaded.Control.Admissions
	for ; h.lived < len(all); h.lived++ {
		if e := all[h.lived]; !until.IsZero() && e.At.After(until) {
			break
		} else if h.current != nil {
			h.admit(e)
		}
	}
	if until.IsZero() {
		h.reckon()
	}
}
