// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"landed/manifests/effect/probe"
)

// Words are what people read of an effect in one language. Sentences are whole; phrases go into sentences of the page.
type Words struct {
	// what it is about: "Cloud Messaging"
	Subject string `json:"subject" yaml:"subject"`
	// a customer's: "Does it still activate itself?"
	Question string `json:"question" yaml:"question"`
	// what is claimed of a proven handset, a sentence
	Shown string `json:"shown" yaml:"shown"`
	// what a customer can do without the update, a sentence
	ByHand string `json:"by_hand,omitempty" yaml:"by_hand,omitempty"`
	// what it says nothing about, a sentence
	Limits    string                `json:"limits,omitempty" yaml:"limits,omitempty"`
	Migration map[string]string     `json:"migration,omitempty" yaml:"migration,omitempty"` // by policy, a sentence
	Classes   map[string]ClassWords `json:"classes" yaml:"classes"`
	Before    map[string]string     `json:"before,omitempty" yaml:"before,omitempty"` // by finding
	// by code; {probe} becomes its answer
	Reasons map[string]string     `json:"reasons" yaml:"reasons"`
	Probes  map[string]ProbeWords `json:"probes,omitempty" yaml:"probes,omitempty"`
}

// ClassWords are what people read of one class.
type ClassWords struct {
	Name  string `json:"name" yaml:"name"`   // a badge: "Proven off"
	Means string `json:"means" yaml:"means"` // for whoever reads the figures
	Tell  string `json:"tell" yaml:"tell"`   // to a customer
	Still string `json:"still" yaml:"still"` // the short answer to Question
	Do    string `json:"do" yaml:"do"`       // what the customer should do
}

// ProbeWords name a probe and its answers.
type ProbeWords struct {
	Name   string            `json:"name" yaml:"name"`
	Values map[string]string `json:"values,omitempty" yaml:"values,omitempty"` // by answer: true, false, words, numbers
}

var placeholder = regexp.MustCompile(`\{[a-z][a-z0-9_]*\}`)

// maxWords bounds one text.
const maxWords = 600

// faults lists what lacks in the words of one language, and what is too much.
func (w Words) faults(e Effect, language string) []error {
	var faults []error
	at := "words." + language + "."
	need := func(where, text string) {
		switch {
		case strings.TrimSpace(text) == "":
			faults = append(faults, fmt.Errorf("%s%s is missing", at, where))
		case len(text) > maxWords:
			faults = append(faults, fmt.Errorf("%s%s has %d bytes, wanted at most %d", at, where, len(text), maxWords))
		}
	}
	optional := func(where, text string) {
		if text != "" {
			need(where, text)
		}
	}
	need("subject", w.Subject)
	need("question", w.Question)
	need("shown", w.Shown)
	optional("by_hand", w.ByHand)
	optional("limits", w.Limits)
	for _, c := range e.All() {
		c, words := c.Name, w.Classes[c.Name]
		if words == (ClassWords{}) && slices.ContainsFunc(common, func(k Class) bool { return k.Name == c }) {
			continue // pages have words of their own for these
		}
		need("classes."+c+".name", words.Name)
		need("classes."+c+".means", words.Means)
		need("classes."+c+".tell", words.Tell)
		need("classes."+c+".still", words.Still)
		need("classes."+c+".do", words.Do)
	}
	for _, f := range e.Before.Findings {
		need("before."+f, w.Before[f])
	}
	for _, r := range e.Rules {
		need("reasons."+r.Code, w.Reasons[r.Code])
		for _, hole := range placeholder.FindAllString(w.Reasons[r.Code], -1) {
			if _, ok := e.Find(strings.Trim(hole, "{}")); !ok {
				faults = append(faults, fmt.Errorf("%sreasons.%s holds %s, which is no probe", at, r.Code, hole))
			}
		}
	}
	for _, p := range e.Probes {
		need("probes."+p.Name+".name", w.Probes[p.Name].Name)
		for _, v := range p.Values {
			need("probes."+p.Name+".values."+v, w.Probes[p.Name].Values[v])
		}
	}
	return append(faults, w.unknownNames(e, at)...)
}

