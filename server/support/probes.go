// SPDX-License-Identifier: Apache-2.0

package support

import (
	"math"

	"landed/manifests/effect/probe"
)

type probeOf = probe.Probe

// Told is what a handset tells about the effect of a release: every answer there is, and how much all of them
// together can say.
type Told struct {
	Probes   []Probe `json:"probes"`
	Bits     float64 `json:"bits"`      // of all answers together
	IMEIBits int     `json:"imei_bits"` // what an IMEI takes
	Reason   string  `json:"reason"`    // why more is asked, "" if it is not
}

// told lists what is asked of handsets.
func (l lexicon) told() Told {
	t := Told{Probes: []Probe{}, IMEIBits: probe.IMEIBits}
	if l.effect == nil {
		return t
	}
	for _, p := range l.effect.Probes {
		bits := tenths(probe.Bits([]probe.Probe{p}))
		t.Probes = append(t.Probes, Probe{p.Name, clean(l.probeName(p.Name)), clean(l.rangeOf(p)), bits})
	}
	t.Bits, t.Reason = tenths(probe.Bits(l.effect.Probes)), clean(l.effect.Ask.Reason)
	return t
}

func tenths(bits float64) float64 { return math.Round(bits*10) / 10 }
