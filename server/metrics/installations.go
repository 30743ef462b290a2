// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"cmp"
	"slices"
)

// Cell is how many installations of a model, which are not quarantined, are of a class.
type Cell struct {
	Model, Class string
	All, Counted int64 // Counted are those of the counted fleet
}

// MaxCells is how many cells are shown at most: the smallest of more are one, of the model and class [Other].
const MaxCells = 2000

// Other is the model and the class of what there was no room for.
const Other = "other"

var (
	installations = gauge("installations", "Installations that are not quarantined, by what their reports show of the newest "+
		"release that they spoke of.", "model", "class")
	countedFleet = gauge("installations_counted", "Of those, the counted fleet.", "model", "class")
	figuresAt    = gauge("installations_time_seconds", "As of when installations were counted, in Unix time.")
)

func (s Standing) fleet(to sender) {
	for _, c := range few(s.Installations) {
		to.gauge(installations, float64(c.All), c.Model, c.Class)
		to.gauge(countedFleet, float64(c.Counted), c.Model, c.Class)
	}
	to.at(figuresAt, s.Counted)
}

// few is at most MaxCells cells, each model and class once, with the same sums.
func few(cells []Cell) []Cell {
	byName := func(a, b Cell) int { return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Class, b.Class)) }
	cells = slices.SortedFunc(slices.Values(cells), byName)
	all := cells[:0]
	for _, c := range cells {
		if last := len(all) - 1; last >= 0 && byName(all[last], c) == 0 {
			all[last].All, all[last].Counted = all[last].All+c.All, all[last].Counted+c.Counted
			continue
		}
		all = append(all, c)
	}
	if len(all) <= MaxCells {
		return all
	}
	slices.SortStableFunc(all, func(a, b Cell) int { return cmp.Compare(b.All, a.All) })
	rest := Cell{Model: Other, Class: Other}
	for _, c := range all[MaxCells-1:] {
		rest.All, rest.Counted = rest.All+c.All, rest.Counted+c.Counted
	}
	return append(all[:MaxCells-1], rest)
}