// unknownNames names words for what e does not have: most often a slip of the pen.
func (w Words) unknownNames(e Effect, at string) []error {
	var faults []error
	unknown := func(where string, known func(string) bool, names []string) {
		for _, n := range names {
			if !known(n) {
				faults = append(faults, fmt.Errorf("%s%s.%s: the effect has no such thing", at, where, n))
			}
		}
	}
	classes, codes := e.All(), e.Rules
	isClass := func(n string) bool { return slices.ContainsFunc(classes, func(c Class) bool { return c.Name == n }) }
	isCode := func(n string) bool { return slices.ContainsFunc(codes, func(r Rule) bool { return r.Code == n }) }
	isProbe := func(n string) bool { _, ok := e.Find(n); return ok }
	isFinding := func(n string) bool { return slices.Contains(e.Before.Findings, n) }
	isPolicy := func(n string) bool { return n != "" && probe.Migration(n).Valid() }
	unknown("classes", isClass, slices.Sorted(maps.Keys(w.Classes)))
	unknown("reasons", isCode, slices.Sorted(maps.Keys(w.Reasons)))
	unknown("probes", isProbe, slices.Sorted(maps.Keys(w.Probes)))
	unknown("before", isFinding, slices.Sorted(maps.Keys(w.Before)))
	unknown("migration", isPolicy, slices.Sorted(maps.Keys(w.Migration)))
	for _, p := range e.Probes {
		unknown("probes."+p.Name+".values", func(v string) bool { return isAnswer(p, v) },
			slices.Sorted(maps.Keys(w.Probes[p.Name].Values)))
	}
	return faults
}

// blind names holes in reasons that would always stay empty: a reason has the answers that its condition looked at.
func (w Words) blind(p *Program, at string) []error {
	var faults []error
	for i, r := range p.Effect.Rules {
		for _, hole := range placeholder.FindAllString(w.Reasons[r.Code], -1) {
			_, isProbe := p.Effect.Find(strings.Trim(hole, "{}"))
			if isProbe && p.rules[i].program != nil && !slices.Contains(p.rules[i].names, strings.Trim(hole, "{}")) {
				faults = append(faults, fmt.Errorf("%sreasons.%s holds %s; wanted one of %v, at which its condition looks",
					at, r.Code, hole, p.rules[i].names))
			}
		}
	}
	return faults
}

// isAnswer says if an answer to p is written as text.
func isAnswer(p probe.Probe, text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	switch p.Kind {
	case probe.KindBool:
		return text == "true" || text == "false"
	case probe.KindInt:
		return err == nil && probe.Int(n).String() == text && p.Allows(probe.Int(n))
	}
	return p.Allows(probe.Word(text))
}

// Reason words a reason of e: its sentence with the answers in it, a dash for what was not answered. ok is false for
// a code that e has no words for, as one of the checks that hold for every effect.
func (e Effect) Reason(language string, r Reason) (text string, ok bool) {
	text, ok = e.Words[language].Reasons[r.Code]
	if !ok {
		return "", false
	}
	return placeholder.ReplaceAllStringFunc(text, func(hole string) string {
		name := strings.Trim(hole, "{}")
		value, answered := r.Values[name]
		if !answered {
			return "–"
		}
		return e.Answer(language, name, value)
	}), true
}

// Answer words one answer to a probe: in the words of the effect, or a number with the range that its bucket stands
// for.
func (e Effect) Answer(language, name, value string) string {
	if words, ok := e.Words[language].Probes[name].Values[value]; ok {
		return words
	}
	p, _ := e.Find(name)
	n, err := strconv.ParseInt(value, 10, 64)
	i := slices.Index(p.Buckets, n)
	switch {
	case err != nil || i < 0:
		return value
	case i == len(p.Buckets)-1:
		return value + "+"
	case p.Buckets[i+1] == n+1:
		return value
	}
	return fmt.Sprintf("%d–%d", n, p.Buckets[i+1]-1)
}
