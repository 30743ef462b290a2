// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"landed/manifests/offers"
	"landed/server/fleet"
	"landed/server/reasons"
)

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

// Resume lets a halted or held rollout go on at the share it had. The leaks and failures
// known now are forgiven: later ones hold or halt it again when they are as many again, and five at least.
func Resume(r fleet.Rollout, now time.Time, by, reason string, c fleet.Counts) (fleet.Rollout, error) {
	if err := checkReason(reason, "may go on"); err != nil {
		return r, err
	}
	if r.State != fleet.RolloutHalted && r.State != fleet.RolloutHeld {
		return r, fleet.Errorf(fleet.Conflict, "not_stopped", "the rollout is %s; only a held or halted one can be resumed",
			r.State)
	}
	r.State, r.Held, r.By, r.Reason = fleet.RolloutRunning, fleet.Reason{}, by, fleet.Said(reason)
	r.Since, r.Changed, r.Looked = now, now, time.Time{}
	r.Forgiven, r.Excused = int(c.Leaked), int(c.Blamed())
	return r, nil
}

// AfterLeak says if to resume r would be to go on after a leak: it stopped for one, or for what a witness showed, or leaks
// would be forgiven that nobody forgave yet, whatever it was stopped for.
func AfterLeak(now time.Time, r fleet.Rollout, known Grounds) bool {
	for _, code := range []string{r.Held.Code, r.Reason.Code} {
		if code == reasons.LeaksFound || code == reasons.LeaksHalt || code == reasons.WitnessHalt {
			return true
		}
	}
	return known.Counts.Leaked > int64(r.Forgiven) || len(known.Witnesses.BadAt(now)) > 0
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

// Pause has a rollout stay at its share until it is resumed.
func Pause(r fleet.Rollout, now time.Time, by, reason string) (fleet.Rollout, error) {
	if err := checkReason(reason, "is paused"); err != nil {
		return r, err
	}
	if r.State != fleet.RolloutRunning && r.State != fleet.RolloutFinished {
		return r, fleet.Errorf(fleet.Conflict, "not_running", "the rollout is %s; only one that runs can be paused", r.State)
	}
	r.State, r.Held, r.By, r.Changed = fleet.RolloutHeld, fleet.Said(reason), by, now
	return r, nil
}

// Widen goes to the next stage now, whatever its gates still wait for; after the last stage it is finished.
func Widen(r fleet.Rollout, now time.Time, by, reason string, c fleet.Counts) (fleet.Rollout, error) {
	if err := checkReason(reason, "goes wider"); err != nil {
		return r, err
	}
	if r.State != fleet.RolloutRunning || r.Stage >= len(r.Stages) {
		return r, fleet.Errorf(fleet.Conflict, "not_running", "the rollout is %s; only one that runs can go wider. Resume a held or "+
			"halted one first", r.State)
	}
	next, _ := widen(r, now, c)
	next.By, next.Reason = by, fleet.Said(reason)
	return next, nil
}

// SetStages puts other stages in the place of those that were not reached yet. The list is whole: what was reached stands
// in it as it is.
func SetStages(r fleet.Rollout, now time.Time, by, reason string, stages []fleet.Stage) (fleet.Rollout, error) {
	if err := checkReason(reason, "has other stages"); err != nil {
		return r, err
	}
	if err := fleet.ValidateStages(stages); err != nil {
		return r, &fleet.Error{Kind: fleet.Invalid, Code: "stages", Msg: fleet.InOneLine(err)}
	}
	reached := r.Stages[:min(r.Stage+1, len(r.Stages))]
	if len(stages) < len(reached) || !slices.Equal(stages[:len(reached)], reached) {
		return r, fleet.Errorf(fleet.Conflict, "stages_reached", "stages 1 to %d were reached and stand as they are; begin the "+
			"list with them, and change those that follow", len(reached))
	}
	r.Stages, r.By, r.Reason, r.Changed = slices.Clone(stages), by, fleet.Said(reason), now
	return r, nil
}

// Retry asks handsets that gave up to try again.
func Retry(r fleet.Rollout, now time.Time, reason string) (fleet.Rollout, error) {
	if err := checkReason(reason, "is tried again"); err != nil {
		return r, err
	}
	switch {
	case r.State == fleet.RolloutHalted:
		return r, fleet.Errorf(fleet.Conflict, "not_running", "the rollout is halted; resume it before handsets are asked to try again")
	case r.Retries >= offers.MaxRetry:
		return r, fleet.Errorf(fleet.Conflict, "retries_spent", "handsets were asked to try again %d times, which is the most that "+
			"they follow; make another release", r.Retries)
	}
	r.Retries++
	r.Changed = now
	return r, nil
}
