// SPDX-License-Identifier: Apache-2.0

package support

import (
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/report/v1"
	"landed/server/support/advice"
)

// said puts a report into sentences: how far the update is, and the answers to the probes of the effect, in their
// order. Every value is a closed enum or a bounded number, so no sentence is the handset's own.
func (p installationPages) said(r report.Report, lex lexicon, family string) []string {
	out := []string{p.locale.Say("said.progress."+string(r.Progress), r)}
	if r.Failure != nil {
		out = append(out, p.failure(*r.Failure, family))
	}
	if lex.effect == nil {
		return out
	}
	for _, q := range lex.effect.Probes {
		if value, answered := lex.value(r, q); answered {
			out = append(out, clean(lex.sentence(q.Name, value.String())))
		}
	}
	return out
}

// value is the answer of a report to a probe, if it is one of those that the probe allows.
func (l lexicon) value(r report.Report, q probe.Probe) (value probe.Value, answered bool) {
	value, answered = r.Answers[q.Name]
	if q.Name == "consent_when" && !answered && r.Schema == 1 { // version 1 says a day
		value, answered = v1.ConsentWhen(r.ConsentDay, l.effect.PromptDay), true
	}
	return value, answered && q.Allows(value)
}

// failure explains where an update failed, and why, as far as its code tells.
func (p installationPages) failure(f report.Failure, family string) string {
	words := p.locale.Say("failure."+string(f.Phase), f)
	if cause, _ := advice.Explain(f, family); p.locale.Has("failure."+cause) && cause != string(f.Phase) {
		words = p.locale.Sentences(words, p.locale.Say("failure."+cause, f))
	}
	return words
}
