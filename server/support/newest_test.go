// SPDX-License-Identifier: Apache-2.0

package support

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/recount"
)

// cellOfTest is a cell of unpatched, silent, good and running installations; the rest of them is open.
func cellOfTest(release string, all, without, silent, good, running int64, before map[fleet.Before]int64) fleet.Counts {
	return fleet.Counts{
		Release: release, Model: "armani", Channel: "stable",
		Figures: fleet.Figures{
			Installations: all, Silent: silent,
			Verdicts: map[fleet.Class]int64{unpatched: without, unknown: silent, confirmedOff: good, carriedOver: all - without - silent - good},
			Kinds:    map[fleet.Kind]int64{effect.Unjudged: without + silent, effect.Good: good, effect.Open: all - without - silent - good},
			Progress: map[report.Progress]int64{report.ProgressRunning: running, report.ProgressKnown: all - running},
			Before:   before,
		},
	}
}

// plainOfTest is a cell of a release that claims nothing: who runs it is unknown, as who is silent; the rest of those that
// are neither unpatched nor silent had moved on.
func plainOfTest(release string, all, without, silent, running int64) fleet.Counts {
	c := cellOfTest(release, all, without, all-without, 0, running, map[fleet.Before]int64{notSeen: all})
	c.Silent = silent
	return c
}

func TestUnderNewest(t *testing.T) {
	type finds = map[fleet.Before]int64
	for name, tt := range map[string]struct {
		cells, totals                     []fleet.Counts
		all, unmet, without, silent, good int64
		before                            finds
	}{
		"nothing": {before: finds{notSeen: 0}},
		"one release": {
			cells:  []fleet.Counts{cellOfTest("new", 10, 3, 2, 4, 5, finds{beforeActive: 10})},
			totals: []fleet.Counts{cellOfTest("", 10, 3, 2, 4, 5, finds{beforeActive: 10})},
			all:    10, without: 3, silent: 2, good: 4, before: finds{beforeActive: 10, notSeen: 0},
		},
		"nobody has met it": {
			cells:  []fleet.Counts{cellOfTest("old", 10, 3, 2, 4, 5, finds{beforeActive: 7, notSeen: 3})},
			totals: []fleet.Counts{cellOfTest("", 10, 3, 2, 4, 5, finds{beforeActive: 7, notSeen: 3})},
			all:    10, unmet: 10, without: 8, silent: 2, before: finds{beforeActive: 7, notSeen: 3},
		},
		"some moved on": {
			cells: []fleet.Counts{
				cellOfTest("old", 10, 3, 2, 4, 5, finds{beforeActive: 10}), // as they had stood
				cellOfTest("new", 4, 0, 1, 3, 3, finds{beforeActive: 4}),
			},
			totals: []fleet.Counts{cellOfTest("", 10, 2, 3, 5, 6, finds{beforeActive: 10})},
			all:    10, unmet: 6, without: 4, silent: 3, good: 3, before: finds{beforeActive: 10, notSeen: 0},
		},
		"two channels are one fleet": {
			cells:  []fleet.Counts{cellOfTest("old", 5, 5, 0, 0, 0, finds{beforeQuiet: 5}), cellOfTest("new", 2, 0, 0, 2, 2, finds{notSeen: 2})},
			totals: []fleet.Counts{cellOfTest("", 5, 5, 0, 0, 0, finds{beforeQuiet: 5}), cellOfTest("", 2, 0, 0, 2, 2, finds{notSeen: 2})},
			all:    7, unmet: 5, without: 5, good: 2, before: finds{beforeQuiet: 5, notSeen: 2},
		},
		"who runs a release without effect is not silent": {
			cells:  []fleet.Counts{plainOfTest("old", 9, 2, 1, 6)},
			totals: []fleet.Counts{plainOfTest("", 9, 2, 1, 6)},
			all:    9, unmet: 9, without: 8, silent: 1, before: finds{notSeen: 9},
		},
		"some of a plain release moved on": {
			cells:  []fleet.Counts{plainOfTest("old", 110, 0, 10, 100), cellOfTest("new", 50, 0, 0, 50, 50, finds{notSeen: 50})},
			totals: []fleet.Counts{sum(plainOfTest("", 60, 0, 10, 50), cellOfTest("", 50, 0, 0, 50, 50, finds{notSeen: 50}))},
			all:    110, unmet: 60, without: 50, silent: 10, good: 50, before: finds{notSeen: 110},
		},
		"several plain releases, and who fell silent on each": {
			cells: []fleet.Counts{
				plainOfTest("older", 100, 20, 30, 40), plainOfTest("old", 50, 5, 15, 30), plainOfTest("new", 0, 0, 0, 0),
			},
			totals: []fleet.Counts{plainOfTest("", 140, 25, 45, 60)},
			all:    140, unmet: 140, without: 95, silent: 45, before: finds{notSeen: 140},
		},
		"one went back to the older release": {
			cells: []fleet.Counts{
				cellOfTest("old", 1, 1, 0, 0, 0, finds{beforeActive: 1}), cellOfTest("new", 2, 0, 0, 2, 2, finds{beforeActive: 2}),
			},
			totals: []fleet.Counts{cellOfTest("", 2, 1, 0, 1, 1, finds{beforeActive: 2})},
			all:    2, good: 2, before: finds{beforeActive: 2, notSeen: 0},
		},
	} {
		got, before := underNewest("new", tt.cells, tt.totals, recount.Everybody)
		if got.Installations != tt.all || before.unmet != tt.unmet || got.Verdicts[unpatched] != tt.without || got.Verdicts[unknown] != tt.silent ||
			got.Proven() != tt.good || !cmp.Equal(got.Before, tt.before) {
			t.Errorf("%s: %d not met, %+v", name, before.unmet, got)
		}
		for what, of := range map[string]int64{"kinds": added(got.Kinds), "verdicts": added(got.Verdicts), "progress": added(got.Progress), "before": added(got.Before)} {
			if of != got.Installations {
				t.Errorf("%s: %s sum to %d of %d", name, what, of, got.Installations)
			}
		}
	}
}

func added[K comparable](cells map[K]int64) (n int64) {
	for _, c := range cells {
		n += c
	}
	return n
}
