// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"landed/server/fleet"
	"landed/server/offering"
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

// roomFaults refuses more packages of one model on one channel than a handset can be told of at once: what is too much
// would be signed and offered to nobody.
func roomFaults(bound []fleet.Package) (faults []error) {
	type count struct{ fulls, incrementals int }
	counts := map[[2]string]count{}
	for _, pkg := range bound {
		place := [2]string{pkg.Model, pkg.Channel}
		c := counts[place]
		if len(pkg.PreBuilds) > 0 {
			c.incrementals++
		} else {
			c.fulls++
		}
		counts[place] = c
	}
	byName := func(a, b [2]string) int { return strings.Compare(a[0]+" "+a[1], b[0]+" "+b[1]) }
	for _, place := range slices.SortedFunc(maps.Keys(counts), byName) {
		c := counts[place]
		over := c.fulls + c.incrementals - offering.MaxOffers
		if over <= 0 {
			continue
		}
		leaveOut := fmt.Sprintf("leave out %d of the incrementals, from the builds that the fewest phones run: they can take the full "+
			"package", over)
		if full := c.fulls - offering.MaxOffers; full > 0 {
			leaveOut = fmt.Sprintf("leave out every incremental and %d of the full packages: a model and channel has no room for more "+
				"images", full)
		}
		faults = append(faults, fmt.Errorf("%s on %s: the release has %d packages (%d full, %d incremental), and phones can be "+
			"told of %d at once; %s", place[0], place[1], c.fulls+c.incrementals, c.fulls, c.incrementals, offering.MaxOffers, leaveOut))
	}
	return faults
}
