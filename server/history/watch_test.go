// SPDX-License-Identifier: Apache-2.0

package history

import (
	"slices"
	"testing"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// shown are figures of so many that show the effect, that show the opposite, and whose update failed by its own fault.
func shown(good, bad, failed int64) fleet.Figures {
	f := fleet.NewFigures()
	f.Installations = good + bad + failed
	f.Kinds[effect.Good], f.Kinds[effect.Bad], f.Kinds[effect.Unjudged] = good, bad, failed
	f.Progress[report.ProgressRunning], f.Progress[report.ProgressFailed] = good+bad, failed
	f.Causes[report.CauseBuild] = failed
	return f
}

func TestRegressions(t *testing.T) {
	for _, tt := range []struct {
		name                  string
		was, is               fleet.Figures
		wasCounted, isCounted fleet.Figures
		worse                 []string
		never                 bool // it was never copied
	}{
		{name: "as it was", was: shown(90, 2, 1), is: shown(90, 2, 1)},
		{name: "few more of few, as chance has it", was: shown(9, 0, 0), is: shown(8, 2, 0)},
		{name: "one in fifty, then one in three", was: shown(98, 2, 0), is: shown(70, 32, 0), worse: []string{"opposite of everybody"}},
		{name: "the counted alone", was: shown(900, 100, 0), is: shown(900, 130, 0), wasCounted: shown(98, 2, 0),
			isCounted: shown(70, 32, 0), worse: []string{"opposite of counted"}},
		{name: "all at once", was: shown(200, 0, 4), is: shown(100, 100, 90), wasCounted: shown(200, 0, 4), isCounted: shown(100, 100, 90),
			worse: []string{"opposite of counted", "failures of counted", "opposite of everybody", "failures of everybody"}},
		{name: "better", was: shown(70, 32, 50), is: shown(980, 2, 3)},
		{name: "nothing was known", was: shown(0, 0, 0), is: shown(0, 500, 0)},
		{name: "never copied", was: shown(200, 0, 0), is: shown(0, 500, 0), never: true},
		{name: "nobody is left", was: shown(70, 32, 50), is: shown(0, 0, 0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cell := fleet.Cell{Model: "armani", Release: "one", Channel: "stable"}
			of := func(all, counted fleet.Figures) fleet.Counts {
				return fleet.Counts{Model: cell.Model, Release: cell.Release, Channel: cell.Channel, Figures: all, Counted: counted}
			}
			was := map[fleet.Cell]fleet.Counts{cell: of(tt.was, tt.wasCounted)}
			if tt.never {
				clear(was)
			}
			var got []string
			for _, r := range Regressions(was, []fleet.Counts{of(tt.is, tt.isCounted)}) {
				got = append(got, r.What+" of "+r.Whose)
				if r.Cell != cell {
					t.Errorf("it is said of %v", r.Cell)
				}
			}
			if !slices.Equal(got, tt.worse) {
				t.Errorf("worse is %v, wanted %v", got, tt.worse)
			}
		})
	}
}

func TestBaselines(t *testing.T) {
	old := fleet.Moment{At: start, Version: fleet.FiguresVersion + 1} // of figures that meant something else
	moments := append([]fleet.Moment{old}, at(day, 8*day, 9*day, 9*day+day/2)...)
	got := baselines(start.Add(10*day), moments)
	if want := at(9*day+day/2, 9*day, day); !slices.Equal(got, want) {
		t.Errorf("got %v, wanted %v", got, want)
	}
	if got := baselines(start.Add(7*day), moments[:1]); got != nil {
		t.Errorf("another meaning is held against: %v", got)
	}
	if got, want := baselines(start.Add(9*day), moments[:3]), at(8*day, day); !slices.Equal(got, want) {
		t.Errorf("none is a week old but one of another meaning: got %v, wanted %v", got, want)
	}
}
