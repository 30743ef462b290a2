// SPDX-License-Identifier: Apache-2.0

package probe

import "slices"

// Compact leaves out what a declaration says twice: an enum has values, an int a max or buckets, a bool neither. Every
// handset downloads it. Expand gives it back.
func Compact(probes []Probe) []Probe {
	probes = slices.Clone(probes)
	for i, p := range probes {
		if p.Kind == implied(p) {
			probes[i].Kind = ""
		}
	}
	return probes
}

// Expand fills in the kinds that Compact left out.
func Expand(probes []Probe) []Probe {
	probes = slices.Clone(probes)
	for i, p := range probes {
		if p.Kind == "" {
			probes[i].Kind = implied(p)
		}
	}
	return probes
}

func implied(p Probe) Kind {
	switch {
	case len(p.Values) > 0:
		return KindEnum
	case p.Max != 0 || len(p.Buckets) > 0:
		return KindInt
	}
	return KindBool
}
