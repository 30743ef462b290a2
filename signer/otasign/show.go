// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/release"
	"landed/signer/ceremony"
)

// sayReview prints what a person reads before signing.
func (a *app) sayReview(s ceremony.Summary) {
	a.para("", s.Title)
	a.say("\nWhat changes:")
	for _, words := range s.Changes {
		a.para("  ", words)
	}
	if len(s.Models) > 0 {
		a.say("\nModels, as the request describes them:")
	}
	for _, m := range s.Models {
		a.para("  ", modelWords(m))
	}
	for _, d := range s.Declared {
		a.sayDeclaration(d)
	}
	for _, p := range s.Packages {
		a.say("\nYour copy of %s: %d bytes", plain(p.Name), p.Facts.Size)
		a.say("  %-10s %s", "SHA-256", plain(p.Facts.SHA256))
		a.sayFacts(p.Facts)
		a.sayFindings(p.Findings)
	}
	if len(s.Signatures) > 0 {
		a.say("\nSignatures:")
	}
	for _, role := range s.Signatures {
		a.para("  ", signatureWords(role))
	}
	for _, p := range s.Problems {
		level := "note"
		if p.Refuse {
			level = "REFUSED"
		}
		a.say("\n%s %s:", level, p.Code)
		for _, line := range strings.Split(p.Words, "\n") {
			a.para("  ", line)
		}
	}
	if !s.Refused() {
		a.say("\nNothing here forbids to sign.")
	}
}

func modelWords(m manifests.Model) string {
	words := m.Device
	if m.Product != "" {
		words += ": " + m.Product
	}
	if len(m.Numbers) > 0 {
		words += " (" + strings.Join(m.Numbers, ", ") + ")"
	}
	words += "; variants " + strings.Join(m.Variants, ", ") + "; installs packages of the family " + m.Profile.Family
	if m.Profile.LegacyRecovery {
		words += ", by a recovery of 2014"
	}
	return words + "."
}

func signatureWords(s ceremony.Signatures) string {
	list := func(people []ceremony.Person) string {
		var names []string
		for _, p := range people {
			names = append(names, p.String())
		}
		if len(names) == 0 {
			return "nobody"
		}
		return strings.Join(names, ", ")
	}
	by := ""
	if s.By != "" {
		by = ", by " + s.By
	}
	words := fmt.Sprintf("%s%s: %d of the %d that are needed. Signed: %s.",
		s.Role, by, len(s.Signed), s.Need, list(s.Signed))
	if s.Done() {
		return words + " That is enough."
	}
	return words + fmt.Sprintf(" Missing: %d of %s.", s.Need-len(s.Signed), list(s.Missing))
}

// sayDeclaration prints what a release says to people and asks of handsets.
func (a *app) sayDeclaration(d ceremony.Declaration) {
	a.say("")
	a.para("", fmt.Sprintf("Release %s, counter %d, for %s:", d.Release, d.Counter, strings.Join(d.Models, ", ")))
	a.say("  Notes that are signed:")
	a.sayTexts("    ", d.Notes)
	a.sayQuestions(d.Questions)
	if d.Effect == nil {
		a.say("  No effect: the release asks nothing of handsets, and no page will claim that it proves anything.")
		return
	}
	a.sayEffect(*d.Effect, d.Migration, d.Bits)
}

func (a *app) sayQuestions(questions []release.Question) {
	if len(questions) > 0 {
		a.say("  Questions of the public, and the answers that are signed:")
	}
	for i, q := range questions {
		a.say("    %d.", i+1)
		for _, language := range slices.Sorted(maps.Keys(q.Question)) {
			a.para("       ", language+": "+q.Question[language])
			a.para("           ", q.Answer[language])
		}
	}
}

func (a *app) sayTexts(indent string, texts map[string]string) {
	for _, language := range slices.Sorted(maps.Keys(texts)) {
		for i, line := range strings.Split(strings.TrimSpace(texts[language]), "\n") {
			if i == 0 {
				line = language + ": " + line
			}
			a.para(indent, line)
		}
	}
}

// sayEffect prints what a release promises, and what a handset is asked to show it.
func (a *app) sayEffect(e effect.Effect, migration map[string]probe.Migration, bits float64) {
	a.para("  ", "Effect "+e.Name+":")
	questions, shown := map[string]string{}, map[string]string{}
	for language, w := range e.Words {
		questions[language], shown[language] = w.Subject+": "+w.Question, w.Shown
	}
	a.sayTexts("    ", questions)
	a.say("  What is claimed of a handset that proves it:")
	a.sayTexts("    ", shown)
	a.sayAsk(e.Ask, migration, bits)
	a.say("  Classes. The first rule that holds, in the order of its number, gives the class:")
	for _, c := range e.All() {
		a.sayClass(e, c)
	}
	if len(e.Before.Rules) > 0 {
		a.say("  What reports from before the update show, the first that holds:")
	}
	for _, f := range e.Before.Rules {
		a.para("    ", f.Finding+" when "+f.When)
	}
}

func (a *app) sayClass(e effect.Effect, c effect.Class) {
	language := slices.Sorted(maps.Keys(e.Words))[0]
	if _, ok := e.Words["en"]; ok {
		language = "en"
	}
	words := c.Name
	if name := e.Words[language].Classes[c.Name].Name; name != "" {
		words += ": " + name
	}
	a.para(fmt.Sprintf("    %-8s ", c.Kind), words)
	for i, rule := range e.Rules {
		if rule.Class == c.Name {
			a.para(fmt.Sprintf("            %2d. ", i+1), rule.Code+" when "+rule.When)
		}
	}
	if !slices.Contains(e.Classes, c) { // one that every effect has
		a.say("              –  by the checks that hold for every effect")
	}
}

// sayAsk prints what a handset must answer, and how much that could tell about it at most.
func (a *app) sayAsk(ask probe.Ask, migration map[string]probe.Migration, bits float64) {
	a.para("  ", fmt.Sprintf("Asked of each handset: %d probes, which add up to %.1f bits; an IMEI takes %d.",
		len(ask.Probes), bits, probe.IMEIBits))
	if bits >= probe.IMEIBits {
		a.para("  ", "WHY MORE THAN AN IMEI: "+ask.Reason)
	}
	for _, p := range ask.Probes {
		a.para(fmt.Sprintf("    %-16s ", p.Name), p.Range())
	}
	if len(ask.Triggers) > 0 {
		a.para("  ", "Silence proves something only after: "+strings.Join(ask.Triggers, ", ")+".")
	}
	if ask.Hours > 0 {
		a.para("  ", fmt.Sprintf("Observed for %d hours.", ask.Hours))
	}
	if ask.PromptDay != "" {
		a.para("  ", "First build that can ask for consent (prompt day): "+ask.PromptDay+
			". An earlier consent is impossible.")
	}
	var policies []string
	for _, model := range slices.Sorted(maps.Keys(migration)) {
		if migration[model] != probe.MigrationNone {
			policies = append(policies, model+" "+migrationWords[migration[model]])
		}
	}
	if len(policies) > 0 {
		a.para("  ", "Where it was on before the update: "+strings.Join(policies, "; ")+".")
	}
}

var migrationWords = map[probe.Migration]string{
	probe.MigrationLeave: "leaves it on", probe.MigrationSwitchOff: "switches it off",
	probe.MigrationAsk: "suspends it and asks",
}
