// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"slices"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
)

// Witnesses are what the witness handsets of a model say of one rollout: handsets of a lab, for which somebody vouches
// whose key stands in an offline role.
type Witnesses struct {
	All     []Witness // those whose vouchers were not withdrawn, by reference
	Started time.Time // of the rollout
}

// Witness is one handset of a lab, as its reports stand on the release of a rollout.
type Witness struct {
	Ref       report.Reference
	Vouched   []Span    // while somebody vouches for it, or did; none that was withdrawn
	Suspended bool      // people overruled it for this rollout
	Kind      Kind      // of its verdict on the release; "" if it has not reported of it
	Leaked    bool      // it once showed the opposite of the effect, on the release
	Current   bool      // its newest report speaks of the release, on the channel of the rollout
	First     time.Time // when its first report of the release came; zero: as Last
	Last      time.Time // when its newest report of the release came
}

// Span is a time from From on, and before Until.
type Span struct{ From, Until time.Time }

// Covers says if at lies in the span.
func (s Span) Covers(at time.Time) bool { return !at.Before(s.From) && at.Before(s.Until) }

// WitnessFresh is how old a witness's newest report may be to count as proof.
const WitnessFresh = 7 * 24 * time.Hour

// WitnessCounts are witnesses as they stand at one time. Whom nobody vouches for then is none of them.
type WitnessCounts struct {
	Vouched   int64 // the model has so many, whether suspended or not
	Good      int64 // showed the effect, for as long as that takes, and reported lately
	Bad       int64 // showed the opposite
	Suspended int64 // of Vouched; in neither of the others
	Expired   int64 // nobody vouches for them any more, and somebody did while the rollout ran
}

// At counts the witnesses at a time. What a handset has shown before somebody vouched for it counts as well: vouching is
// for the handset. A bad one stays bad however old its report is, and if somebody vouched for it when that came, also when
// nobody does any more.
func (w Witnesses) At(now time.Time) (c WitnessCounts) {
	for _, one := range w.All {
		if !one.vouchedAt(now) {
			if one.badAt(now) {
				c.Bad++
			}
			if one.ranOut(w.Started, now) {
				c.Expired++
			}
			continue
		}
		c.Vouched++
		switch {
		case one.Suspended:
			c.Suspended++
		case one.bad():
			c.Bad++
		case one.Kind == effect.Good && one.Current && now.Sub(one.Last) <= WitnessFresh:
			c.Good++
		}
	}
	return c
}

func (w Witness) vouchedAt(now time.Time) bool {
	return slices.ContainsFunc(w.Vouched, func(s Span) bool { return s.Covers(now) })
}

// ranOut says that somebody vouched for it at a time since, and nobody does now; nobody took that back.
func (w Witness) ranOut(since, now time.Time) bool {
	return !w.vouchedAt(now) && slices.ContainsFunc(w.Vouched, func(s Span) bool { return s.Until.After(since) && !s.From.After(now) })
}

func (w Witness) bad() bool { return w.Leaked || w.Kind == effect.Bad }

// badAt says if it counts as bad at a time: somebody vouches for it then, or did when what is bad came. When it leaked is not
// kept, only that it did, between First and Last: whoever was vouched for in that time is taken to have been.
func (w Witness) badAt(now time.Time) bool {
	since := w.Last
	if w.Leaked && !w.First.IsZero() {
		since = w.First
	}
	return w.bad() && !w.Suspended && (w.vouchedAt(now) || slices.ContainsFunc(w.Vouched, func(s Span) bool {
		return !s.From.After(w.Last) && s.Until.After(since)
	}))
}

// BadAt are the references of those who count as bad at a time: whom people overrule when they resume.
func (w Witnesses) BadAt(now time.Time) (refs []report.Reference) {
	for _, one := range w.All {
		if one.badAt(now) {
			refs = append(refs, one.Ref)
		}
	}
	return refs
}
