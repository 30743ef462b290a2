// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"slices"

	"landed/server/fleet"
)

// togetherFaults holds the packages of a release against each other: for each model and variant one full package, and
// incrementals to the same build, each from other builds. What leads to one build was compared when it was uploaded.
func togetherFaults(bound []fleet.Package) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	fulls := map[string]fleet.Package{}
	for _, pkg := range bound {
		if len(pkg.PreBuilds) > 0 {
			continue
		}
		place := pkg.Model + " " + pkg.Variant
		if other, twice := fulls[place]; twice {
			fault("%s and %s are both for %s; a release has one full package per model and variant, so each channel has its "+
				"own release", other.Name, pkg.Name, pkg.Variant)
		}
		fulls[place] = pkg
	}
	for i, pkg := range bound {
		if len(pkg.PreBuilds) == 0 {
			continue
		}
		full, ok := fulls[pkg.Model+" "+pkg.Variant]
		switch {
		case !ok:
			fault("INC-ALONE: %s is an incremental; a release needs the full package of %s beside it, because phones on "+
				"other builds cannot take this one", pkg.Name, pkg.Build.Incremental)
		case full.Channel != pkg.Channel || full.Build != pkg.Build:
			fault("%s is an incremental to %s on %s, but the full package %s is of %s on %s; a release has one build per model "+
				"and variant", pkg.Name, pkg.Build.Incremental, pkg.Channel, full.Name, full.Build.Incremental, full.Channel)
		}
		for _, other := range bound[:i] {
			if other.Model == pkg.Model && other.Variant == pkg.Variant &&
				slices.ContainsFunc(pkg.PreBuilds, func(b string) bool { return slices.Contains(other.PreBuilds, b) }) {
				fault("%s and %s both start from one build of %s; a phone can be told of one", other.Name, pkg.Name, pkg.Variant)
			}
		}
	}
	return faults
}
