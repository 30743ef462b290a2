// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"landed/manifests/tufrepo"
)

// soon is how long before its end a role that people sign wants to be thought of: long enough to
// bring together people who are far apart.
const soon = 45 * day

// Expiring says in words which files of s that people sign are out of date, or soon will be, and
// how each is renewed; and if the feed that s was copied from is out of date. Files of models that
// were retired are not among them.
func Expiring(s tufrepo.Set, now time.Time) (words []string) {
	note := func(role string, text []byte) {
		info, err := tufrepo.Read(text)
		if err != nil {
			return
		}
		until, left := info.Expires.Format(time.DateOnly), info.Expires.Sub(now)
		threshold := thresholdOf(s, role)
		switch {
		case role == tufrepo.Timestamp && left <= 0:
			words = append(words, fmt.Sprintf("This copy of the feed was good until %s. If it is an old copy, "+
				"fetch a new one before you change anything.", until))
		case threshold == 0:
		case left <= 0:
			words = append(words, fmt.Sprintf("%s: version %d expired on %s and wants to be signed again: "+
				"otasign rotate --role %s --threshold %d", role, info.Version, until, role, threshold))
		case left < soon:
			words = append(words, fmt.Sprintf("%s: version %d is valid until %s only, %d days more. Renew it before: "+
				"otasign rotate --role %s --threshold %d", role, info.Version, until, left/day, role, threshold))
		}
	}
	if len(s.Roots) > 0 {
		note(tufrepo.Root, s.Roots[len(s.Roots)-1])
	}
	for _, role := range slices.Sorted(maps.Keys(s.Files)) {
		note(role, s.Files[role])
	}
	return words
}

// thresholdOf is how many people sign role; 0 if people do not.
func thresholdOf(s tufrepo.Set, role string) int {
	if n := len(s.Roots); n > 0 && (role == tufrepo.Root || role == tufrepo.Targets) {
		if info, err := tufrepo.Read(s.Roots[n-1]); err == nil && info.Root != nil {
			return map[string]int{tufrepo.Root: info.Root.Root.Threshold, tufrepo.Targets: info.Root.Targets.Threshold}[role]
		}
	}
	targets, err := targetsOf(s)
	if err != nil {
		return 0
	}
	for _, m := range targets.Models {
		if m.Role == role {
			return m.Builds.Threshold
		}
	}
	return 0
}
