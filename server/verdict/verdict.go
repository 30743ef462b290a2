// SPDX-License-Identifier: Apache-2.0

// Package verdict says what the reports of one installation prove.
//
// It promises a class and the reasons for it, in words, computed from the newest report
// alone, the same today and in ten years. It refuses to take installation for effect: a
// patched build that was not tested by a SIM, a network, a boot and a day is
// fleet.NotExercised, and an installation that fell silent before it ran the patch is
// fleet.Unknown. A report is a claim by the handset; the second leg of evidence, a lab
// check of the model, is shown beside it and never mixed in.
package verdict

import (
	"fmt"
	"time"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
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
	Because []string
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
	if because := impostors(s, build); len(because) > 0 {
		return Verdict{fleet.Contradictory, because}
	}
	// What left the handset is the harder fact, whatever else does not fit.
	if because := leaks(r); patched && len(because) > 0 {
		return Verdict{fleet.Leak, because}
	}
	if because := contradictions(r, rule, build); len(because) > 0 {
		return Verdict{fleet.Contradictory, because}
	}
	if patched {
		return judgePatched(e)
	}
	if now.Sub(s.Last) > SilentAfter {
		return Verdict{fleet.Unknown, []string{"no report for more than 15 days, and none from the patched build"}}
	}
	if e.Feature >= 1 {
		return Verdict{fleet.Unpatched, []string{"the running build is not one of this release"}}
	}
	return Verdict{fleet.Unpatched, []string{"the running build has no opt-in"}}
}

// judgePatched judges a build of the release that neither leaked nor contradicted itself.
func judgePatched(e report.Evidence) Verdict {
	switch {
	case e.State == report.StateOn && e.Origin == report.OriginUser:
		return Verdict{fleet.Consented, []string{"on, switched on by the user"}}
	case e.State == report.StateOn:
		return Verdict{fleet.CarriedOver, []string{"still on from before the update; nobody was asked"}}
	}
	for i, slot := range e.Slots {
		if slot.Registered && slot.By == report.RegisteredByAuto {
			return Verdict{fleet.RegisteredByItself, []string{fmt.Sprintf("the switch is off, but SIM slot %d is still registered by itself", i+1)}}
		}
	}
	if because := untested(e); len(because) > 0 {
		return Verdict{fleet.NotExercised, because}
	}
	return Verdict{fleet.ConfirmedOff, []string{
		"off, nothing was sent, and the silence was tested: boot, SIM, data and a full day",
	}}
}

// impostors lists what makes it doubtful that the report speaks for one handset of its model.
func impostors(s Subject, build *Build) []string {
	var because []string
	if s.Cloned {
		because = append(because, "two different reports carried the same sequence number")
	}
	if build != nil && (build.Model != s.Newest.Model || build.Variant != s.Newest.Variant) {
		because = append(because, "the running build is not made for this model and variant")
	}
	return because
}

// contradictions lists what cannot be true at once.
func contradictions(r report.Report, rule Rule, build *Build) []string {
	e := r.Evidence
	var because []string
	say := func(holds bool, words string) {
		if holds {
			because = append(because, words)
		}
	}
	say(build != nil && e.Feature == 0, "the running build is a patched one, but says that it has no opt-in")
	say(r.Progress == report.ProgressRunning && build == nil, "says that the update runs, but the running build is not of this release")
	if e.Feature >= 1 {
		say(e.State == report.StateOn && e.Origin == report.OriginAuto, "an opt-in build that switched itself on")
		say(e.State == report.StateOn && e.Origin == report.OriginFactoryDefault, "an opt-in build that is on by factory default")
		say(e.State == report.StateOn && e.Origin == report.OriginPolicy, "on by a policy that can only switch off")
		say(e.State == report.StateOn && e.Origin == report.OriginUser && e.Consent != report.ConsentIn, "on by the user, without a consent on record")
		say(e.State == report.StateOff && e.Origin == report.OriginCarriedOver, "off, but carried over as on")
		say(e.AutoGate == report.GateOpen, "an opt-in build whose guard against self-activation is open")
		say(e.AttemptsBuild > e.AttemptsSetup, "more self-activations since this build than since set-up")
	}
	say(e.Consent == report.ConsentIn && (e.ConsentDay == "" || e.ConsentDay < rule.Effect.PromptDay), "consent before any build could ask for it")
	return because
}

// leaks lists what left a patched handset that should have been silent.
func leaks(r report.Report) []string {
	e := r.Evidence
	var because []string
	if r.PreviousBuild == "" && e.AttemptsSetup > e.AttemptsBuild {
		because = append(because, fmt.Sprintf("set up on this build, and activated itself %s since", times(e.AttemptsSetup)))
	}
	if e.AttemptsBuild > 0 {
		because = append(because, fmt.Sprintf("activated itself %s since this build first booted", times(e.AttemptsBuild)))
	}
	if e.LookupsOff > 0 {
		because = append(because, fmt.Sprintf("looked up contact numbers %s while switched off", times(e.LookupsOff)))
	}
	if e.Transport == report.TransportHTTP {
		because = append(because, "sent identifiers over plain HTTP")
	}
	return because
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// untested lists the triggers that were not pulled.
func untested(e report.Evidence) []string {
	var because []string
	for _, t := range []struct {
		pulled bool
		words  string
	}{
		{e.Triggers.Boot, "not booted since the update"},
		{e.Triggers.SIMReady, "no SIM was ready since the update"},
		{e.Triggers.DataUp, "no data network since the update"},
		{e.ObservedHours >= 24, fmt.Sprintf("observed for %d of 24 hours", e.ObservedHours)},
	} {
		if !t.pulled {
			because = append(because, t.words)
		}
	}
	return because
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
