// SPDX-License-Identifier: Apache-2.0

package support

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/internal/race"
	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/release"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/support/advice"
	"landed/web"
)

// adviser is what puts facts into words, without a store.
type adviser struct {
	pages installationPages
	words *dictionary
}

func newAdviser(t testing.TB) adviser {
	t.Helper()
	locale, err := web.NewLocale(english)
	if err != nil {
		t.Fatal(err)
	}
	line := &lineup{catalogue: manifests.DefaultCatalogue}
	return adviser{installationPages{lineup: line, locale: locale}, newDictionary(locale)}
}

// stance is how an installation stands: what it answers, and what follows from it.
type stance struct {
	lex     lexicon
	answers probe.Answers
	verdict effect.Verdict
}

// stances judges every combination of the answers that make a difference, as reports of the release and of an older build, and gives
// those that differ in what is said of them.
func stances(t testing.TB, words *dictionary) []stance {
	t.Helper()
	var out []stance
	seen := map[string]bool{}
	for _, name := range []string{"cloud-messaging-opt-in", "app-list-upload-off", "build-runs", ""} {
		by, lex := effect.Standard{Builds: []effect.Build{{Fingerprint: "new", Model: "armani", Variant: "armani"}}}, words.plain
		var probes []probe.Probe
		if name != "" {
			source := fmt.Sprintf("schema: 2\nrelease: one\ncounter: 1\neffect: {use: %s}\nnotes: {en: One.}\n", name)
			r, err := release.Parse([]byte(source))
			if err != nil {
				t.Fatal(err)
			}
			if by.Program, err = effect.Compile(*r.Effect); err != nil {
				t.Fatal(err)
			}
			lex, probes = newLexicon(words.locale, r.Effect), r.Effect.Probes
		}
		for answers := range answersTo(probes) {
			for build, progress := range map[string]report.Progress{"new": report.ProgressRunning, "old": report.ProgressKnown} {
				newest := report.Report{Model: "armani", Variant: "armani", Build: build, Progress: progress, Answers: answers}
				v := effect.Judge(now, effect.Subject{Newest: newest, Last: now}, by)
				sw := lex.switchOf(report.Report{Answers: answers})
				key := fmt.Sprint(name, v.Class, v.Because[0].Code, sw != nil, sw != nil && sw.Off)
				if !seen[key] {
					seen[key] = true
					out = append(out, stance{lex, answers, v})
				}
			}
		}
		out = append(
			out,
			lex.stands(effect.Unknown, effect.Unjudged, effect.CodeSilent),
			lex.stands(
				effect.Implausible,
				effect.Unjudged,
				effect.CodeTooSoon,
			),
			lex.stands(effect.Contradictory, effect.Bad, effect.CodeCloned),
		)
	}
	return append(out, words.unread.stands(effect.Unknown, effect.Unjudged, "unreadable"))
}

// stands is a stance that follows from no answer.
func (l lexicon) stands(class string, kind effect.Kind, code string) stance {
	return stance{l, nil, effect.Verdict{Class: class, Kind: kind, Because: []effect.Reason{{Code: code}}}}
}

// answersTo gives every combination of the first and the last answer to each probe, and of every word of its switch.
func answersTo(probes []probe.Probe) func(func(probe.Answers) bool) {
	sw, _ := probe.Ask{Probes: probes}.Switch()
	return func(yield func(probe.Answers) bool) {
		var fill func(n int, a probe.Answers) bool
		fill = func(n int, a probe.Answers) bool {
			if n == len(probes) {
				copied := probe.Answers{}
				for k, v := range a {
					copied[k] = v
				}
				return yield(copied)
			}
			for _, v := range few(probes[n], probes[n].Name == sw.Name) {
				if a[probes[n].Name] = v; !fill(n+1, a) {
					return false
				}
			}
			return true
		}
		fill(0, probe.Answers{})
	}
}

