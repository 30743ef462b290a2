// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"slices"
	"strings"
	"testing"

	"landed/manifests/effect"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// class is a verdict as it may be, with the reason that makes a difference.
type class struct {
	name   string
	kind   effect.Kind
	reason string
}

var classes = []class{
	{"own_good", effect.Good, "x"}, {"own_open", effect.Open, "x"}, {"own_bad", effect.Bad, "x"}, {"own_quiet", effect.Unjudged, "x"},
	{effect.Contradictory, effect.Bad, effect.CodeCloned}, {effect.Implausible, effect.Unjudged, effect.CodeTooSoon},
	{effect.Unpatched, effect.Unjudged, effect.CodeNotOfRelease}, {effect.Unknown, effect.Unjudged, effect.CodeSilent},
	{effect.Unknown, effect.Unjudged, effect.CodeNoRule}, {effect.Unknown, effect.Unjudged, effect.CodeNoEffect},
	{effect.Unknown, effect.Unjudged, unreadable},
}

var failures = []*report.Failure{
	nil, {Phase: report.PhaseMetadata, Code: 26}, {Phase: report.PhaseDownload, Code: 9}, {Phase: report.PhaseInstall, Code: 20},
	{
		Phase: report.PhaseInstall,
		Code:  51,
	}, {Phase: report.PhaseInstall, Code: 60}, {Phase: report.PhaseInstall, Code: 9999}, {Phase: report.PhaseBoot, Code: 19},
}

var reasons = []string{
	string(offers.ReasonNothing), string(offers.ReasonWrongModel), string(offers.ReasonWrongVariant), string(offers.ReasonRunning),
	string(offers.ReasonOlder), string(offers.ReasonPreBuild), string(offers.ReasonHalted), string(offers.ReasonOffered),
	string(offers.ReasonNeeds), DependsOnDraw, ModelRetired, NoRollout,
}

// all gives every combination of facts.
func all(yield func(Facts)) {
	for _, c := range classes {
		for _, sw := range []Switch{NotAsked, On, Off} {
			for n := range 1 << 4 { // looked, more, by hand, asked
				for _, progress := range report.ProgressValues {
					for _, failure := range failures {
						for _, days := range []int{Recent, Recent + 1} {
							for _, reason := range reasons {
								for _, is := range []string{"", "held", "halting"} {
									yield(
										Facts{
											Class:    c.name,
											Kind:     c.kind,
											Reason:   c.reason,
											Switch:   sw,
											Looked:   n&1 > 0,
											More:     n&2 > 0,
											ByHand:   n&4 > 0,
											Asked:    n&8 > 0,
											Progress: progress,
											Failure:  failure,
											Family:   "ab",
											Days:     days,
											Offer: Offer{
												Reason:  reason,
												Held:    is == "held",
												Halting: is == "halting",
												Another: n&12 == 12,
											},
										},
									)
								}
							}
						}
					}
				}
			}
		}
	}
}

// promises are the codes by which somebody is told that the update comes, or is tried, by itself.
var promises = []string{"say.failed", "say.asked", "say.downloading", "say.offered", "say.turn"}

