// SPDX-License-Identifier: Apache-2.0

// Package rollout decides how a rollout goes on.
//
// Advance is pure: the ledger in server/rollouts loads, calls it, stores and audits; the loop in
// server/intake has the offers published again. It promises that a share never shrinks, that one leak holds and
// leaks of enough installations or of one witness halt, that a halted rollout stays halted until a person
// resumes it, that after whatever it decided by itself a person can let the rollout go on, and that every change comes
// with its reason. It refuses to widen while anything it needs to know is unknown.
package rollout

import (
	"fmt"
	"strings"
	"time"

	"landed/internal/format"
	"landed/server/fleet"
	"landed/server/reasons"
)

// Author is the name under which the loop itself holds, halts and widens.
const Author = "landed"

// Event is one thing that happened to a rollout, for the audit trail and the alarm.
type Event struct {
	Action string // "rollout.widen", "rollout.look", "rollout.hold", "rollout.halt", "rollout.finish"
	Reason string
	Alarm  bool // somebody should look now
}

// Grounds are what is known of a rollout, and decided on. Package grounds loads them.
type Grounds struct {
	Counts fleet.Counts  // of its release, model and channel
	Down   time.Duration // of the time since the stage was entered or resumed, in which reports could not come
	// The clock jumped, and nobody knows how much time passed: nothing follows from that. Halts and holds by what was
	// reported go on.
	Distrusted bool
	Witnesses  fleet.Witnesses // of its model
}

// Advance returns r as it should stand now, given what is known of it, and why.
// Without events r is returned as it was.
func Advance(now time.Time, r fleet.Rollout, known Grounds) (fleet.Rollout, []Event) {
	c := known.Counts
	if r.State == fleet.RolloutHalted || r.Stage >= len(r.Stages) {
		return r, nil
	}
	gates := r.Stages[r.Stage].Gates
	if reason := witnessHalt(now, known.Witnesses); !reason.IsZero() {
		return halt(r, now, Author, reason), []Event{{"rollout.halt", reasons.Words(reason), true}}
	}
	if reason := haltReason(r, gates, c); !reason.IsZero() {
		return halt(r, now, Author, reason), []Event{{"rollout.halt", reasons.Words(reason), true}}
	}
	if reason := holdReason(r, gates, c); !reason.IsZero() {
		return hold(r, now, reason)
	}
	if r.State != fleet.RolloutRunning || known.Distrusted || !due(now, r, known.Down) {
		return r, nil
	}
	if waits := append(missing(r, c), witnessWaits(now, known.Witnesses)...); len(waits) > 0 {
		return look(r, now, waits)
	}
	return widen(r, now, c)
}

// haltReason says why r must stop, or nothing.
func haltReason(r fleet.Rollout, g fleet.Gates, c fleet.Counts) fleet.Reason {
	if leaks := unforgiven(c.Leaked, r.Forgiven); leaks > 0 && tooManyLeaks(leaks, g, c) {
		return reason(reasons.LeaksHalt, "n", leaks)
	}
	if failed := unforgiven(c.Blamed(), r.Excused); failed >= minFailures && failing(failed, g, c) {
		return reason(reasons.FailuresHalt, "failed", failed, "n", c.Ended(), "share", int64(allowed(g)))
	}
	return fleet.Reason{}
}

// holdReason says why r must stay at its share until somebody has looked, or nothing.
func holdReason(r fleet.Rollout, g fleet.Gates, c fleet.Counts) fleet.Reason {
	if leaks := unforgiven(c.Leaked, r.Forgiven); leaks > 0 {
		return reason(reasons.LeaksFound, "n", leaks, "share", int64(r.Share()))
	}
	if failed := unforgiven(c.Blamed(), r.Excused); failed > 1 && failing(failed, g, c) {
		return reason(reasons.FailuresFound, "failed", failed, "n", c.Ended(), "share", int64(allowed(g)))
	}
	return fleet.Reason{}
}

// minFailures is how many failures halt at least. Fewer hold: two of three may be chance, or somebody's forgery.
const minFailures = 5

// unforgiven is what has come to what a person forgave: nothing before it is twice as much, and five more.
func unforgiven(n int64, forgiven int) int64 {
	k := int64(forgiven)
	if k > 0 && n < max(2*k, k+5) {
		return 0
	}
	return max(n-k, 0)
}

// tooManyLeaks says if leaks halt. A number that people wrote stands as it is; otherwise it takes five, two percent of
// those that could be judged, and so many that it is no chance that more than one percent leak.
func tooManyLeaks(leaks int64, g fleet.Gates, c fleet.Counts) bool {
	if g.HaltLeaks > 0 {
		return leaks >= g.HaltLeaks
	}
	lower, _ := wilson(leaks, max(c.Judged(), leaks))
	return leaks >= fleet.DefaultHaltLeaks && leaks*50 >= c.Judged() && lower > 0.01
}

// failing says if it is no chance that more fail than the gate allows.
func failing(failed int64, g fleet.Gates, c fleet.Counts) bool {
	lower, _ := wilson(failed, c.Ended())
	return lower > float64(allowed(g))/10_000
}

func allowed(g fleet.Gates) int {
	if g.MaxFailures == 0 {
		return fleet.DefaultMaxFailures
	}
	return g.MaxFailures
}

// reason is a code with numbers, each after its name.
func reason(code string, values ...any) fleet.Reason {
	r := fleet.Reason{Code: code, Values: map[string]string{}}
	for i := 0; i < len(values); i += 2 {
		r.Values[values[i].(string)] = fmt.Sprint(values[i+1])
	}
	return r
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

// Percent writes hundredths of a percent for people: 150 is "1.5 %".
func Percent(hundredths int) string { return format.Percent(hundredths) }

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// downText writes a time that is over: 18 hours, 3 days.
func downText(d time.Duration) string {
	words, _ := strings.CutSuffix(waitText(d), " have")
	return strings.Replace(words, "minute has", "1 minute", 1)
}

// waitText writes a time to wait for people, rounded up: 18 hours, 3 days.
func waitText(d time.Duration) string {
	ceil := func(unit time.Duration) int64 { return int64((d + unit - 1) / unit) }
	switch day := 24 * time.Hour; {
	case d > 2*day:
		return count(ceil(day), "day") + " have"
	case d > 90*time.Minute:
		return count(ceil(time.Hour), "hour") + " have"
	case d > time.Minute:
		return count(ceil(time.Minute), "minute") + " have"
	}
	return "minute has"
}
