// SPDX-License-Identifier: Apache-2.0

package effect

// The judge of Cloud Messaging as it was before an effect became data, in Go, kept to compare with. It judged until
// November 2026, and every figure of that time was made by it.

import (
	"fmt"
	"time"

	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
)

type oldRule struct {
	PromptDay string
	Builds    []Build
}

type oldVerdict struct {
	Class   string
	Because []string
}

// oldSubject is what is judged: the newest report, and what the server knows about it.
type oldSubject struct {
	Newest v1.Body
	Last   time.Time // when it came
	Cloned bool      // two different reports carried one sequence number
}

// oldJudge examines the classes in a fixed order (docs/design/verdict.md); the first that holds counts.
func oldJudge(now time.Time, s oldSubject, rule oldRule) oldVerdict {
	r, e := s.Newest, s.Newest.Evidence
	build, patched := rule.find(r.Build)
	patched = patched && e.Feature >= 1
	if because := impostors(s, build); len(because) > 0 {
		return oldVerdict{"contradictory", because}
	}
	// What left the handset is the harder fact, whatever else does not fit.
	if because := leaks(r); patched && len(because) > 0 {
		return oldVerdict{"leak", because}
	}
	if because := contradictions(r, rule, build); len(because) > 0 {
		return oldVerdict{"contradictory", because}
	}
	if patched {
		return judgePatched(e)
	}
	if now.Sub(s.Last) > SilentAfter {
		return oldVerdict{"unknown", []string{"no report for more than 15 days, and none from the patched build"}}
	}
	if e.Feature >= 1 {
		return oldVerdict{"unpatched", []string{"the running build is not one of this release"}}
	}
	return oldVerdict{"unpatched", []string{"the running build has no opt-in"}}
}

// judgePatched judges a build of the release that neither leaked nor contradicted itself.
func judgePatched(e v1.Evidence) oldVerdict {
	switch {
	case e.State == v1.StateOn && e.Origin == v1.OriginUser:
		return oldVerdict{"consented", []string{"on, switched on by the user"}}
	case e.State == v1.StateOn:
		return oldVerdict{"carried_over", []string{"still on from before the update; nobody was asked"}}
	}
	for i, slot := range e.Slots {
		if slot.Registered && slot.By == v1.RegisteredByAuto {
			return oldVerdict{"registered_by_itself", []string{fmt.Sprintf("the switch is off, but SIM slot %d is still registered by itself", i+1)}}
		}
	}
	if because := untested(e); len(because) > 0 {
		return oldVerdict{"not_exercised", because}
	}
	return oldVerdict{"confirmed_off", []string{
		"off, nothing was sent, and the silence was tested: boot, SIM, data and a full day",
	}}
}

// impostors lists what makes it doubtful that the report speaks for one handset of its model.
func impostors(s oldSubject, build *Build) []string {
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
func contradictions(r v1.Body, rule oldRule, build *Build) []string {
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
		say(e.State == v1.StateOn && e.Origin == v1.OriginAuto, "an opt-in build that switched itself on")
		say(e.State == v1.StateOn && e.Origin == v1.OriginFactoryDefault, "an opt-in build that is on by factory default")
		say(e.State == v1.StateOn && e.Origin == v1.OriginPolicy, "on by a policy that can only switch off")
		say(e.State == v1.StateOn && e.Origin == v1.OriginUser && e.Consent != v1.ConsentIn, "on by the user, without a consent on record")
		say(e.State == v1.StateOff && e.Origin == v1.OriginCarriedOver, "off, but carried over as on")
		say(e.AutoGate == v1.GateOpen, "an opt-in build whose guard against self-activation is open")
		say(e.AttemptsBuild > e.AttemptsSetup, "more self-activations since this build than since set-up")
	}
	say(e.Consent == v1.ConsentIn && (e.ConsentDay == "" || e.ConsentDay < rule.PromptDay), "consent before any build could ask for it")
	return because
}

// leaks lists what left a patched handset that should have been silent.
func leaks(r v1.Body) []string {
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
	if e.Transport == v1.TransportHTTP {
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
func untested(e v1.Evidence) []string {
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

func (r oldRule) find(fingerprint string) (*Build, bool) {
	for i := range r.Builds {
		if r.Builds[i].Fingerprint == fingerprint {
			return &r.Builds[i], true
		}
	}
	return nil, false
}

// oldFoundBefore says what a report of an unpatched build shows about the time before.
func oldFoundBefore(r v1.Body) string {
	e := r.Evidence
	switch {
	case e.Feature >= 1:
		return "not_seen"
	case e.State == v1.StateOff && e.Consent == v1.ConsentOut, e.State == v1.StateOff && e.Origin == v1.OriginUser:
		return "switched_off"
	case e.AttemptsSetup > 0 || e.State == v1.StateOn:
		return "activates_itself"
	}
	for _, s := range e.Slots {
		if s.Registered && s.By == v1.RegisteredByAuto {
			return "activates_itself"
		}
	}
	return "quiet"
}
