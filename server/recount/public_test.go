// SPDX-License-Identifier: Apache-2.0

package recount

import (
	"testing"

	"landed/manifests/effect"
	"landed/manifests/tally"
	"landed/server/fleet"
)

// TestFarOff: a published number that the rule of small numbers does not explain is named.
func TestFarOff(t *testing.T) {
	exact := fleet.Counts{Release: "one", Model: "armani", Channel: "stable", Figures: fleet.NewFigures(), Counted: fleet.NewFigures(),
		Quarantined: fleet.NewFigures()}
	exact.Installations, exact.Kinds[effect.Good], exact.Kinds[effect.Open] = 474, 413, 61
	total := exact
	total.Release = ""
	f := Figures{Cells: []fleet.Counts{exact}, Totals: []fleet.Counts{total}}
	for name, tt := range map[string]struct {
		good, open int64 // -1: not shown
		far        int
	}{
		"as they are, about":          {410, 60, 0},
		"as far as the rule lets it":  {457, 20, 0},
		"farther":                     {458, 60, 1},
		"much more than there are":    {100_000, 60, 1},
		"more hidden than the rule":   {-1, 60, 1},
		"as many as may be, and more": {-1, -1, 2},
	} {
		m := tally.Cell{Release: "one", Model: "armani", Numbers: map[string]int64{"kinds.bad": 0, "kinds.unjudged": 0}}
		for kind, n := range map[string]int64{"kinds.good": tt.good, "kinds.open": tt.open} {
			if n >= 0 {
				m.Numbers[kind] = n
			}
		}
		if _, far := farOff(tally.Tally{Threshold: 20, Models: []tally.Cell{m}}, f); len(far) != tt.far {
			t.Errorf("%s: %q", name, far)
		}
	}
}
