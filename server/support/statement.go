// SPDX-License-Identifier: Apache-2.0

package support

import (
	"fmt"

	"landed/manifests/report"
	"landed/manifests/report/v1"
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
		value, answered := r.Answers[q.Name]
		if q.Name == "consent_when" && !answered && r.Schema == 1 { // version 1 says a day
			value, answered = v1.ConsentWhen(r.ConsentDay, lex.effect.PromptDay), true
		}
		if answered && q.Allows(value) {
			out = append(out, clean(lex.sentence(q.Name, value.String())))
		}
	}
	return out
}

// failure explains where an update failed. Codes of the install phase are those of
// update_engine on A/B models and of the recovery on others.
func (p installationPages) failure(f report.Failure, family string) string {
	words := p.locale.Say("failure."+string(f.Phase), f)
	engine := "recovery"
	if family == "ab" {
		engine = "engine"
	}
	if key := fmt.Sprintf("failure.%s.%d", engine, f.Code); f.Phase == report.PhaseInstall && p.locale.Has(key) {
		words = p.locale.Sentences(words, p.locale.Say(key, f))
	}
	return words
}
