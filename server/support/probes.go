// SPDX-License-Identifier: Apache-2.0

package support

import (
	"fmt"
	"math"
	"strings"

	"landed/manifests/effect/probe"
)

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
	t.Bits, t.Reason = tenths(probe.Bits(l.effect.Probes)), clean(l.locale.Written(l.effect.Ask.Reason))
	return t
}

func tenths(bits float64) float64 { return math.Round(bits*10) / 10 }

// Probe is one thing that a handset is asked, for people.
type Probe struct {
	Probe string  `json:"probe"`
	Name  string  `json:"name"`
	Range string  `json:"range"` // every answer there is
	Bits  float64 `json:"bits"`
}

func (l lexicon) answer(name, value string) string {
	p, _ := l.effect.Find(name)
	if words, worded := l.words.Probes[name].Values[value]; worded {
		return words
	}
	words := l.effect.Answer(l.language, name, value) // a number, or a word that has no other one
	if p.Unit != "" {
		words += " " + l.unit(p.Unit)
	}
	return words
}

// unit names what an answer counts; one without a name of its own goes by that of the probe.
func (l lexicon) unit(name string) string {
	if l.locale.Has("unit." + name) {
		return l.locale.Say("unit."+name, nil)
	}
	return l.locale.In(english, name)
}

// sentence is the answer to a probe: "The switch: off".
func (l lexicon) sentence(name, value string) string {
	return l.locale.Say("answer", map[string]string{"Name": l.probeName(name), "Answer": l.answer(name, value)})
}

func (l lexicon) probeName(name string) string {
	if w := l.words.Probes[name].Name; w != "" {
		return w
	}
	return l.locale.In(english, strings.ReplaceAll(name, "_", " "))
}

// rangeOf writes every answer that a probe allows, worded.
func (l lexicon) rangeOf(p probe.Probe) string {
	var all []string
	switch {
	case len(p.Values) > 0:
		all = p.Values
	case len(p.Buckets) > 0:
		for _, b := range p.Buckets {
			all = append(all, fmt.Sprint(b))
		}
	case p.Cardinality() == 2 && p.Max == 0:
		all = []string{"false", "true"}
	case p.Max < 4:
		for n := range p.Max + 1 {
			all = append(all, fmt.Sprint(n))
		}
	default:
		return l.locale.Say("answer.upto", map[string]string{"Max": fmt.Sprint(p.Max), "Unit": l.unit(p.Unit)})
	}
	worded := make([]string, 0, len(all))
	for _, v := range all {
		worded = append(worded, l.answer(p.Name, v))
	}
	return strings.Join(worded, l.locale.Mark("semicolon"))
}