// few are answers to a probe that make a difference.
func few(p probe.Probe, all bool) []probe.Value {
	var out []probe.Value
	for _, w := range p.Values {
		out = append(out, probe.Word(w))
	}
	switch {
	case p.Kind == probe.KindBool:
		return []probe.Value{probe.Bool(true)} // what was not tried is told as any class that says nothing yet
	case p.Kind == probe.KindInt && len(p.Buckets) > 0:
		return []probe.Value{probe.Int(p.Buckets[0]), probe.Int(p.Buckets[len(p.Buckets)-1])}
	case p.Kind == probe.KindInt:
		return []probe.Value{probe.Int(p.Max)}
	case all:
		return out
	case p.Name == "origin":
		return []probe.Value{probe.Word("user"), probe.Word("carried_over"), probe.Word("policy")}
	case p.Name == "auto_gate":
		return []probe.Value{probe.Word("closed")}
	case p.Name == "slot_1":
		return []probe.Value{probe.Word("free"), probe.Word("auto")}
	case p.Name == "slot_2":
		return []probe.Value{probe.Word("absent")}
	case p.Name == "transport":
		return []probe.Value{probe.Word("https"), probe.Word("http")}
	case p.Name == "consent_when":
		return []probe.Value{probe.Word("since_prompt")}
	}
	return out
}

// advised gives the answer about an installation that stands so; nil if the very codes were seen.
func (a adviser) advised(
	s stance, progress report.Progress, failure *report.Failure, offer Offer, days int, more bool, seen map[string]bool,
) *InstallationPage {
	last := now.Add(-time.Duration(days) * 24 * time.Hour)
	i := fleet.Installation{Ref: "0123456789ABCDEFGHJKMNPQ", Release: "one", Model: "armani", Channel: "stable", Progress: progress,
		Last: last, First: last, Verdict: fleet.Class(s.verdict.Class), Kind: s.verdict.Kind, Because: s.verdict.Because,
		Newest: report.Report{Answers: s.answers, Failure: failure, Progress: progress, Attempt: 3}}
	v := a.pages.page(i, s.lex)
	v.Offer, v.Advice.Days = offer, days
	f, data := factsOf(v, i, s.lex, "file", course{since: last, more: more})
	answer := advice.Of(f)
	codes := fmt.Sprint(s.lex.name(), s.verdict.Class, f.Reason, f.Switch, f.Looked, answer.Say, answer.Recent, answer.Do, answer.Tell,
		answer.Offer, answer.Failure != nil && answer.Failure.GaveUp, failure)
	if seen[codes] {
		return nil
	}
	seen[codes] = true
	a.pages.word(v, answer, data, f)
	return v
}

var failuresMet = []*report.Failure{
	nil, {Phase: report.PhaseMetadata, Code: 26}, {Phase: report.PhaseDownload, Code: 9}, {Phase: report.PhaseInstall, Code: 20},
	{Phase: report.PhaseVerify, Code: 51}, {Phase: report.PhaseDownload, Code: 60}, {Phase: report.PhaseInstall, Code: 9999},
	{Phase: report.PhaseBoot, Code: 19},
}

