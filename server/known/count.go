// SPDX-License-Identifier: Apache-2.0

package known

import (
	"slices"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Explained is how many installations a known issue explains, that no earlier one does.
type Explained struct {
	Issue fleet.KnownIssue
	N     int64
	Bad   int64 // of those: they failed; on the axis of verdicts, they are of the kind bad
}

// Count is one axis of some figures. What is explained, Bad and Rest add up to All.
type Count struct {
	Axis      Axis
	Explained []Explained // a line for each known issue of this axis, zeros too
	Bad       int64       // failed, or of the kind bad, and nothing that is known explains it
	Rest      int64       // everybody else whom nothing explains
	All       int64
	AllBad    int64 // failed, or of the kind bad, explained or not
}

// By is how many are explained.
func (c Count) By() (n int64) {
	for _, e := range c.Explained {
		n += e.N
	}
	return n
}

// Counting counts, on each axis, which of all explain how many installations of some cells, as [Axes] has them; bad says of
// which classes the kind is bad. Of all, those that hold are to be given. Cells are of releases: a total has none.
func Counting(all []fleet.KnownIssue, bad func(release string, c fleet.Class) bool, cells ...fleet.Counts) []Count {
	var counts []Count
	for _, axis := range Axes {
		c := Count{Axis: axis}
		mine := slices.DeleteFunc(slices.Clone(all), func(k fleet.KnownIssue) bool { return AxisOf(k) != axis })
		for _, k := range mine {
			c.Explained = append(c.Explained, Explained{Issue: k})
		}
		for _, cell := range cells {
			c.All += cell.Installations
			for _, s := range sharesOf(axis, cell, bad) {
				if s.bad {
					c.AllBad += s.n
				}
				at := first(mine, cell.Model, cell.Release, s.answer)
				switch {
				case at >= 0:
					c.Explained[at].N += s.n
					if s.bad {
						c.Explained[at].Bad += s.n
					}
				case s.bad:
					c.Bad += s.n
				}
			}
		}
		c.Rest = c.All - c.By() - c.Bad
		counts = append(counts, c)
	}
	return counts
}

// share is how many of a cell give an answer.
type share struct {
	answer
	n   int64
	bad bool
}

// sharesOf are those of a cell on an axis; each installation is in one of them at most.
func sharesOf(axis Axis, cell fleet.Counts, bad func(release string, c fleet.Class) bool) (all []share) {
	if axis == Verdict {
		for class, n := range cell.Verdicts {
			all = append(all, share{answer{axis: axis, class: class}, n, bad(cell.Release, class)})
		}
		return all
	}
	for progress, n := range cell.Progress {
		failed := progress == report.ProgressFailed
		if failed {
			for cause, of := range cell.Causes {
				all = append(all, share{answer{axis: axis, progress: progress, cause: cause}, of, true})
				n -= of
			}
		}
		all = append(all, share{answer{axis: axis, progress: progress}, n, failed})
	}
	return all
}
