// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"landed/manifests/effect"
	"landed/manifests/release"
	"landed/server/fleet"
)

// OptIn is the effect of the first fix, which most tests are about.
var OptIn = *release.OptIn().Effect

// Classes of OptIn.
const (
	ConfirmedOff       fleet.Class = "confirmed_off"
	Consented          fleet.Class = "consented"
	CarriedOver        fleet.Class = "carried_over"
	RegisteredByItself fleet.Class = "registered_by_itself"
	NotExercised       fleet.Class = "not_exercised"
	Leak               fleet.Class = "leak"
	Contradictory      fleet.Class = effect.Contradictory
	Unpatched          fleet.Class = effect.Unpatched
	Unknown            fleet.Class = effect.Unknown
)

// Findings of OptIn.
const (
	BeforeActive  fleet.Before = "activates_itself"
	BeforeQuiet   fleet.Before = "quiet"
	BeforeOff     fleet.Before = "switched_off"
	BeforeUnknown fleet.Before = effect.NotSeen
)

// KindOf is the kind of a class of OptIn.
func KindOf(class fleet.Class) effect.Kind { return OptIn.KindOf(string(class)) }

// IsClass says if OptIn has a class of that name.
func IsClass(name string) bool {
	for _, c := range OptIn.All() {
		if c.Name == name {
			return true
		}
	}
	return false
}
