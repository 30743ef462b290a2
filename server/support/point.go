// SPDX-License-Identifier: Apache-2.0

package support

import (
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Parts are figures of some installations at a moment, as in Figures.
type Parts struct {
	Installations int64 `json:"installations"`
	Running       int64 `json:"running"`
	Failed        int64 `json:"failed"`
	Lost          int64 `json:"lost"`
	Judged        int64 `json:"judged"`
	Proven        int64 `json:"proven"`
	Opposite      int64 `json:"opposite"`
}

// Point is how figures stood at a moment.
type Point struct {
	At      time.Time `json:"at"`
	Release string    `json:"release,omitempty"` // of a model: under which it stood then
	Parts
	Kinds    map[fleet.Kind]int64      `json:"kinds"`
	Verdicts map[fleet.Class]int64     `json:"verdicts"`
	Progress map[report.Progress]int64 `json:"progress"`
	Before   map[fleet.Before]int64    `json:"before"`
	Causes   map[report.Cause]int64    `json:"causes"`
	Counted  Parts                     `json:"counted"`
	// Of a model, by release: how many have run it, those too that run a later one by now.
	Ran map[string]int64 `json:"ran,omitempty"`
	// Missing of now, which is no copy, and of copies that do not say it.
	SilentFor *SilentFor `json:"silent_for,omitempty"`
}

func pointOf(at time.Time, f Figures) Point {
	p := Point{At: at.UTC(), Parts: partsOf(f), Kinds: f.Kinds, Verdicts: f.Verdicts, Progress: f.Progress, Before: f.Before,
		Causes: f.Causes}
	if f.carries != nil {
		p.Counted = partsOf(*f.carries)
	}
	return p
}

func partsOf(f Figures) Parts {
	return Parts{f.Installations, f.Running, f.Failed, f.Lost, f.Judged, f.Proven, f.Opposite}
}

// Difference is by how much a point has more than an earlier one.
type Difference struct {
	Since time.Time `json:"since"`
	Parts
	Counted Parts `json:"counted"`
}

func (p Point) less(was Point) Difference {
	return Difference{was.At, p.Parts.less(was.Parts), p.Counted.less(was.Counted)}
}

func (p Parts) less(was Parts) Parts {
	return Parts{p.Installations - was.Installations, p.Running - was.Running, p.Failed - was.Failed, p.Lost - was.Lost,
		p.Judged - was.Judged, p.Proven - was.Proven, p.Opposite - was.Opposite}
}

// ofCopy are the figures of a copy, under a release or, if that is nil, without one; those of the counted fleet are there if it
// had anybody.
func (d describer) ofCopy(is *issue, c fleet.Counts) Figures {
	figures := func(c fleet.Counts) Figures {
		if is == nil {
			return d.allOf(c)
		}
		return is.lex.figures(c)
	}
	f := figures(c)
	if c.Counted.Installations > 0 {
		f = f.carried(figures(fleet.Counts{Figures: c.Counted}))
	}
	return f
}

// allOf are figures of classes of whatever effects, as together makes them.
func (d describer) allOf(c fleet.Counts) Figures {
	f := d.words.plain.figures(c)
	f.Verdicts, f.Before, f.claims = c.Verdicts, c.Before, false
	f.Opposite = opposite(c)
	return f
}
