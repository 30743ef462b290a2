// SPDX-License-Identifier: Apache-2.0

package settle

import (
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

// Add adds rollouts by what reports say of them.
func (c Control) Add(all []fleet.Rollout) {
	for _, r := range all {
		c.Rollouts[Going{r.Release, r.Model, r.Channel}] = r
	}
}

// Rollout is that of a state, once its salt was drawn.
func (c Control) Rollout(i *fleet.Installation, at time.Time) (fleet.Rollout, bool) {
	r, ok := c.Rollouts[Going{i.Release, i.Model, i.Channel}]
	return r, ok && !r.Started.After(at)
}

// Held says if an installation that stands as i does was quarantined at a time; zero: is.
func (c Control) Held(i *fleet.Installation, at time.Time) bool {
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

// Counts says if a state counts for its release. It follows from the state and from what people decided, whenever it is
// asked: of the rollout it looks at what held when its newest report came.
func (c Control) Counts(i *fleet.Installation) bool {
	if !i.Member() || i.Verdict == effect.Implausible {
		return false
	}
	asOf := i.Last
	if i.Admitted.After(asOf) {
		asOf = i.Admitted
	}
	r, going := c.Rollout(i, asOf)
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

// Reckon says of each state of h whether it counts.
func (h *Handset) Reckon() {
	for _, s := range h.States {
		was := [2]bool{s.Is.Quarantined, s.Is.Counted}
		s.Is.Quarantined = h.Loaded.Control.Held(&s.Is, time.Time{})
		s.Is.Counted = h.Loaded.Control.Counts(&s.Is)
		if was != [2]bool{s.Is.Quarantined, s.Is.Counted} {
			s.Change()
		}
	}
}

// Admit has h go through an admission.
func (h *Handset) Admit(e fleet.Admission) {
	if h.Current == nil {
		return
	}
	i := &h.Current.Is
	then := *i
	then.Quarantined = h.Loaded.Control.Held(i, e.At)
	if i.Model == e.Model && i.Channel == e.Channel && then.Candidate(e.At) && fleet.Lot(e.Key, i.Ref) <= e.Cutoff {
		h.Current.Change()
		i.Admitted = e.At
		h.Entries = append(h.Entries, e.N)
	}
}

// belong keeps up whether h is of the counted fleet, when a newest report came: the one of another channel is another.
// next is the state that it stands on now, old the one before.
func (h *Handset) belong(next, old *fleet.Installation, channel string, now time.Time) {
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

// Again takes in a report that is stored, and what was decided before it came.
func (h *Handset) Again(at time.Time, a Arrival) (late bool) {
	h.Live(at)
	return h.Take(at, a)
}

// Live has h go through the admissions up to a time that it has not gone through; through all, if the time is zero.
func (h *Handset) Live(until time.Time) {
	all := h.Loaded.Control.Admissions
	for ; h.lived < len(all); h.lived++ {
		if e := all[h.lived]; !until.IsZero() && e.At.After(until) {
			break
		} else if h.Current != nil {
			h.Admit(e)
		}
	}
	if until.IsZero() {
		h.Reckon()
	}
}
