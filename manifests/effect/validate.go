// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"landed/manifests/effect/probe"
)

// Bounds of an effect.
const (
	maxClasses  = 16
	maxRules    = 64
	maxFindings = 8
)

var effectName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)

// ValidName says if s can name an effect.
func ValidName(s string) bool { return effectName.MatchString(s) }

// Validate returns every fault of e, joined; it is what the server and every signer ask. languages are those in which
// the release speaks: the effect must have words in each.
func (e Effect) Validate(languages ...string) error {
	p, err := e.compile()
	faults := []error{err}
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(!ValidName(e.Name), "effect name %q: wanted a lower-case letter, then letters, digits and hyphens", e.Name)
	faults = append(faults, e.Ask.Validate())
	faults = append(faults, e.classFaults()...)
	if p != nil && err == nil {
		faults = append(faults, p.idle()...)
	}
	fault(len(e.Before.Findings) > maxFindings, "%d findings, wanted at most %d", len(e.Before.Findings), maxFindings)
	for i, f := range e.Before.Findings {
		fault(!probe.ValidName(f) || f == NotSeen, "finding %q: wanted a name of its own, of lower-case "+
			"letters, digits and _", f)
		fault(slices.Contains(e.Before.Findings[:i], f), "finding %s stands there twice", f)
		fault(!slices.ContainsFunc(e.Before.Rules, func(r Find) bool { return r.Finding == f }), "no rule of before "+
			"gives the finding %s", f)
	}
	for _, language := range languages {
		if err := e.speaks(language); err != nil {
			faults = append(faults, err)
		}
	}
	for _, language := range slices.Sorted(maps.Keys(e.Words)) {
		faults = append(faults, e.Words[language].faults(e, language)...)
		if p != nil {
			faults = append(faults, e.Words[language].blind(p, "words."+language+".")...)
		}
	}
	return errors.Join(faults...)
}

// idle names what is asked of handsets and looked at by nothing: it would only tell more of them than is needed.
func (p *Program) idle() []error {
	used := slices.Clone(p.Effect.Triggers)
	for _, c := range slices.Concat(p.rules, p.findings) {
		used = append(used, c.names...)
	}
	var faults []error
	for _, q := range p.Effect.Probes {
		if !slices.Contains(used, q.Name) {
			faults = append(faults, fmt.Errorf("probe %s: no rule and no trigger looks at it, so it is not asked", q.Name))
		}
	}
	return faults
}

func (e Effect) classFaults() []error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(len(e.Classes) == 0, "the effect has no class; wanted at least one that is good")
	fault(len(e.Classes) > maxClasses, "%d classes, wanted at most %d", len(e.Classes), maxClasses)
	good, seen := false, map[string]bool{}
	for _, c := range common {
		seen[c.Name] = true
	}
	for _, c := range e.Classes {
		fault(!probe.ValidName(c.Name), "class %q: wanted lower-case letters, digits and _", c.Name)
		fault(!slices.Contains(Kinds, c.Kind), "class %s: kind is %q, wanted one of %v", c.Name, c.Kind, Kinds)
		fault(seen[c.Name], "class %s stands there twice, or is one that every effect has", c.Name)
		seen[c.Name], good = true, good || c.Kind == Good
	}
	fault(len(e.Classes) > 0 && !good, "no class is good, so nothing could ever be shown")
	ruled := map[string]bool{}
	for _, r := range e.Rules {
		fault(!seen[r.Class] || r.Class == Unpatched, "a rule names the class %q, which is none that rules can give", r.Class)
		fault(!probe.ValidName(r.Code), "rule of %s: code %q: wanted lower-case letters, digits and _", r.Class, r.Code)
		ruled[r.Class] = true
	}
	for _, c := range e.Classes {
		fault(!ruled[c.Name], "no rule gives the class %s", c.Name)
	}
	return faults
}
