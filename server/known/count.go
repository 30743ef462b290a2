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

	place int // of the issue, among those of its axis
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

// Counter counts what is explained of a release. It looks through the known issues once, and not again for each model.
type Counter struct {
	bad     func(fleet.Class) bool
	shelves []shelf // as Axes
}

// shelf has the known issues of one axis, and the places of those that are about every model, and about each.
type shelf struct {
	issues []fleet.KnownIssue
	any    []int
	named  map[string][]int
}

// CounterOf has those of all that hold and are about a release; bad says of which classes of its effect the kind is bad.
func CounterOf(all []fleet.KnownIssue, release string, bad func(fleet.Class) bool) *Counter {
	c := &Counter{bad: bad}
	for _, axis := range Axes {
		s := shelf{named: map[string][]int{}}
		for _, k := range all {
			if !k.Holds() || AxisOf(k) != axis || k.Release != "" && k.Release != release {
				continue
			}
			place := len(s.issues)
			s.issues = append(s.issues, k)
			if len(k.Models) == 0 {
				s.any = append(s.any, place)
			}
			for _, m := range k.Models {
				s.named[m] = append(s.named[m], place)
			}
		}
		c.shelves = append(c.shelves, s)
	}
	return c
}

// lines are a line of none for each known issue at some places, in the order of places.
func (s shelf) lines(places ...int) (lines []Explained) {
	slices.Sort(places)
	places = slices.Compact(places)
	lines = make([]Explained, 0, len(places))
	for _, at := range places {
		lines = append(lines, Explained{Issue: s.issues[at], place: at})
	}
	return lines
}

// On counts, on each axis, which known issues explain how many installations of a model. Cells are of it and of the release; a
// total is none.
func (c *Counter) On(model string, cells ...fleet.Counts) (counts []Count) {
	for i, axis := range Axes {
		s := c.shelves[i]
		n := Count{Axis: axis, Explained: s.lines(slices.Concat(s.any, s.named[model])...)}
		first := map[matter]int{}
		for at, e := range slices.Backward(n.Explained) {
			first[matter{e.Issue.Subject, e.Issue.Value}] = at
		}
		for _, cell := range cells {
			n.All += cell.Installations
			for _, s := range sharesOf(axis, cell, c.bad) {
				n.add(s, first)
			}
		}
		n.Rest = n.All - n.By() - n.Bad
		counts = append(counts, n)
	}
	return counts
}

// add counts a share under the first line that explains it.
func (c *Count) add(s share, first map[matter]int) {
	at := len(c.Explained)
	for _, m := range s.matters() {
		if place, ok := first[m]; ok {
			at = min(at, place)
		}
	}
	if s.bad {
		c.AllBad += s.n
	}
	switch {
	case at < len(c.Explained):
		c.Explained[at].N += s.n
		if s.bad {
			c.Explained[at].Bad += s.n
		}
	case s.bad:
		c.Bad += s.n
	}
}

// Together adds up counts that On gave, one of each model.
func (c *Counter) Together(models ...[]Count) (counts []Count) {
	for i, axis := range Axes {
		s := c.shelves[i]
		all, places := Count{Axis: axis}, slices.Clone(s.any)
		n, bad := make([]int64, len(s.issues)), make([]int64, len(s.issues))
		for _, one := range models {
			all.All, all.AllBad, all.Bad, all.Rest = all.All+one[i].All, all.AllBad+one[i].AllBad, all.Bad+one[i].Bad, all.Rest+one[i].Rest
			for _, e := range one[i].Explained {
				places = append(places, e.place)
				n[e.place] += e.N
				bad[e.place] += e.Bad
			}
		}
		all.Explained = s.lines(places...)
		for at, e := range all.Explained {
			all.Explained[at].N, all.Explained[at].Bad = n[e.place], bad[e.place]
		}
		counts = append(counts, all)
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
func sharesOf(axis Axis, cell fleet.Counts, bad func(fleet.Class) bool) (all []share) {
	if axis == Verdict {
		for class, n := range cell.Verdicts {
			all = append(all, share{answer{axis: axis, class: class}, n, bad(class)})
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
