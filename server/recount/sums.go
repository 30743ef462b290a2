// SPDX-License-Identifier: Apache-2.0

package recount

import (
	"maps"
	"math"
	"slices"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server/fleet"
)

// UnderNewest counts the whole fleet of a model under the release where it stands, so that offering it moves nobody
// out of the figures. cells are the figures of the model by release and channel, totals those of its fleet by channel.
//
// Who has reported about the release stands as that showed. The others stand as Unpatched, those of them that were
// silent under their older release as Unknown; they are Unjudged, and have not begun. What was found before any of
// their updates stays, and so does what they had shown of their older release, as earlier.
//
// Who is silent is counted as such, by the release of the newest report. So the figures are exact, but for handsets that
// went back from the release to an older one: they stand under it as they had, and of those that fell silent after that as
// many of the unmet are taken to be silent.
//
// Of a part of everybody, most is how many of all are unmet ([Everybody] for all): a member of the counted fleet may have spoken of
// the release and not count for it, as one that was admitted after its rollout began. It is in no cell of that part, and it has met it.
func UnderNewest(release string, cells, totals []fleet.Counts, most int64) (c fleet.Counts, before Earlier) {
	c, fleetOf := Sum(), Sum(totals...)
	for _, cell := range cells {
		if cell.Release == release {
			c = Sum(c, cell)
		}
	}
	// More can have spoken of the release than stand under it: one that went back to an older release is in both.
	unmet := min(max(0, fleetOf.Installations-c.Installations), most)
	before = Earlier{
		Unmet:    unmet,
		Proven:   min(max(0, fleetOf.Proven()-c.Proven()), unmet),
		Opposite: min(max(0, Opposite(fleetOf)-Opposite(c)), unmet),
	}
	silent := min(max(0, fleetOf.Silent-c.Silent), unmet)
	left := unmet
	for _, found := range slices.Sorted(maps.Keys(fleetOf.Before)) {
		if found == effect.NotSeen {
			continue
		}
		n := min(max(0, fleetOf.Before[found]-c.Before[found]), left)
		c.Before[found] += n
		left -= n
	}
	c.Before[effect.NotSeen] += left
	c.Installations += unmet
	c.Silent += silent
	c.Verdicts[effect.Unknown] += silent
	c.Verdicts[effect.Unpatched] += unmet - silent
	c.Kinds[effect.Unjudged] += unmet
	c.Progress[report.ProgressKnown] += unmet
	return c, before
}

// Everybody is most of [UnderNewest] where no part of all is counted.
const Everybody = math.MaxInt64

// mostUnmet is most of UnderNewest for the counted fleet; a tally of schema 1 knew none.
func (f Figures) mostUnmet(all Earlier) int64 {
	if f.Schema < tally.CountedUnmet {
		return Everybody
	}
	return all.Unmet
}

// Earlier are the installations of a model that have not reported about its newest release: how many they are, and how
// many of them had shown the effect of their older release, or the opposite of it.
type Earlier struct{ Unmet, Proven, Opposite int64 }

// Opposite counts installations of a bad class of the effect's own, whatever the effect.
func Opposite(c fleet.Counts) int64 { return c.Kinds[effect.Bad] - c.Verdicts[effect.Contradictory] }

// Sum adds up cells; its maps are new.
func Sum(cells ...fleet.Counts) fleet.Counts {
	c := fleet.Counts{Figures: fleet.NewFigures()}
	for _, cell := range cells {
		c.Installations += cell.Installations
		c.Leaked += cell.Leaked
		c.Silent += cell.Silent
		c.Lost += cell.Lost
		c.Hear(cell.Heard)
		AddTo(c.Verdicts, cell.Verdicts)
		AddTo(c.Kinds, cell.Kinds)
		AddTo(c.Progress, cell.Progress)
		AddTo(c.Before, cell.Before)
		AddTo(c.Causes, cell.Causes)
	}
	return c
}

// AddTo adds counts by name.
func AddTo[K comparable](sum, cells map[K]int64) {
	for k, n := range cells {
		sum[k] += n
	}
}
