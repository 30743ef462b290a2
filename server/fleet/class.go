// SPDX-License-Identifier: Apache-2.0

package fleet

import "landed/manifests/effect"

// Class is a verdict: what the reports of one installation prove (docs/design/effect.md).
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
type Kind = effect.Kind
