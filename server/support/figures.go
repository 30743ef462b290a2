// SPDX-License-Identifier: Apache-2.0

package support

import (
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/web"
)

// Figures are maintained counts of installations. Every class, step and finding is there,
// zeros too, and the verdicts sum to Installations.
type Figures struct {
	Installations int64                     `json:"installations"` // that have reported at least once
	Running       int64                     `json:"running"`       // run a build of the release
	Failed        int64                     `json:"failed"`        // whose last attempt failed
	Judged        int64                     `json:"judged"`        // on the release, with evidence that says something
	Proven        int64                     `json:"proven"`        // of those: off, or on by consent
	Verdicts      map[fleet.Class]int64     `json:"verdicts"`
	Progress      map[report.Progress]int64 `json:"progress"`
	Before        map[fleet.Before]int64    `json:"before"`
}

var steps = []report.Progress{
	report.ProgressKnown, report.ProgressDownloading, report.ProgressInstalled, report.ProgressRunning, report.ProgressFailed,
}

var findings = []fleet.Before{fleet.BeforeActive, fleet.BeforeQuiet, fleet.BeforeOff, fleet.BeforeUnknown}

// figures adds up cells, of one model or of all.
func figures(cells ...fleet.Counts) Figures {
	f := Figures{Verdicts: map[fleet.Class]int64{}, Progress: map[report.Progress]int64{}, Before: map[fleet.Before]int64{}}
	for _, class := range fleet.Classes {
		f.Verdicts[class] = 0
	}
	for _, step := range steps {
		f.Progress[step] = 0
	}
	for _, finding := range findings {
		f.Before[finding] = 0
	}
	for _, c := range cells {
		f.Installations += c.Installations
		f.Running += c.Running()
		f.Failed += c.Failed()
		f.Judged += c.Judged()
		f.Proven += c.Proven()
		addTo(f.Verdicts, c.Verdicts)
		addTo(f.Progress, c.Progress)
		addTo(f.Before, c.Before)
	}
	return f
}

func addTo[K comparable](sum, cells map[K]int64) {
	for k, n := range cells {
		sum[k] += n
	}
}

// Classes are the verdicts in the order of every page.
func (f Figures) Classes() []web.Row { return rows(fleet.Classes, f.Verdicts, f.Installations) }

// Steps are the steps of the update in their order.
func (f Figures) Steps() []web.Row { return rows(steps, f.Progress, f.Installations) }

// Findings are what was found before the patch.
func (f Figures) Findings() []web.Row { return rows(findings, f.Before, f.Installations) }

// SeenBefore counts installations that reported before they ran the patch.
func (f Figures) SeenBefore() int64 { return f.Installations - f.Before[fleet.BeforeUnknown] }

// ActiveBefore counts those of them that had activated themselves.
func (f Figures) ActiveBefore() int64 { return f.Before[fleet.BeforeActive] }

// Leaking counts installations that leak.
func (f Figures) Leaking() int64 { return f.Verdicts[fleet.Leak] }

// CarriedOver counts installations on which the service is still on from before.
func (f Figures) CarriedOver() int64 { return f.Verdicts[fleet.CarriedOver] }

// unproven are the classes that could be judged and have not shown the effect. A leak is not
// among them: it has a standing of its own.
var unproven = []fleet.Class{fleet.CarriedOver, fleet.RegisteredByItself, fleet.Contradictory}

// Unproven is the largest of those classes; nil if no installation is in any of them. Of equal
// ones it is the first, as on every page.
func (f Figures) Unproven() *web.Row {
	var largest *web.Row
	for _, class := range unproven {
		if n := f.Verdicts[class]; n > 0 && (largest == nil || n > largest.Count) {
			largest = &web.Row{Key: string(class), Count: n, Of: f.Judged}
		}
	}
	return largest
}

// MostlyUnproven says that enough could be judged, and that fewer than half of those have
// shown the effect.
func (f Figures) MostlyUnproven() bool { return f.Judged >= EnoughJudged && f.Proven*2 < f.Judged }

func rows[K ~string](order []K, cells map[K]int64, of int64) []web.Row {
	out := make([]web.Row, 0, len(order))
	for _, k := range order {
		out = append(out, web.Row{Key: string(k), Count: cells[k], Of: of})
	}
	return out
}

// leastWidth keeps one leaking handset among a million visible. The words beside the bar
// hold the figures; the bar only shows where to look.
const leastWidth = 80

// Bar divides the width of a bar by class. All classes are in it, in order, so that a live
// page moves parts instead of replacing them; the parts fill the bar exactly.
func (f Figures) Bar() []web.Segment {
	var small, large int64 // installations in parts of least width, and in others
	widths := 0
	for _, c := range fleet.Classes {
		switch n := f.Verdicts[c]; {
		case n == 0:
		case n*10_000 < leastWidth*f.Installations:
			small, widths = small+n, widths+leastWidth
		default:
			large += n
		}
	}
	bar, x, seen := make([]web.Segment, 0, len(fleet.Classes)), 0, int64(0)
	for _, c := range fleet.Classes {
		n, w := f.Verdicts[c], 0
		switch {
		case n == 0:
		case n*10_000 < leastWidth*f.Installations:
			w = leastWidth
		default: // the difference of two rounded places, so that roundings do not add up
			w = place(seen+n, large, 10_000-widths) - place(seen, large, 10_000-widths)
			seen += n
		}
		bar = append(bar, web.Segment{Class: string(c), X: x, W: w})
		x += w
	}
	return bar
}

func place(part, whole int64, width int) int { return int(part * int64(width) / whole) }
