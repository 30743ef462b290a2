// SPDX-License-Identifier: Apache-2.0

// Package effect is what a release promises, as data: what it asks of a handset, which classes the answers fall into,
// and the words for people. It judges reports by it.
//
// Parties: the release engineer names or writes an Effect; the server checks and publishes it as a signed target; each
// signer checks it again; the server judges reports by it, and so can anybody else who holds the signed release and a
// report, with the same function.
//
// It promises a class and the codes of its reasons, computed from one report and what is known of its installation,
// without a clock, a file or chance of its own; that a condition which does not type-check, or costs more than a bound,
// never gets into a release; and that a class of the kind good never holds while any question is unanswered. It
// refuses to take installation for effect: what is not asked is not claimed.
//
// What holds for every effect is code, not data: copied keys, builds of another model, silence.
package effect

import (
	"fmt"
	"maps"

	"landed/manifests/effect/probe"
)

// Kind is what gates and figures count a class by.
type Kind string

// The kinds.
const (
	Good     Kind = "good"     // the effect is shown
	Open     Kind = "open"     // it runs the update, and the effect is not shown
	Bad      Kind = "bad"      // it shows the opposite, or cannot be true
	Unjudged Kind = "unjudged" // nothing can be said
)

// Kinds lists every kind.
var Kinds = []Kind{Good, Open, Bad, Unjudged}

// Class is one answer to the question whether the effect is there.
type Class struct {
	Name string `json:"name" yaml:"name"`
	Kind Kind   `json:"kind" yaml:"kind"`
}

// The classes that every effect has. Rules may name Contradictory and Unknown.
const (
	Contradictory = "contradictory" // what is reported cannot be true at once
	Implausible   = "implausible"   // what is reported cannot have been seen by the time at which it came
	Unpatched     = "unpatched"     // reports, and does not run the release
	Unknown       = "unknown"       // nothing can be said: silent, or no rule holds
)

var common = []Class{{Contradictory, Bad}, {Implausible, Unjudged}, {Unpatched, Unjudged}, {Unknown, Unjudged}}

// Rule says when a class holds. The first rule that holds gives the class; the codes of all rules of that class that
// hold are its reasons.
type Rule struct {
	Class string `json:"class" yaml:"class"`
	When  string `json:"when" yaml:"when"` // CEL over the probes and the values of Core; see docs/design/effect.md
	Code  string `json:"code" yaml:"code"` // of the reason; its words may hold {probe}
}

// Before is how reports of builds without the release are read: what was found before it.
type Before struct {
	// strongest first: of several reports it stands
	Findings []string `json:"findings,omitempty" yaml:"findings,omitempty"`
	Rules    []Find   `json:"rules,omitempty" yaml:"rules,omitempty"` // the first that holds counts
}

// Find says when a finding holds.
type Find struct {
	Finding string `json:"finding" yaml:"finding"`
	When    string `json:"when" yaml:"when"`
}

// NotSeen is the finding of an installation that was first met on the release, or of whom nothing else can be said.
const NotSeen = "not_seen"

// Effect is one promise.
type Effect struct {
	Name      string `json:"name" yaml:"name"` // lower-case letters, digits and hyphens
	probe.Ask `yaml:",inline"`
	Classes   []Class          `json:"classes" yaml:"classes"` // those of its own, in the order in which pages show them
	Rules     []Rule           `json:"rules" yaml:"rules"`
	Before    Before           `json:"before,omitzero" yaml:"before,omitempty"`
	Words     map[string]Words `json:"words" yaml:"words"` // by language tag
}

// All lists the classes of e as pages show them: its own, then those that every effect has.
func (e Effect) All() []Class {
	all := make([]Class, 0, len(e.Classes)+len(common))
	all = append(all, e.Classes...)
	return append(all, common...)
}

// KindOf is the kind of a class, Unjudged for one that e does not have.
func (e Effect) KindOf(class string) Kind {
	for _, c := range e.All() {
		if c.Name == class {
			return c.Kind
		}
	}
	return Unjudged
}

// Reason is one code of why a class holds, and the answers that its condition looked at.
type Reason struct {
	Code   string            `json:"code"`
	Values map[string]string `json:"values,omitempty"` // by probe
}

// IsZero says that there is no reason.
func (r Reason) IsZero() bool { return r.Code == "" }

// Equal says that both have the same code and values.
func (r Reason) Equal(o Reason) bool { return r.Code == o.Code && maps.Equal(r.Values, o.Values) }

// The codes of the checks that hold for every effect.
const (
	CodeCloned       = "cloned"         // two different reports carried one sequence number
	CodeOtherModel   = "other_model"    // the running build is made for another model or variant
	CodeTooSoon      = "too_soon"       // was observed for longer than the build has been published
	CodeNotOfRelease = "not_of_release" // says that the update runs, or waits, and the running build is not of the release
	CodeClaimsToRun  = "claims_to_run"  // says that the update runs, but the running build is not of the release
	CodeSilent       = "silent"         // no report for more than 15 days, and none from the release
	CodeNoRule       = "no_rule"        // runs the release, and no rule of the effect holds
	CodeNoEffect     = "no_effect"      // runs a release that claims no effect
)

// checkLanguage wants words in a language.
func (e Effect) checkLanguage(language string) error {
	if _, ok := e.Words[language]; !ok {
		return fmt.Errorf("effect %s has no words in %s", e.Name, language)
	}
	return nil
}
