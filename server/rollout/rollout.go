// SPDX-License-Identifier: Apache-2.0

// Package rollout decides how a rollout goes on.
//
// Advance is pure: the ledger in server/rollouts loads, calls it, stores and audits; the loop in
// server/intake has the offers published again. It promises that a share never shrinks, that one leak holds and
// leaks of several installations halt, that a halted rollout stays halted until a person
// resumes it, and that every change comes with its reason. It refuses to widen while
// anything it needs to know is unknown.
package rollout

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"landed/internal/format"
	"landed/server/fleet"
	"landed/server/reasons"
)

// Author is the name under which the loop itself holds, halts and widens.
const Author = "landed"

// Event is one thing that happened to a rollout, for the audit trail and the alarm.
type Event struct {
	Action string // "rollout.widen", "rollout.hold", "rollout.halt", "rollout.finish"
	Reason string
	Alarm  bool // somebody should look now
}

// Advance returns r as it should stand now, given the counts of its model, and why.
// Without events r is returned as it was.
func Advance(now time.Time, r fleet.Rollout, c fleet.Counts) (fleet.Rollout, []Event) {
	if r.State == fleet.RolloutHalted || r.Stage >= len(r.Stages) {
		return r, nil
	}
	gates := r.Stages[r.Stage].Gates
	if reason := haltReason(r, gates, c); !reason.IsZero() {
		return halt(r, now, Author, reason), []Event{{"rollout.halt", reasons.Words(reason), true}}
	}
	if leaks := c.Leaked - int64(r.Forgiven); leaks > 0 {
		return hold(r, now, reason(reasons.LeaksFound, "n", leaks, "share", int64(r.Share())))
	}
	if r.State != fleet.RolloutRunning {
		return r, nil
	}
	if len(Waiting(now, r, c)) > 0 {
		return r, nil
	}
	return widen(r, now, c)
}

// haltReason says why r must stop, or nothing.
func haltReason(r fleet.Rollout, g fleet.Gates, c fleet.Counts) fleet.Reason {
	limit := g.HaltLeaks
	if limit == 0 {
		limit = fleet.DefaultHaltLeaks
	}
	if leaks := c.Leaked - int64(r.Forgiven); leaks >= limit {
		return reason(reasons.LeaksHalt, "n", leaks)
	}
	allowed := g.MaxFailures
	if allowed == 0 {
		allowed = fleet.DefaultMaxFailures
	}
	if share(c.Failed(), c.Began()) > allowed && c.Began() >= minToJudge {
		return reason(reasons.FailuresHalt, "failed", c.Failed(), "n", c.Began(), "share", int64(allowed))
	}
	return fleet.Reason{}
}

// reason is a code with numbers, each after its name.
func reason(code string, values ...any) fleet.Reason {
	r := fleet.Reason{Code: code, Values: map[string]string{}}
	for i := 0; i < len(values); i += 2 {
		r.Values[values[i].(string)] = fmt.Sprint(values[i+1])
	}
	return r
}

// minToJudge keeps one early failure among two from halting a fleet.
const minToJudge = 20

// Waiting lists what must come true before the current stage may widen, each in words that
// go on from "when"; nothing means that it may.
func Waiting(now time.Time, r fleet.Rollout, c fleet.Counts) []string {
	if r.Stage >= len(r.Stages) {
		return nil
	}
	s := r.Stages[r.Stage]
	var waits []string
	if left := s.Soak - now.Sub(r.Since); left > 0 {
		waits = append(waits, "another "+waitText(left)+" passed")
	}
	if c.Judged() < s.Gates.MinReports {
		waits = append(waits, fmt.Sprintf("at least %s could be judged, now %d", count(s.Gates.MinReports, "installation"),
			c.Judged()))
	}
	if proven := share(c.Proven(), c.Judged()); s.Gates.MinProven > 0 && proven < s.Gates.MinProven {
		waits = append(waits, fmt.Sprintf("at least %s of those are proven, now %s", format.Percent(s.Gates.MinProven),
			format.Percent(proven)))
	}
	return waits
}

func widen(r fleet.Rollout, now time.Time, c fleet.Counts) (fleet.Rollout, []Event) {
	if r.Stage == len(r.Stages)-1 {
		r.State, r.Changed = fleet.RolloutFinished, now
		return r, []Event{{"rollout.finish", fmt.Sprintf("the last stage passed its gates with %d of %s proven; "+
			"late joiners are included",
			c.Proven(), count(c.Judged(), "judged installation")), false}}
	}
	r.Stage++
	r.Since, r.Changed = now, now
	return r, []Event{{"rollout.widen", fmt.Sprintf("stage %d of %d: %s of the fleet", r.Stage+1, len(r.Stages),
		format.Percent(r.Share())), false}}
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

// Halt stops r at once. Anybody in charge may; it never needs a second person.
func Halt(r fleet.Rollout, now time.Time, by, reason string) (fleet.Rollout, error) {
	if err := checkReason(reason, "is halted"); err != nil {
		return r, err
	}
	if r.State == fleet.RolloutHalted {
		return r, fleet.Errorf(fleet.Conflict, "already_halted", "the rollout is halted already, by %s: %s",
			r.By, reasons.Words(r.Reason))
	}
	return halt(r, now, by, fleet.Said(reason)), nil
}

// Resume lets a halted or held rollout go on at the share it had. The leaks known now are
// forgiven: only new ones hold or halt it again.
func Resume(r fleet.Rollout, now time.Time, by, reason string, c fleet.Counts) (fleet.Rollout, error) {
	if err := checkReason(reason, "may go on"); err != nil {
		return r, err
	}
	if r.State != fleet.RolloutHalted && r.State != fleet.RolloutHeld {
		return r, fleet.Errorf(fleet.Conflict, "not_stopped", "the rollout is %s; only a held or halted one can be resumed",
			r.State)
	}
	r.State, r.Held, r.By, r.Reason = fleet.RolloutRunning, fleet.Reason{}, by, fleet.Said(reason)
	r.Since, r.Changed, r.Forgiven = now, now, int(c.Leaked)
	return r, nil
}

// maxReason is how many letters a reason may have: a support person reads it out.
const maxReason = 300

func checkReason(reason, what string) error {
	switch {
	case strings.TrimSpace(reason) == "":
		return fleet.Errorf(fleet.Invalid, "reason_missing", "say why the rollout %s; support staff will read it out", what)
	case utf8.RuneCountInString(reason) > maxReason || strings.ContainsAny(reason, "\r\n"):
		return fleet.Errorf(fleet.Invalid, "reason_too_long", "support staff read the reason out: "+
			"one line of at most %d letters; put the rest where people discuss it", maxReason)
	}
	return nil
}

// share is part of whole in hundredths of a percent, 0 of nothing.
func share(part, whole int64) int {
	if whole <= 0 {
		return 0
	}
	return int(part * 10_000 / whole)
}

// Percent writes hundredths of a percent for people: 150 is "1.5 %".
func Percent(hundredths int) string { return format.Percent(hundredths) }

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
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