// TestEveryCombination holds that no two things that are said contradict each other.
func TestEveryCombination(t *testing.T) {
	n, faults := 0, 0
	seen := map[Situation]bool{}
	all(func(f Facts) {
		n++
		a := Of(f)
		seen[a.Say] = true
		codes := slices.Clone(a.Tell)
		for _, step := range a.Do {
			codes = append(codes, "do."+step.Code)
			if step.Who == "" {
				codes = append(codes, "")
			}
		}
		has := func(code string) bool { return slices.Contains(codes, code) }
		promised := slices.ContainsFunc(promises, has) || a.Offer == "tries_again" || a.Offer == "begun"
		ended := f.Offer.Reason == ModelRetired || f.Offer.Reason == "halted" || f.Offer.Halting && f.Offer.Reason == "offered" ||
			a.Failure != nil && a.Failure.GaveUp || f.Offer.Reason == NoRollout || f.Offer.Reason == "wrong_variant"
		for _, is := range []struct {
			what string
			bad  bool
		}{
			{"something is empty", a.Say == "" || a.Was == "" || len(a.Do) == 0 || len(a.Tell) == 0 || a.Offer == "" || has("")},
			{"the update is promised", ended && promised},
			{"it is told to switch off", f.Switch == Off && (has("by_hand") || has("do.by_hand"))},
			{"the words of a class that ended", f.Switch == Off && f.Kind == effect.Bad && !f.Looked && (has("do.class") ||
				has("do.class_if") || has("say.class"))},
			{"a failure without a cause", f.Failure != nil && (a.Failure == nil || a.Failure.Cause == "" || a.Failure.Remedy == "")},
			{"a failure without a remedy", a.Failure != nil && !has("remedy."+string(a.Failure.Remedy)) &&
				(a.Failure.Remedy != PassOn || !f.knows(false))},
			{"a remedy that nobody does", a.Failure != nil && a.Failure.Remedy != PassOn && !has("do.remedy."+string(a.Failure.Remedy)) &&
				(a.Failure.Remedy.Who() != Engineers || !has("do.known.engineers"))},
			{"what was given up is not named", a.Failure != nil && a.Failure.GaveUp && f.Offer.Reason == "offered" &&
				!f.Offer.Halting && a.Offer != "gave_up"},
			{"nothing, beside something", has("do.nothing") && len(a.Do) > 1},
			{"the present of an old report", f.Days > Recent && a.Say != Unreadable && slices.ContainsFunc(a.Tell,
				func(c string) bool { return strings.HasPrefix(c, "say.") })},
			{"an old report, and nobody checks", f.Days > Recent && a.Say != Unreadable && !has("do.check")},
			{"asked for what nobody will do", has("ask_retry") && ended && (a.Failure == nil || !a.Failure.GaveUp ||
				f.Offer.Reason == ModelRetired || f.Offer.Reason == "halted")},
			{"said twice", twice(codes)},
		} {
			if faults < 10 && is.bad {
				faults++
				t.Errorf("%s: %+v, failure %+v: %+v", is.what, f, f.Failure, a)
			}
		}
	})
	for _, s := range Situations {
		if !seen[s] {
			t.Errorf("no facts lead to %s", s)
		}
	}
	if len(seen) != len(Situations) {
		t.Errorf("%d situations are listed, and %d were met", len(Situations), len(seen))
	}
	t.Logf("%d combinations", n)
}

func twice(codes []string) bool {
	for i, c := range codes {
		if slices.Contains(codes[:i], c) {
			return true
		}
	}
	return false
}

// TestExplain: whatever its phase, its code and the family of the model, a failure has a cause that there are words for, and a
// remedy that is listed; and no code is in two places.
func TestExplain(t *testing.T) {
	causes := Causes()
	if twice := len(causes) - len(slices.Compact(slices.Clone(causes))); twice > 0 {
		t.Errorf("%d codes have two remedies", twice)
	}
	for _, phase := range []report.Phase{report.PhaseMetadata, report.PhaseDownload, report.PhaseVerify, report.PhaseInstall,
		report.PhaseBoot, "new"} {
		for code := range 10_000 {
			for _, family := range []string{"ab", "file", "block", ""} {
				cause, remedy := Explain(report.Failure{Phase: phase, Code: code}, family)
				if !slices.Contains(causes, cause) || !slices.Contains(Remedies, remedy) {
					t.Fatalf("%s %d on %q: %q, %q", phase, code, family, cause, remedy)
				}
			}
		}
	}
	for _, tt := range []struct {
		phase         report.Phase
		code          int
		family, cause string
		remedy        Remedy
	}{
		{report.PhaseInstall, 20, "ab", "engine.20", Full}, {report.PhaseInstall, 20, "file", "recovery.20", Charge},
		{report.PhaseVerify, 21, "file", "recovery.21", Package}, {report.PhaseVerify, 21, "ab", "engine.21", Package},
		{report.PhaseInstall, 14, "file", "engine.14", Storage}, {report.PhaseDownload, 60, "file", "engine.60", Room},
		{report.PhaseBoot, 20, "file", "boot", Build}, {report.PhaseDownload, 2404, "ab", "http", Server},
		{report.PhaseDownload, 2511, "ab", "way", Connect}, {report.PhaseInstall, 1001, "block", "recovery.system", Full},
		{report.PhaseInstall, 117, "file", "recovery.io", Storage}, {report.PhaseInstall, 117, "ab", "other", PassOn},
		{report.PhaseMetadata, 26, "ab", "metadata", Server}, {report.PhaseInstall, 26, "ab", "engine.26", Package},
	} {
		if cause, remedy := Explain(report.Failure{Phase: tt.phase, Code: tt.code}, tt.family); cause != tt.cause ||
			remedy != tt.remedy {
			t.Errorf("%s %d on %s: %s, %s; wanted %s, %s", tt.phase, tt.code, tt.family, cause, remedy, tt.cause, tt.remedy)
		}
	}
}
