// SPDX-License-Identifier: Apache-2.0

package support

import "landed/server/fleet"

// Standing is what may be said of a release on one model, in one word. It is for support
// staff: the sentence that goes with it is in web/locales.
type Standing string

// The standings, worst first, as they are examined.
const (
	Retired    Standing = "retired"     // the model was given up: nothing is offered to it any more
	Halted     Standing = "halted"      // somebody, or the loop, stopped the rollout
	Halting    Standing = "halting"     // it is being stopped: handsets are not told so yet
	Leaking    Standing = "leaking"     // at least one handset with the update shows the opposite of its effect
	NotOffered Standing = "not_offered" // no rollout has begun
	Shown      Standing = "shown"       // widely run; nearly all have shown the effect, as far as a sample can tell, none the opposite
	Spreading  Standing = "spreading"   // the same, and most handsets do not run it
	NotShown   Standing = "not_shown"   // enough could be judged, and fewer than half have shown the effect
	Partly     Standing = "partly"      // it works on some; too few to be nearly all
	Testing    Standing = "testing"     // it runs, but too little could be judged so far to say either
	Unclaimed  Standing = "unclaimed"   // it runs, and claims no effect
	Unreadable Standing = "unreadable"  // no release that is published for it can be read
	Waiting    Standing = "waiting"     // offered, and nobody reports to run it yet
	Offered    Standing = "offered"     // offered, and what is shown in public says nothing more
)

// What "shown" asks for. The pages print both figures.
const (
	EnoughJudged  = 5  // installations, before it is said that most have not shown the effect
	ShownPercent  = 90 // have shown it at least, by the lower bound of the interval of those that could be judged
	WidelyPercent = 50 // of all that report run it
)

// standing says how a release stands on one model.
func standing(f Figures, rollouts []Rollout, retired bool) Standing {
	halted, halting := false, false
	for _, r := range rollouts {
		halted, halting = halted || r.State == fleet.RolloutHalted, halting || r.State == fleet.RolloutHalting
	}
	switch {
	case retired:
		return Retired
	case halting:
		return Halting
	case halted:
		return Halted
	case f.Opposite > 0:
		return Leaking
	case len(rollouts) == 0 && f.Running == 0:
		return NotOffered
	case !f.claims && f.Running > 0:
		return Unclaimed
	case !f.claims:
		return Waiting
	case f.ProvenInterval.atLeast(ShownPercent) && f.Running*100 >= WidelyPercent*f.Installations:
		return Shown
	case f.ProvenInterval.atLeast(ShownPercent):
		return Spreading
	case f.MostlyUnproven():
		return NotShown
	case f.Judged >= EnoughJudged && f.ProvenInterval.below(ShownPercent):
		return Partly
	case f.Running > 0 || f.Judged > 0:
		return Testing
	}
	return Waiting
}
