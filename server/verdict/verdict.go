// SPDX-License-Identifier: Apache-2.0

// Package verdict says what the reports of one installation prove.
//
// It promises a class and the reasons for it, as codes, computed from the newest report
// alone, the same today and in ten years. It refuses to take installation for effect: a
// patched build that was not tested by a SIM, a network, a boot and a day is
// fleet.NotExercised, and an installation that fell silent before it ran the patch is
// fleet.Unknown. A report is a claim by the handset; the second leg of evidence, a lab
// check of the model, is shown beside it and never mixed in.
package verdict

import (
	"strconv"
	"time"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/reasons"
)

// SilentAfter is how long an installation that waits for the patch may be silent. It
// reports weekly; two missed reports and a little are silence.
const SilentAfter = 15 * 24 * time.Hour

// Rule is what a release promises for one model.
type Rule struct {
	Effect manifests.Effect
	Builds []Build // every build of this release or a later one that keeps its effect
}

// Build is one patched build and the image variant it is for.
type Build struct {
	Fingerprint, Model, Variant string
}

// Verdict is the class and why.
type Verdict struct {
	Class   fleet.Class
	Because []fleet.Reason
}

func because(codes ...string) (all []fleet.Reason) {
	for _, code := range codes {
		all = append(all, fleet.Reason{Code: code})
	}
	return all
}

func withCount(code, name string, n int) fleet.Reason {
	return fleet.Reason{Code: code, Values: map[string]string{name: strconv.Itoa(n)}}
}

// Subject is what is judged: the newest report, and what the server knows about it.
type Subject struct {
	Newest report.Report
	Last   time.Time // when it came
	Cloned bool      // two different reports carried one sequence number
}

// Judge examines the classes in a fixed order (docs/design/verdict.md); the first that holds counts.
func Judge(now time.Time, s Subject, rule Rule) Verdict {
	r, e := s.Newest, s.Newest.Evidence
	build, patched := rule.find(r.Build)
	patched = patched && e.Feature >= 1
	if found := impostors(s, build); len(found) > 0 {
		return Verdict{fleet.Contradictory, found}
	}
	// What left the handset is the harder fact, whatever else does not fit.
	if found := leaks(r); patched && len(found) > 0 {
		return Verdict{fleet.Leak, found}
	}
	if found := contradictions(r, rule, build); len(found) > 0 {
		return Verdict{fleet.Contradictory, found}
	}
	if patched {
		return judgePatched(e)
	}
	if now.Sub(s.Last) > SilentAfter {
		return Verdict{fleet.Unknown, because(reasons.Silent)}
	}
	return Verdict{fleet.Unpatched, because(reasons.NotOfRelease)}
}

// judgePatched judges a build of the release that neither leaked nor contradicted itself.
func judgePatched(e report.Evidence) Verdict {
	switch {
	case e.State == report.StateOn && e.Origin == report.OriginUser:
		return Verdict{fleet.Consented, because("on_by_user")}
	case e.State == report.StateOn:
		return Verdict{fleet.CarriedOver, because("on_from_before")}
	}
	for i, slot := range e.Slots {
		if slot.Registered && slot.By == report.RegisteredByAuto {
			return Verdict{fleet.RegisteredByItself, because("slot_" + strconv.Itoa(i+1) + "_registered")}
		}
	}
	if found := untested(e); len(found) > 0 {
		return Verdict{fleet.NotExercised, found}
	}
	return Verdict{fleet.ConfirmedOff, because("off_and_tested")}
}

// impostors lists what makes it doubtful that the report speaks for one handset of its model.
func impostors(s Subject, build *Build) []fleet.Reason {
	var codes []string
	if s.Cloned {
		codes = append(codes, reasons.Cloned)
	}
	if build != nil && (build.Model != s.Newest.Model || build.Variant != s.Newest.Variant) {
		codes = append(codes, reasons.OtherModel)
	}
	return because(codes...)
}

// contradictions lists what cannot be true at once.
func contradictions(r report.Report, rule Rule, build *Build) []fleet.Reason {
	e := r.Evidence
	var codes []string
	say := func(holds bool, code string) {
		if holds {
			codes = append(codes, code)
		}
	}
	say(build != nil && e.Feature == 0, "patched_without_feature")
	say(r.Progress == report.ProgressRunning && build == nil, reasons.ClaimsToRun)
	if e.Feature >= 1 {
		say(e.State == report.StateOn && e.Origin == report.OriginAuto, "on_by_itself")
		say(e.State == report.StateOn && e.Origin == report.OriginFactoryDefault, "on_by_default")
		say(e.State == report.StateOn && e.Origin == report.OriginPolicy, "on_by_policy")
		say(e.State == report.StateOn && e.Origin == report.OriginUser && e.Consent != report.ConsentIn, "on_without_consent")
		say(e.State == report.StateOff && e.Origin == report.OriginCarriedOver, "off_carried_over")
		say(e.AutoGate == report.GateOpen, "gate_open")
		say(e.AttemptsBuild > e.AttemptsSetup, "more_since_build")
	}
	say(e.Consent == report.ConsentIn && (e.ConsentDay == "" || e.ConsentDay < rule.Effect.PromptDay), "consent_too_early")
	return because(codes...)
}

// leaks lists what left a patched handset that should have been silent.
func leaks(r report.Report) []fleet.Reason {
	e := r.Evidence
	var found []fleet.Reason
	if r.PreviousBuild == "" && e.AttemptsSetup > e.AttemptsBuild {
		found = append(found, withCount("activated_since_setup", "attempts_setup", e.AttemptsSetup))
	}
	if e.AttemptsBuild > 0 {
		found = append(found, withCount("activated_itself", "attempts_build", e.AttemptsBuild))
	}
	if e.LookupsOff > 0 {
		found = append(found, withCount("looked_up_contacts", "lookups_off", e.LookupsOff))
	}
	if e.Transport == report.TransportHTTP {
		found = append(found, fleet.Reason{Code: "plain_http"})
	}
	return found
}

// untested lists the triggers that were not pulled.
func untested(e report.Evidence) []fleet.Reason {
	var found []fleet.Reason
	for _, t := range []struct {
		pulled bool
		reason fleet.Reason
	}{
		{e.Triggers.Boot, fleet.Reason{Code: "not_booted"}},
		{e.Triggers.SIMReady, fleet.Reason{Code: "no_sim"}},
		{e.Triggers.DataUp, fleet.Reason{Code: "no_data"}},
		{e.ObservedHours >= 24, withCount("not_long_enough", "observed_hours", e.ObservedHours)},
	} {
		if !t.pulled {
			found = append(found, t.reason)
		}
	}
	return found
}

func (r Rule) find(fingerprint string) (*Build, bool) {
	for i := range r.Builds {
		if r.Builds[i].Fingerprint == fingerprint {
			return &r.Builds[i], true
		}
	}
	return nil, false
}

// FoundBefore says what a report of an unpatched build shows about the time before.
func FoundBefore(r report.Report) fleet.Before {
	e := r.Evidence
	switch {
	case e.Feature >= 1:
		return fleet.BeforeUnknown
	case e.State == report.StateOff && e.Consent == report.ConsentOut, e.State == report.StateOff && e.Origin == report.OriginUser:
		return fleet.BeforeOff
	case e.AttemptsSetup > 0 || e.State == report.StateOn:
		return fleet.BeforeActive
	}
	for _, s := range e.Slots {
		if s.Registered && s.By == report.RegisteredByAuto {
			return fleet.BeforeActive
		}
	}
	return fleet.BeforeQuiet
}
