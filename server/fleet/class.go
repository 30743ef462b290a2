// SPDX-License-Identifier: Apache-2.0

package fleet

// Class is a verdict: what the reports of one installation prove (docs/design/verdict.md).
type Class string

// The classes of Cloud Messaging opt-in, in the order in which support pages show them.
const (
	ConfirmedOff       Class = "confirmed_off"
	Consented          Class = "consented"
	CarriedOver        Class = "carried_over"
	RegisteredByItself Class = "registered_by_itself"
	NotExercised       Class = "not_exercised"
	Leak               Class = "leak"
	Contradictory      Class = "contradictory"
	Unpatched          Class = "unpatched"
	Unknown            Class = "unknown"
)

// Classes lists every class.
var Classes = []Class{
	ConfirmedOff, Consented, CarriedOver, RegisteredByItself, NotExercised, Leak, Contradictory, Unpatched, Unknown,
}

// Kind is what gates and figures count a class by: whoever judges says it with the class, so that a new class
// needs no line here, in the store or in the gates.
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

// KindOf is the kind of one of Classes, Unjudged for any other.
func KindOf(c Class) Kind {
	switch c {
	case ConfirmedOff, Consented:
		return Good
	case CarriedOver, RegisteredByItself:
		return Open
	case Leak, Contradictory:
		return Bad
	}
	return Unjudged
}
