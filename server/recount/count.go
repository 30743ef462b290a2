// SPDX-License-Identifier: Apache-2.0

package recount

import (
	"cmp"
	"encoding/hex"
	"slices"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server/fleet"
)

// Figures are counts by release, model and channel, and by model and channel, as the store keeps them, as of one moment.
type Figures struct {
	Cells, Totals []fleet.Counts
	Schema        int // of the tally that they are for: by which rules they add up
}

// Of are those of a model.
func (f Figures) Of(device string) Figures {
	pick := func(all []fleet.Counts) (mine []fleet.Counts) {
		for _, c := range all {
			if c.Model == device {
				mine = append(mine, c)
			}
		}
		return mine
	}
	return Figures{pick(f.Cells), pick(f.Totals), f.Schema}
}

// OfRelease are the cells of a release on a model.
func (f Figures) OfRelease(release, device string) (mine []fleet.Counts) {
	for _, c := range f.Cells {
		if c.Release == release && c.Model == device {
			mine = append(mine, c)
		}
	}
	return mine
}

// HearFigures has maintained figures say of each cell what was counted again of it: how long its installations have said
// nothing, which is not maintained.
func (f Figures) HearFigures(again Figures) {
	for _, lists := range [][2][]fleet.Counts{{f.Cells, again.Cells}, {f.Totals, again.Totals}} {
		found := map[fleet.Cell]fleet.Counts{}
		for _, c := range lists[1] {
			found[c.Cell()] = c
		}
		for n := range lists[0] {
			c := &lists[0][n]
			is := found[c.Cell()]
			c.Heard, c.Counted.Heard, c.Quarantined.Heard = is.Heard, is.Counted.Heard, is.Quarantined.Heard
		}
	}
}

// Counter counts states.
type Counter struct {
	at     time.Time
	schema int
	heard  bool
	all    map[[3]string]*fleet.Counts
}

// NewCounter counts states as they stand at a time, for a tally of a schema.
func NewCounter(at time.Time, schema int) *Counter {
	return &Counter{at, schema, schema >= tally.Silence, map[[3]string]*fleet.Counts{}}
}

// Add counts a state under its release, and under no release if it is the current one.
func (k *Counter) Add(i fleet.Installation) {
	k.count(k.cell(i.Release, i), i, i.Counted)
	if i.Current {
		k.count(k.cell("", i), i, i.Member())
	}
}

func (k *Counter) cell(release string, i fleet.Installation) *fleet.Counts {
	key := [3]string{release, i.Model, i.Channel}
	c := k.all[key]
	if c == nil {
		c = &fleet.Counts{Release: release, Model: i.Model, Channel: i.Channel, Figures: fleet.NewFigures(),
			Counted: fleet.NewFigures(), Quarantined: fleet.NewFigures()}
		if k.heard {
			c.Heard, c.Counted.Heard, c.Quarantined.Heard = &fleet.Heard{}, &fleet.Heard{}, &fleet.Heard{}
		}
		k.all[key] = c
	}
	return c
}

// count counts a state with everybody's, and with those that count; a quarantined one in neither.
func (k *Counter) count(c *fleet.Counts, i fleet.Installation, counts bool) {
	into := []*fleet.Figures{&c.Figures}
	switch {
	case i.Quarantined:
		into = []*fleet.Figures{&c.Quarantined}
	case counts:
		into = append(into, &c.Counted)
	}
	for _, f := range into {
		f.Installations++
		if k.heard && i.Current {
			k.hear(f.Heard, i)
		}
		f.Verdicts[i.Verdict]++
		f.Kinds[i.Kind]++
		f.Progress[i.Progress]++
		f.Before[i.Before]++
		if i.Leaked {
			f.Leaked++
		}
		if i.Cause != "" {
			f.Causes[i.Cause]++
		}
		if i.Waits() {
			f.Waiting[effect.Day(i.Last)]++
		}
		if c.Release != "" && i.Current && i.Progress == report.ProgressInstalled {
			f.Installed[fleet.Hour(i.Last)]++
		}
	}
}

// hear counts how long the current state of an installation has said nothing.
func (k *Counter) hear(h *fleet.Heard, i fleet.Installation) {
	h.Of++
	for n, age := range fleet.SilentFor {
		if i.Last.Before(k.at.Add(-age)) {
			h.Silent[n]++
		}
	}
}

// Figures are those of all that was added.
func (k *Counter) Figures() (f Figures) {
	f.Schema = k.schema
	for _, c := range k.all {
		if c.Release == "" {
			f.Totals = append(f.Totals, c.At(k.at))
		} else {
			f.Cells = append(f.Cells, c.At(k.at))
		}
	}
	for _, list := range [][]fleet.Counts{f.Cells, f.Totals} {
		slices.SortFunc(list, func(a, b fleet.Counts) int {
			return cmp.Or(cmp.Compare(a.Release, b.Release), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Channel, b.Channel))
		})
	}
	return f
}

// LeafOf is a state as the tally of a moment commits to it; newest is the hash of the leaf of its newest report in the tree
// of the reports.
func LeafOf(i fleet.Installation, at time.Time, newest []byte) tally.Leaf {
	now := i.At(at)
	return tally.Leaf{Ref: i.Ref, Release: i.Release, Model: i.Model, Channel: i.Channel, Newest: hex.EncodeToString(newest),
		Class: string(now.Verdict), Kind: string(now.Kind), Progress: string(i.Progress), Cause: string(i.Cause),
		Before: string(i.Before), Current: i.Current, Member: i.Member(), Counted: i.Counted, Quarantined: i.Quarantined,
		Lost: i.Lost(at), Silent: i.Waits() && effect.Silent(at, i.Last)}
}
