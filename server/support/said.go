// SPDX-License-Identifier: Apache-2.0

package support

import (
	"fmt"

	"landed/manifests/report"
)

// said puts a report into sentences. Every value is a closed enum or a bounded number, so
// every sentence is in web/locales and none is the handset's own.
func (s *Support) said(r report.Report, family string) []string {
	e := r.Evidence
	say := func(key string, data any) string { return s.words.Say("said."+key, data) }
	out := []string{
		say("feature."+fmt.Sprint(e.Feature), r),
		say("progress."+string(r.Progress), r),
	}
	if r.Failure != nil {
		out = append(out, s.failure(*r.Failure, family))
	}
	out = append(out, say("state."+string(e.State), e)+" "+say("origin."+string(e.Origin), e))
	out = append(out, say("consent."+string(e.Consent), e))
	for i, slot := range e.Slots {
		out = append(out, say("slot", map[string]any{"N": i + 1, "Slot": slot, "By": say("by."+string(slot.By), nil)}))
	}
	out = append(out, say("attempts", e))
	if e.Feature >= 1 {
		out = append(out, say("lookups", e), say("gate."+string(e.AutoGate), e))
	}
	return append(out, say("transport."+string(e.Transport), e), say("tested", e))
}

// failure explains where an update failed. Codes of the install phase are those of
// update_engine on A/B models and of the recovery on others.
func (s *Support) failure(f report.Failure, family string) string {
	words := s.words.Say("failure."+string(f.Phase), f)
	engine := "recovery"
	if family == "ab" {
		engine = "engine"
	}
	if key := fmt.Sprintf("failure.%s.%d", engine, f.Code); f.Phase == report.PhaseInstall && s.words.Has(key) {
		words += " " + s.words.Say(key, f)
	}
	return words
}