// TestWordsOfEveryCombination holds every answer that can be given, word by word, against what must never be said.
func TestWordsOfEveryCombination(t *testing.T) {
	if race.Detector {
		t.Skip("one goroutine for a minute: told without the race detector")
	}
	a := newAdviser(t)
	seen, faults, n := map[string]bool{}, 0, 0
	for _, s := range stances(t, a.words) {
		for _, progress := range report.ProgressValues {
			for _, failure := range failuresMet {
				for _, days := range []int{14, 15} {
					for _, offer := range offersMade() {
						for more := range 2 {
							if more == 1 && failure == nil && s.verdict.Kind != effect.Bad {
								continue // it makes no difference
							}
							offer.asked = more == 1
							v := a.advised(s, progress, failure, offer, days, more == 1, seen)
							if n++; v == nil || faults > 10 {
								continue
							}
							for _, fault := range faultsOf(failure, v) {
								faults++
								t.Errorf(
									"%s: %s, %v, %s; offer %s, %s; %d days:\n%+v",
									fault,
									progress,
									failure,
									s.verdict.Class,
									offer.Reason,
									offer.State,
									days,
									v.Advice,
								)
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d combinations, %d answers", n, len(seen))
}

// offersMade are all that can be offered, and how the rollout stands where that makes a difference.
func offersMade() (all []Offer) {
	for _, reason := range []string{"nothing_offered", "wrong_variant", "already_running", "older_than_running",
		"other_source_build", "halted",
		"needs_newer_program", advice.ModelRetired} {
		all = append(all, Offer{Reason: reason, Share: 1000, Stage: 1, Stages: 4, release: "one"})
	}
	for _, reason := range []string{"offered", advice.DependsOnDraw} {
		for _, state := range []string{"running", "held", "halting"} {
			all = append(all, Offer{Reason: reason, State: state, Share: 1000, Stage: 1, Stages: 4, release: "one"})
		}
	}
	return all
}

// faultsOf lists what is wrong with an answer in English.
func faultsOf(failure *report.Failure, v *InstallationPage) (faults []string) {
	all := strings.Join([]string{v.Advice.Say, v.Do, v.Tell, v.Offer.Words, v.Advice.Age}, " ")
	has := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(all), text) })
	}
	fault := func(is bool, what string) {
		if is {
			faults = append(faults, what)
		}
	}
	gone := slices.Contains([]string{"halted", advice.ModelRetired, "wrong_variant", "older_than_running", "other_source_build",
		"nothing_offered"}, v.Offer.Reason)
	failed, off := v.Advice.Failure, v.Advice.Switch != nil && v.Advice.Switch.Off
	gaveUp := failed != nil && failed.GaveUp
	fault(len(missing(all)) > 0 || strings.Contains(all, "<no value>"), "a sentence is missing")
	fault(has("  ", "..", " .", "“”", ": ."), "a sentence has a gap")
	fault(v.Advice.Say == "" || v.Do == "" || v.Tell == "" || v.Offer.Words == "" || v.Advice.Age == "", "something is empty")
	fault(has("until the update comes", "wait for the update"), "the update is said to come")
	fault((gone || gaveUp) && has("it tries again by itself", "handset tries again by itself", "begins when the handset",
		"keep it charged and connected"), "the update is promised")
	fault(
		off && has("switch it off", "switched off by hand", "stopped by hand", "please switch off"),
		"what is off is to be switched off",
	)
	fault(failure != nil && (failed == nil || failed.Words == "" || failed.Help == ""), "a failure without cause or remedy")
	fault(failed != nil && !v.Advice.Elsewhere() && !strings.Contains(v.Advice.Say, failed.Words), "the cause is not said")
	fault(failed != nil && !strings.Contains(v.Do, strings.TrimSuffix(failed.Help, ".")), "the remedy is not among what is to be done")
	fault(len(v.Advice.Do) > 1 && strings.HasPrefix(v.Do, "Nothing."), "nothing is to be done, and something")
	fault(gaveUp && strings.HasPrefix(v.Offer.Words, "Yes"), "what it gave up is offered to it")
	fault(strings.HasPrefix(v.Offer.Words, "Yes") && has("gets no more updates", "was stopped", "is not for it", "nothing is offered"),
		"it is offered and it is not")
	fault(!v.Advice.Recent && v.Advice.Situation != advice.Unreadable && !strings.Contains(v.Advice.Say, "Nothing has come since"),
		"what is old is told as of now")
	fault(!strings.Contains(v.Advice.Age, "From a report"), "no age")
	return faults
}

// told is a case that a person can review.
type told struct {
	name     string
	effect   string
	class    string
	off      bool
	progress report.Progress
	failure  *report.Failure
	offer    Offer
	days     int
	more     bool
}

// TestAdviceToRead keeps some forty answers as they are read out.
func TestAdviceToRead(t *testing.T) {
	a := newAdviser(t)
	all := stances(t, a.words)
	find := func(c told) stance {
		for _, s := range all {
			sw := s.lex.switchOf(report.Report{Answers: s.answers})
			if s.lex.name() == c.effect && s.verdict.Class == c.class && (sw != nil && sw.Off) == c.off && s.answers != nil {
				return s
			}
		}
		for _, s := range all {
			if s.lex.name() == c.effect && s.verdict.Class == c.class {
				return s
			}
		}
		t.Fatalf("nobody stands as %+v", c)
		return stance{}
	}
	var out strings.Builder
	for _, c := range cases() {
		if c.offer.State == "" {
			c.offer.State = "running"
		}
		c.offer.release = "one"
		if c.offer.Stage, c.offer.Stages = 2, 4; c.offer.Share == 0 {
			c.offer.Share = 1000
		}
		v := a.advised(find(c), c.progress, c.failure, c.offer, c.days, c.more, map[string]bool{})
		fmt.Fprintf(&out, "## %s\nBadge:  %s\nStands: %s\n", c.name, v.Name, v.Advice.Say)
		for _, step := range v.Advice.Do {
			fmt.Fprintf(&out, "Do:     %s: %s\n", step.By, step.Words)
		}
		if v.Advice.Elsewhere() {
			fmt.Fprintf(&out, "Failed: %s\n", v.Advice.Failure.Words)
		}
		fmt.Fprintf(&out, "Age:    %s\nTell:   %s\nOffer:  %s\n\n", v.Advice.Age, v.Tell, v.Offer.Words)
	}
	golden(t, "advice.txt", []byte(out.String()))
}

func cases() []told {
	const cm, apps = "cloud-messaging-opt-in", "app-list-upload-off"
	offered, draw := Offer{Reason: string(offers.ReasonOffered)}, Offer{Reason: advice.DependsOnDraw}
	halted := Offer{Reason: "halted", State: "halted"}
	retired, running := Offer{Reason: advice.ModelRetired}, Offer{Reason: "already_running"}
	with := func(o Offer, state string) Offer { o.State = state; return o }
	boot, room := &report.Failure{Phase: report.PhaseBoot, Code: 19}, &report.Failure{Phase: report.PhaseDownload, Code: 60}
	battery, broke := &report.Failure{Phase: report.PhaseInstall, Code: 20}, &report.Failure{Phase: report.PhaseDownload, Code: 9}
	older, forged := &report.Failure{Phase: report.PhaseVerify, Code: 51}, &report.Failure{Phase: report.PhaseMetadata, Code: 26}
	const runs, waits, failed = report.ProgressRunning, report.ProgressKnown, report.ProgressFailed
	return []told{
		{"proven, a report of today", cm, "confirmed_off", true, runs, nil, running, 0, false},
		{"proven, 14 days ago", cm, "confirmed_off", true, runs, nil, running, 14, false},
		{"proven, 17 days ago", cm, "confirmed_off", true, runs, nil, running, 17, false},
		{"on by choice", cm, "consented", false, runs, nil, running, 1, false},
		{"on by choice, 40 days ago", cm, "consented", false, runs, nil, running, 40, false},
		{"still on from before", cm, "carried_over", false, runs, nil, running, 2, false},
		{"still on from before, 20 days ago", cm, "carried_over", false, runs, nil, running, 20, false},
		{"a SIM is still registered", cm, "registered_by_itself", true, runs, nil, running, 2, false},
		{"leaks, switched on", cm, "leak", false, runs, nil, running, 0, false},
		{"has leaked, switched off since", cm, "leak", true, runs, nil, running, 3, false},
		{"leaks although it is off", cm, "leak", true, runs, nil, running, 3, true},
		{"leaked, switched off, 30 days ago", cm, "leak", true, runs, nil, running, 30, false},
		{"sent the list anyway, off", apps, "sent_anyway", true, runs, nil, running, 1, false},
		{"another effect, proven", apps, "not_sent", true, runs, nil, running, 1, false},
		{"only runs", "build-runs", "runs", false, runs, nil, running, 1, false},
		{"no effect claimed", "", "unknown", false, runs, nil, running, 1, false},
		{"reports that do not fit", cm, "contradictory", true, runs, nil, running, 1, false},
		{"too early to be true", cm, "implausible", false, runs, nil, running, 1, false},
		{"waits, offered, on", cm, "unpatched", false, waits, nil, offered, 1, false},
		{"waits, offered, off", cm, "unpatched", true, waits, nil, offered, 1, false},
		{"waits, in the draw", cm, "unpatched", false, waits, nil, draw, 2, false},
		{"waits, in the draw, held", cm, "unpatched", false, waits, nil, with(draw, "held"), 2, false},
		{"waits, being stopped", cm, "unpatched", false, waits, nil, with(draw, "halting"), 2, false},
		{"waits, stopped", cm, "unpatched", false, waits, nil, halted, 2, false},
		{"waits, stopped, off", cm, "unpatched", true, waits, nil, halted, 2, false},
		{"waits, model retired", cm, "unpatched", false, waits, nil, retired, 2, false},
		{"waits, another variant", cm, "unpatched", false, waits, nil, Offer{Reason: "wrong_variant"}, 2, false},
		{"waits, nothing offered", cm, "unpatched", false, waits, nil, Offer{Reason: "nothing_offered"}, 2, false},
		{"downloading", cm, "unpatched", false, report.ProgressDownloading, nil, offered, 0, false},
		{"written, waits for a restart", cm, "unpatched", false, report.ProgressInstalled, nil, offered, 0, false},
		{"silent for 20 days", cm, "unknown", false, waits, nil, draw, 20, false},
		{"silent for 20 days, stopped", cm, "unknown", false, waits, nil, halted, 20, false},
		{"gave up: did not start", cm, "unpatched", false, failed, boot, offered, 1, false},
		{"gave up: did not start; off", cm, "unpatched", true, failed, boot, offered, 1, false},
		{"gave up: did not start; stopped", cm, "unpatched", false, failed, boot, halted, 1, false},
		{"gave up: did not start; retired", cm, "unpatched", false, failed, boot, retired, 1, false},
		{"gave up: did not start, 21 days ago", cm, "unpatched", false, failed, boot, offered, 21, false},
		{"gave up, and was asked again", cm, "unpatched", false, failed, boot, Offer{Reason: "offered", asked: true}, 1, false},
		{"gave up: battery", cm, "unpatched", false, failed, battery, offered, 1, false},
		{"no room", cm, "unpatched", false, failed, room, draw, 1, false},
		{"no room, 16 days ago", cm, "unpatched", false, failed, room, offered, 16, false},
		{"download broke off", cm, "unpatched", false, failed, broke, offered, 1, false},
		{"older than what runs", cm, "unpatched", false, failed, older, Offer{Reason: "older_than_running"}, 1, false},
		{"the feed was forged", cm, "unpatched", false, waits, forged, offered, 1, false},
		{"proven, and the next update failed", cm, "confirmed_off", true, failed, boot, offered, 1, false},
	}
}

// TestEverythingHasWords: each code that the advice can give has its sentences, and so has each cause of a failure.
func TestEverythingHasWords(t *testing.T) {
	a := newAdviser(t)
	var keys []string
	for _, s := range advice.Situations {
		keys = append(keys, "advice.say."+string(s), "advice.tell.say."+string(s))
	}
	for _, r := range advice.Remedies {
		keys = append(keys, "advice.do.remedy."+string(r), "advice.tell.remedy."+string(r), "advice.who."+string(r.Who()))
	}
	for _, cause := range advice.Causes() {
		if cause != "other" { // then its phase says all that is known
			keys = append(keys, "failure."+cause)
		}
	}
	for _, key := range keys {
		if !a.pages.locale.Has(key) {
			t.Errorf("there is no %s", key)
		}
	}
}
