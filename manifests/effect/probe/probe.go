// SPDX-License-Identifier: Apache-2.0

// Package probe is what a release may ask of a handset: a short list of bounded values, each with a name.
//
// Parties: a release manifest declares probes; the firmware answers them by name; a report carries the answers; the
// server holds them against the declaration; the signers see how many bits they add up to.
//
// It promises that every answer is one of a set that was printed before it was asked for: a bounded integer or a
// bucket of one, a boolean, or a word of a closed list. It refuses everything else, so no answer can hold an identity,
// and [Bits] says how much all answers together could tell.
package probe

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Limits of a declaration.
const (
	MaxProbes  = 64     // of one effect
	MaxInt     = 65_535 // the largest bounded integer
	MaxValues  = 16     // words of an enum, or buckets
	IMEIBits   = 47     // what an IMEI takes: log2 of 10^14, rounded up; what asks for more has to say why
	maxNameLen = 31     // of a probe, or of a word
	maxUnitLen = 24     // of a unit
)

// Kind is the kind of a probe.
type Kind string

// The kinds.
const (
	KindInt  Kind = "int"  // 0 to Max, or one of Buckets
	KindBool Kind = "bool" // true or false
	KindEnum Kind = "enum" // one of Values
)

// Probe is one bounded value that an effect asks of a handset.
type Probe struct {
	Name string `json:"name" yaml:"name"` // lower-case letters, digits and _; conditions use it
	Kind Kind   `json:"kind,omitempty" yaml:"kind"`
	Max  int64  `json:"max,omitempty" yaml:"max,omitempty"` // of an int without buckets: 1…65,535
	// Buckets are the lower bounds of ranges, rising from 0; an answer is one of them: a counter is rounded down
	// before it leaves the handset.
	Buckets []int64  `json:"buckets,omitempty" yaml:"buckets,omitempty"`
	Values  []string `json:"values,omitempty" yaml:"values,omitempty"` // the words of an enum
	Unit    string   `json:"unit,omitempty" yaml:"unit,omitempty"`     // of an int, for people: "hours"
}

// ValidName says if s can name a probe, a class, a code or a word of an enum: a lower-case letter, and up to 30 more
// letters, digits and underscores. Every name in every report is looked at, which is too often for a regular expression.
func ValidName(s string) bool {
	if s == "" || len(s) > 31 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// Cardinality is how many answers there are, not counting none.
func (p Probe) Cardinality() int64 {
	switch {
	case p.Kind == KindBool:
		return 2
	case p.Kind == KindEnum:
		return int64(len(p.Values))
	case len(p.Buckets) > 0:
		return int64(len(p.Buckets))
	}
	return p.Max + 1
}

// Bits is the binary logarithm of how many different sets of answers there are: the most that one report can tell.
func Bits(probes []Probe) float64 {
	var bits float64
	for _, p := range probes {
		bits += math.Log2(float64(max(1, p.Cardinality())))
	}
	return bits
}

// Round brings a counter or a measure to what may be answered: into 0…Max, or down to a bucket.
func (p Probe) Round(n int64) int64 {
	if len(p.Buckets) == 0 {
		return min(max(n, 0), p.Max)
	}
	rounded := p.Buckets[0]
	for _, bound := range p.Buckets {
		if n >= bound {
			rounded = bound
		}
	}
	return rounded
}

// Validate returns every fault of a declaration, joined.
func Validate(probes []Probe) error {
	var faults []error
	if len(probes) > MaxProbes {
		faults = append(faults, fmt.Errorf("%d probes are declared; wanted at most %d", len(probes), MaxProbes))
	}
	seen := map[string]bool{}
	for _, p := range probes {
		faults = append(faults, p.faults()...)
		if seen[p.Name] {
			faults = append(faults, fmt.Errorf("probe %s is declared twice", p.Name))
		}
		seen[p.Name] = true
	}
	return errors.Join(faults...)
}

func (p Probe) faults() []error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf("probe %q: "+format, append([]any{p.Name}, args...)...))
		}
	}
	fault(!ValidName(p.Name), "wanted a lower-case letter, then letters, digits and _, %d at most", maxNameLen)
	fault(len(p.Unit) > maxUnitLen, "the unit has %d bytes, wanted at most %d", len(p.Unit), maxUnitLen)
	fault(p.Unit != "" && p.Kind != KindInt, "only an int has a unit")
	switch p.Kind {
	case KindInt:
		fault(len(p.Values) > 0, "an int has no values")
		if len(p.Buckets) == 0 {
			fault(p.Max < 1 || p.Max > MaxInt, "max is %d, wanted 1 to %d, or buckets", p.Max, MaxInt)
			break
		}
		fault(p.Max != 0, "wanted max or buckets, not both")
		fault(len(p.Buckets) < 2 || len(p.Buckets) > MaxValues, "%d buckets, wanted 2 to %d", len(p.Buckets), MaxValues)
		fault(p.Buckets[0] != 0, "the first bucket begins at %d, wanted 0", p.Buckets[0])
		fault(p.Buckets[len(p.Buckets)-1] > MaxInt, "a bucket begins above %d", MaxInt)
		rising := slices.IsSorted(p.Buckets) && len(slices.Compact(slices.Clone(p.Buckets))) == len(p.Buckets)
		fault(!rising, "buckets %v: wanted lower bounds that rise", p.Buckets)
	case KindBool:
		fault(p.Max != 0 || len(p.Buckets)+len(p.Values) > 0, "a bool has no max, buckets or values")
	case KindEnum:
		fault(p.Max != 0 || len(p.Buckets) > 0, "an enum has no max and no buckets")
		fault(len(p.Values) < 2 || len(p.Values) > MaxValues, "%d values, wanted 2 to %d", len(p.Values), MaxValues)
		seen := map[string]bool{}
		for _, v := range p.Values {
			fault(!ValidName(v), "value %q: wanted lower-case letters, digits and _", v)
			fault(seen[v], "value %s stands there twice", v)
			seen[v] = true
		}
	default:
		fault(true, "kind is %q, wanted int, bool or enum", p.Kind)
	}
	return faults
}
