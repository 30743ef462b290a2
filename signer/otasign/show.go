// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"landed/internal/format"
	"landed/manifests"
	"landed/manifests/csig"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/release"
	"landed/signer/ceremony"
)

// page sets what a person reads: about a request before signing, and about a package.
type page struct{ term *terminal }

// review prints what a person reads before signing.
func (p page) review(s ceremony.Summary) {
	p.term.para("", s.Title)
	p.term.say("\nWhat changes:")
	for _, words := range s.Changes {
		p.term.para("  ", words)
	}
	if len(s.Models) > 0 {
		p.term.say("\nModels, as the request describes them:")
	}
	for _, m := range s.Models {
		p.term.para("  ", modelWords(m))
	}
	for _, d := range s.Declared {
		p.declaration(d)
	}
	for _, own := range s.Packages {
		p.term.say("\nYour copy of %s: %d bytes", own.Name, own.Facts.Size)
		p.term.say("  %-10s %s", "SHA-256", own.Facts.SHA256)
		p.facts(own.Facts)
		p.findings(own.Findings)
	}
	if len(s.Signatures) > 0 {
		p.term.say("\nSignatures:")
	}
	for _, role := range s.Signatures {
		p.term.para("  ", signatureWords(role))
	}
	for _, problem := range s.Problems {
		level := "note"
		if problem.Refuse {
			level = "REFUSED"
		}
		p.term.say("\n%s %s:", level, problem.Code)
		for _, line := range strings.Split(problem.Words, "\n") {
			p.term.para("  ", line)
		}
	}
	if !s.Refused() {
		p.term.say("\nNothing here forbids to sign.")
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

// declaration prints what a release says to people and asks of handsets.
func (p page) declaration(d ceremony.Declaration) {
	p.term.say("")
	p.term.para("", fmt.Sprintf("Release %s, counter %d, for %s:", d.Release, d.Counter, strings.Join(d.Models, ", ")))
	p.term.say("  Notes that are signed:")
	p.texts("    ", d.Notes)
	p.questions(d.Questions)
	p.clients(d.Clients)
	if d.Effect == nil {
		p.term.say("  No effect: the release asks nothing of handsets, and no page will claim that it proves anything.")
		return
	}
	p.effect(*d.Effect, d.Migration, d.Bits)
}

// clients prints what phones with the updaters of others are told, by which they choose a build.
func (p page) clients(all map[string]release.Clients) {
	for _, device := range slices.Sorted(maps.Keys(all)) {
		c := all[device]
		p.term.para("  ", fmt.Sprintf("Phones of %s with another updater are told: type %q, version %q, patch level %q, SDK %d.",
			device, c.ROMType, c.Version, c.PatchLevel, c.SDK))
		for _, variant := range slices.Sorted(maps.Keys(c.Devices)) {
			p.term.para("    ", fmt.Sprintf("Those of the image %s ask for %s.", variant, c.Devices[variant]))
		}
		for _, one := range c.Custota {
			p.csig(one)
		}
	}
}

// csig prints what phones with Custota believe about a package: who signed it, and about which payload.
func (p page) csig(one release.Csig) {
	_, info, cert, err := one.Open()
	if err != nil {
		p.term.para("    ", fmt.Sprintf("Custota: %v.", err))
		return
	}
	payload, _ := info.File(csig.Payload)
	words := fmt.Sprintf("Custota: a csig by %s, certificate %.16s…, of the payload with SHA-256 %s", cert.Subject,
		format.SHA256(cert.Raw), payload.Digest)
	if info.VBMetaDigest != "" {
		words += ", vbmeta digest " + info.VBMetaDigest
	}
	if one.From != "" {
		words += ", for phones that run the vbmeta digest " + one.From
	}
	p.term.para("    ", words+".")
}

func (p page) questions(questions []release.Question) {
	if len(questions) > 0 {
		p.term.say("  Questions of the public, and the answers that are signed:")
	}
	for i, q := range questions {
		p.term.say("    %d.", i+1)
		for _, language := range slices.Sorted(maps.Keys(q.Question)) {
			p.term.para("       ", language+": "+q.Question[language])
			p.term.para("           ", q.Answer[language])
		}
	}
}

func (p page) texts(indent string, texts map[string]string) {
	for _, language := range slices.Sorted(maps.Keys(texts)) {
		for i, line := range strings.Split(strings.TrimSpace(texts[language]), "\n") {
			if i == 0 {
				line = language + ": " + line
			}
			p.term.para(indent, line)
		}
	}
}

// effect prints what a release promises, and what a handset is asked to show it.
func (p page) effect(e effect.Effect, migration map[string]probe.Migration, bits float64) {
	p.term.para("  ", "Effect "+e.Name+":")
	questions, shown := map[string]string{}, map[string]string{}
	for language, w := range e.Words {
		questions[language], shown[language] = w.Subject+": "+w.Question, w.Shown
	}
	p.texts("    ", questions)
	p.term.say("  What is claimed of a handset that proves it:")
	p.texts("    ", shown)
	p.ask(e.Ask, migration, bits)
	p.term.say("  Classes. The first rule that holds, in the order of its number, gives the class:")
	for _, c := range e.All() {
		p.class(e, c)
	}
	if len(e.Before.Rules) > 0 {
		p.term.say("  What reports from before the update show, the first that holds:")
	}
	for _, f := range e.Before.Rules {
		p.term.para("    ", f.Finding+" when "+f.When)
	}
}

func (p page) class(e effect.Effect, c effect.Class) {
	language := slices.Sorted(maps.Keys(e.Words))[0]
	if _, ok := e.Words["en"]; ok {
		language = "en"
	}
	words := c.Name
	if name := e.Words[language].Classes[c.Name].Name; name != "" {
		words += ": " + name
	}
	p.term.para(fmt.Sprintf("    %-8s ", c.Kind), words)
	for i, rule := range e.Rules {
		if rule.Class == c.Name {
			p.term.para(fmt.Sprintf("            %2d. ", i+1), rule.Code+" when "+rule.When)
		}
	}
	if !slices.Contains(e.Classes, c) { // one that every effect has
		p.term.say("              –  by the checks that hold for every effect")
	}
}

// ask prints what a handset must answer, and how much that could tell about it at most.
func (p page) ask(ask probe.Ask, migration map[string]probe.Migration, bits float64) {
	p.term.para("  ", fmt.Sprintf("Asked of each handset: %d probes, which add up to %.1f bits; an IMEI takes %d.",
		len(ask.Probes), bits, probe.IMEIBits))
	if bits >= probe.IMEIBits {
		p.term.para("  ", "WHY MORE THAN AN IMEI: "+ask.Reason)
	}
	for _, asked := range ask.Probes {
		p.term.para(fmt.Sprintf("    %-16s ", asked.Name), asked.Range())
	}
	if len(ask.Triggers) > 0 {
		p.term.para("  ", "Silence proves something only after: "+strings.Join(ask.Triggers, ", ")+".")
	}
	if ask.Hours > 0 {
		p.term.para("  ", fmt.Sprintf("Observed for %d hours.", ask.Hours))
	}
	if ask.PromptDay != "" {
		p.term.para("  ", "First build that can ask for consent (prompt day): "+ask.PromptDay+
			". An earlier consent is impossible.")
	}
	var policies []string
	for _, model := range slices.Sorted(maps.Keys(migration)) {
		if migration[model] != probe.MigrationNone {
			policies = append(policies, model+" "+migrationWords[migration[model]])
		}
	}
	if len(policies) > 0 {
		p.term.para("  ", "Where it was on before the update: "+strings.Join(policies, "; ")+".")
	}
}

var migrationWords = map[probe.Migration]string{
	probe.MigrationLeave: "leaves it on", probe.MigrationSwitchOff: "switches it off",
	probe.MigrationAsk: "suspends it and asks",
}
