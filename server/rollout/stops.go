// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	"landed/server/fleet"
	"landed/server/reasons"
)

// haltReason says why r must stop, or nothing. Only the counted fleet stops a rollout: what others say may be forged.
func haltReason(r fleet.Rollout, g fleet.Gates, counted fleet.Figures) fleet.Reason {
	if tooManyLeaks(r, g, counted) {
		return reason(reasons.LeaksHalt, "n", counted.Leaked)
	}
	failed, ended := unforgiven(counted.Blamed(), r.Excused), counted.Ended()
	if failed >= minFailures && failing(failed, ended, g) {
		return reason(reasons.FailuresHalt, "failed", failed, "n", ended, "share", allowed(g))
	}
	return fleet.Reason{}
}

// minFailures is how many failures halt at least. Fewer hold: two of three may be chance.
const minFailures = 5

// tooManyLeaks says if leaks halt: a number that people wrote, or else five, two percent of those that run it, and so many
// that it is no chance that more than one percent leak. After a resume the number doubles, from what was known then at
// least.
func tooManyLeaks(r fleet.Rollout, g fleet.Gates, counted fleet.Figures) bool {
	need := max(fleet.DefaultHaltLeaks, (counted.Running()+49)/50)
	if g.HaltLeaks > 0 {
		need = g.HaltLeaks
	}
	if known := int64(r.ForgivenCounted); known > 0 {
		need = 2 * max(need, known)
	}
	leaks := counted.Leaked
	lower, _ := wilson(leaks, max(counted.Judged(), leaks))
	return leaks >= need && (g.HaltLeaks > 0 || lower > 0.01)
}

// holdReason says why r must stay at its share until somebody has looked, or nothing. Anybody's leak holds, and failures
// and losses of the counted fleet. Each hold ends by a resume, which forgives what is known.
func holdReason(r fleet.Rollout, g fleet.Gates, c fleet.Counts) fleet.Reason {
	of := c.Counted
	if leaks := unforgiven(of.Leaked, r.ForgivenCounted); leaks > 0 {
		return reason(reasons.LeaksFound, "n", leaks, "share", r.Share())
	}
	if leaks := unforgiven(c.Leaked, r.Forgiven); leaks > 0 {
		return reason(reasons.LeaksUnconfirmed, "n", leaks, "share", r.Share())
	}
	if failed := unforgiven(of.Blamed(), r.Excused); failed > 1 && failing(failed, of.Ended(), g) {
		return reason(reasons.FailuresFound, "failed", failed, "n", of.Ended(), "share", allowed(g))
	}
	gone := unforgiven(of.Blamed()+of.Lost, r.Excused+r.ExcusedLost)
	if of.Lost > 0 && gone > 1 && failing(gone, of.LostOrEnded(), g) {
		return reason(reasons.LostFound, "lost", of.Lost, "failed", of.Blamed(), "n", of.LostOrEnded(), "share", allowed(g))
	}
	return fleet.Reason{}
}

// leastAgain is how many bad ones hold again at least, once some were forgiven.
const leastAgain = 5

// unforgiven is what has come to what a person forgave: nothing before it is twice as much, and five at least.
func unforgiven(n int64, forgiven int) int64 {
	k := int64(forgiven)
	if k > 0 && n < max(2*k, leastAgain) {
		return 0
	}
	return max(n-k, 0)
}

// failing says if it is no chance that more fail than the gate allows.
func failing(failed, all int64, g fleet.Gates) bool {
	lower, _ := wilson(failed, all)
	return lower > float64(allowed(g))/10_000
}

func allowed(g fleet.Gates) int {
	if g.MaxFailures == 0 {
		return fleet.DefaultMaxFailures
	}
	return g.MaxFailures
}

func hold(r fleet.Rollout, now time.Time, reason fleet.Reason) (fleet.Rollout, []Event) {
	if r.State == fleet.RolloutHeld && r.Held.Equal(reason) {
		return r, nil
	}
	r.State, r.Held, r.Changed = fleet.RolloutHeld, reason, now
	return r, []Event{{"rollout.hold", reasons.Words(reason), true}}
}

func halt(r fleet.Rollout, now time.Time, by string, reason fleet.Reason) fleet.Rollout {
	r.State, r.By, r.Reason, r.Held, r.Changed = fleet.RolloutHalted, by, reason, fleet.Reason{}, now
	return r
}

// forgive notes what is known at a resume: later reports stop the rollout again when they are twice as many.
func forgive(r fleet.Rollout, now time.Time, c fleet.Counts) fleet.Rollout {
	of := c.Counted.At(now)
	r.Forgiven, r.ForgivenCounted = int(c.Leaked), int(of.Leaked)
	r.Excused, r.ExcusedLost = int(of.Blamed()), int(of.Lost)
	return r
}
