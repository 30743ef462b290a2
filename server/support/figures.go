// SPDX-License-Identifier: Apache-2.0

package support

import (
	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/web"
)

// Figures are maintained counts of installations. Every class and finding of the effect, every kind and every step is
// there, zeros too; verdicts, kinds, progress and before each sum to Installations.
type Figures struct {
	Installations int64 `json:"installations"` // that have reported at least once
	Unmet         int64 `json:"unmet"`         // of those: have not reported about this release yet
	Running       int64 `json:"running"`       // run a build of the release
	Failed        int64 `json:"failed"`        // gave up, or have tried in vain for a long time
	Lost          int64 `json:"lost"`          // said that they installed it, and nothing more for 72 hours
	Judged        int64 `json:"judged"`        // on the release, with evidence that says something
	Proven        int64 `json:"proven"`        // of those: of a good class
	// In which range the share of those that have shown the effect lies, among all that could be judged one day; null before any.
	ProvenInterval *Interval `json:"proven_interval"`
	Opposite       int64     `json:"opposite"` // of those: of a bad class of the effect's own
	// Of those that are unmet: how they stood under the release that they last spoke of.
	ProvenEarlier   int64                     `json:"proven_earlier"`
	OppositeEarlier int64                     `json:"opposite_earlier"`
	Kinds           map[fleet.Kind]int64      `json:"kinds"`
	Verdicts        map[fleet.Class]int64     `json:"verdicts"`
	Progress        map[report.Progress]int64 `json:"progress"`
	Before          map[fleet.Before]int64    `json:"before"`
	Causes          map[report.Cause]int64    `json:"causes"` // of those that failed
	Counted         Counted                   `json:"counted"`
	Quarantined     Quarantined               `json:"quarantined"` // in none of the others

	carries *Figures // of the counted fleet; nil if nobody counts
	claims  bool
	classes []web.Row // with words
	steps   []web.Row
	found   []web.Row
	causes  []web.Row
	kinds   map[string]fleet.Kind // of classes
}

// figures adds up cells of one release, in the words of its effect.
func (l lexicon) figures(cells ...fleet.Counts) Figures {
	c := sum(cells...)
	f := Figures{
		Installations: c.Installations, Running: c.Running(), Failed: c.Failed(), Lost: c.Lost, Judged: c.Judged(), Proven: c.Proven(),
		Kinds: map[fleet.Kind]int64{}, Verdicts: map[fleet.Class]int64{}, Progress: map[report.Progress]int64{},
		Before: map[fleet.Before]int64{}, Causes: map[report.Cause]int64{}, claims: l.claims(), kinds: map[string]fleet.Kind{},
	}
	for _, k := range effect.Kinds {
		f.Kinds[k] = c.Kinds[k]
	}
	rest := c.Installations
	for _, class := range l.classes {
		n := c.Verdicts[fleet.Class(class.key)]
		f.Verdicts[fleet.Class(class.key)], f.kinds[class.key] = n, class.kind
		rest -= n
		if class.kind == effect.Bad && class.key != effect.Contradictory {
			f.Opposite += n
		}
	}
	f.Verdicts[effect.Unknown] += rest // of a class that the effect does not have
	f.classes, f.steps = make([]web.Row, 0, len(l.classes)), make([]web.Row, 0, len(report.ProgressValues))
	for _, class := range l.classes {
		n := f.Verdicts[fleet.Class(class.key)]
		f.classes = append(f.classes, web.Row{
			Key: class.key, Count: n, Of: f.Installations, Colour: class.colour,
			Name: class.words.Name, Means: class.words.Means, Tell: class.words.Tell,
		})
	}
	for _, step := range report.ProgressValues {
		f.Progress[step] = c.Progress[step]
		f.steps = append(f.steps, web.Row{
			Key: string(step), Count: c.Progress[step], Of: f.Installations, Colour: "step-" + string(step),
			Name: l.locale.Say("step."+string(step), nil), Means: l.locale.Say("step."+string(step)+".means", nil),
		})
	}
	f.causes = make([]web.Row, 0, len(report.Causes))
	for _, cause := range report.Causes {
		f.Causes[cause] = c.Causes[cause]
		f.causes = append(f.causes, web.Row{
			Key: string(cause), Count: c.Causes[cause], Of: f.Failed,
			Name: l.locale.Say("cause."+string(cause), nil), Means: l.locale.Say("cause."+string(cause)+".means", nil),
		})
	}
	rest = c.Installations
	f.found = make([]web.Row, 0, len(l.findings()))
	for i, found := range l.findings() {
		n := c.Before[fleet.Before(found)]
		if found == effect.NotSeen {
			n = rest // findings of other effects too
		}
		rest -= n
		f.Before[fleet.Before(found)] = n
		f.found = append(f.found, web.Row{Key: found, Count: n, Of: f.Installations, Name: l.finding(found),
			Colour: foundColours[i%len(foundColours)]})
	}
	return f.withIntervals()
}

// foundColours are those of what was found before, of which an effect does not say how bad it is.
var foundColours = []string{web.Shade(string(effect.Open), 0), web.Shade(string(effect.Open), 1),
	web.Shade(string(effect.Unjudged), 0), web.Shade(string(effect.Unjudged), 1)}

// withIntervals says how far each share can be trusted.
func (f Figures) withIntervals() Figures {
	f.ProvenInterval = interval(f.Proven, f.Judged)
	for _, rows := range [][]web.Row{f.classes, f.steps, f.causes, f.found} {
		withIntervals(rows)
	}
	return f
}

// Classes are the verdicts in the order of every page.
func (f Figures) Classes() []web.Row { return f.classes }

// Steps are the steps of the update in their order.
func (f Figures) Steps() []web.Row { return f.steps }

// Failures are the causes of failures that some installation met, each with its remedy.
func (f Figures) Failures() (met []web.Row) {
	for _, row := range f.causes {
		if row.Count > 0 {
			met = append(met, row)
		}
	}
	return met
}

// Findings are what was found before the update.
func (f Figures) Findings() []web.Row { return f.found }

// Claims says that the release has an effect to be shown.
func (f Figures) Claims() bool { return f.claims }

// Adverse is the largest bad class of the effect's own; nil if nobody is in any.
func (f Figures) Adverse() *web.Row { return largest(f.classes, f.Installations, f.isOpposite) }

// Unproven is the largest class that could be judged and has not shown the effect; nil if nobody is in any. What shows
// the opposite is not among them: it has a standing of its own. Of equal ones it is the first, as on every page.
func (f Figures) Unproven() *web.Row {
	return largest(f.classes, f.Judged, func(class string) bool {
		return class == effect.Contradictory || f.kinds[class] == effect.Open
	})
}

func (f Figures) isOpposite(class string) bool {
	return class != effect.Contradictory && f.kinds[class] == effect.Bad
}

// largest is that of rows, as a part of so many; nil if nobody is in any.
func largest(rows []web.Row, of int64, is func(class string) bool) *web.Row {
	best := -1
	for i := range rows {
		if rows[i].Count > 0 && is(rows[i].Key) && (best < 0 || rows[i].Count > rows[best].Count) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	row := rows[best]
	row.Of = of
	return &row
}

// MostlyUnproven says that enough could be judged, and that fewer than half of those have shown the effect.
func (f Figures) MostlyUnproven() bool {
	return f.Judged >= EnoughJudged && f.Proven*2 < f.Judged && (f.claims || f.classes == nil)
}
