// SPDX-License-Identifier: Apache-2.0

package support

import (
	"landed/server/fleet"
	"landed/server/recount"
)

// underNewest counts the whole fleet of a model under the release where it stands ([recount.UnderNewest]).
func underNewest(release string, cells, totals []fleet.Counts, most int64) (c fleet.Counts, before earlier) {
	c, was := recount.UnderNewest(release, cells, totals, most)
	return c, earlier{was.Unmet, was.Proven, was.Opposite}
}

// earlier are the installations of a model that have not reported about its newest release: how many they are, and how
// many of them had shown the effect of their older release, or the opposite of it.
type earlier struct{ unmet, proven, opposite int64 }

// sum adds up cells; its maps are new.
func sum(cells ...fleet.Counts) fleet.Counts { return recount.Sum(cells...) }

func addTo[K comparable](sum, cells map[K]int64) { recount.AddTo(sum, cells) }

// opposite counts installations of a bad class of the effect's own, whatever the effect.
func opposite(c fleet.Counts) int64 { return recount.Opposite(c) }
