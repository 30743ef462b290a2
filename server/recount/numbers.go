// SPDX-License-Identifier: Apache-2.0

// Package recount computes published numbers: from maintained figures, as a server does for its daily tally, and again from
// the reports themselves, as anybody does who holds them.
//
// Parties: the room that takes the tallies; otactl verify-status, which links this code and no store. It promises that both
// give the same numbers, under the names that the pages have as JSON, and that reports come in again by the code that took
// them in (package settle), judged by the code that judged them. It refuses stores, clocks and randomness.
package recount

import (
	"fmt"
	"slices"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/published"
)

// Own are the numbers of a release on a model: of all who ever spoke of it. cells are those of the release on the model.
func Own(r published.Release, cells []fleet.Counts) map[string]int64 {
	n := numbers{}
	n.all(r, Sum(cells...), Earlier{})
	n.part("counted.", Sum(of(cells, counted)...), Earlier{})
	n.part("quarantined.", Sum(of(cells, quarantined)...), Earlier{})
	n.silence(cells)
	return n
}

// Whole are the numbers of a model under the release where it stands, with its whole fleet. f are those of the
// model.
func Whole(r published.Release, f Figures) map[string]int64 {
	n, cells, totals := numbers{}, f.Cells, f.Totals
	c, all := UnderNewest(r.Name, cells, totals, Everybody)
	n.all(r, c, all)
	most := map[string]int64{"counted.": f.mostUnmet(all), "quarantined.": Everybody}
	for name, part := range map[string]func(fleet.Counts) fleet.Figures{"counted.": counted, "quarantined.": quarantined} {
		if fleetOf := of(totals, part); Sum(fleetOf...).Installations > 0 {
			c, before := UnderNewest(r.Name, of(cells, part), fleetOf, most[name])
			n.part(name, c, before)
		}
	}
	n.silence(totals)
	return n
}

// numbers are counts by name; what is 0 is left out.
type numbers map[string]int64

func (n numbers) put(name string, count int64) {
	if count != 0 {
		n[name] += count
	}
}

func (n numbers) all(r published.Release, c fleet.Counts, before Earlier) {
	n.part("", c, before)
	n.put("proven_earlier", before.Proven)
	n.put("opposite_earlier", before.Opposite)
	for kind, count := range c.Kinds {
		n.put("kinds."+string(kind), count)
	}
	own := effect.Effect{}
	if r.Program != nil {
		own = r.Program.Effect
	}
	rest := c.Installations
	for _, class := range own.All() {
		n.put("verdicts."+class.Name, c.Verdicts[fleet.Class(class.Name)])
		rest -= c.Verdicts[fleet.Class(class.Name)]
	}
	n.put("verdicts."+effect.Unknown, rest) // of a class that the effect does not have
	for _, step := range report.ProgressValues {
		n.put("progress."+string(step), c.Progress[step])
	}
	for _, cause := range report.Causes {
		n.put("causes."+string(cause), c.Causes[cause])
	}
	rest = c.Installations
	for _, found := range own.Before.Findings {
		n.put("before."+found, c.Before[fleet.Before(found)])
		rest -= c.Before[fleet.Before(found)]
	}
	n.put("before."+effect.NotSeen, rest) // findings of other effects too
}

// silence is how many have said nothing for how long, where that was counted: each installation by its newest report.
func (n numbers) silence(cells []fleet.Counts) {
	for name, part := range map[string]func(fleet.Counts) fleet.Figures{"": everybody, "counted.": counted, "quarantined.": quarantined} {
		h := Sum(of(cells, part)...).Heard
		if h == nil {
			continue
		}
		n.put(silent+name+"of", h.Of)
		for i, age := range fleet.SilentFor {
			n.put(fmt.Sprintf("%s%s%d", silent, name, int(age.Hours()/24)), h.Silent[i])
		}
	}
}

// silent begins the names of such numbers.
const silent = "silent_for."

// part are the numbers that are given of a part of everybody, too.
func (n numbers) part(prefix string, c fleet.Counts, before Earlier) {
	n.put(prefix+"installations", c.Installations)
	n.put(prefix+"unmet", before.Unmet)
	n.put(prefix+"running", c.Running())
	n.put(prefix+"failed", c.Failed())
	n.put(prefix+"lost", c.Lost)
	n.put(prefix+"judged", c.Judged())
	n.put(prefix+"proven", c.Proven())
	n.put(prefix+"opposite", Opposite(c))
}

func everybody(c fleet.Counts) fleet.Figures   { return c.Figures }
func counted(c fleet.Counts) fleet.Figures     { return c.Counted }
func quarantined(c fleet.Counts) fleet.Figures { return c.Quarantined }

// of are cells of a part of everybody alone.
func of(cells []fleet.Counts, part func(fleet.Counts) fleet.Figures) (all []fleet.Counts) {
	for _, c := range cells {
		all = append(all, fleet.Counts{Release: c.Release, Model: c.Model, Channel: c.Channel, Figures: part(c)})
	}
	return all
}

// Stands is the release under which a model stands: the newest that was offered where most of its handsets are; before any
// was, the newest that was offered on another channel, then the newest that has it. false if none has. releases are the
// newest first.
func Stands(device string, releases []published.Release, rollouts []fleet.Rollout, totals []fleet.Counts) (published.Release, bool) {
	home := homeOf(device, totals)
	for _, offered := range []func(fleet.Rollout) bool{
		func(r fleet.Rollout) bool { return r.Model == device && r.Channel == home },
		func(r fleet.Rollout) bool { return r.Model == device },
	} {
		for _, is := range releases {
			if slices.ContainsFunc(rollouts, func(r fleet.Rollout) bool { return r.Release == is.Name && offered(r) }) {
				return is, true
			}
		}
	}
	for _, is := range releases {
		if slices.ContainsFunc(is.Packages, func(p fleet.Package) bool { return p.Model == device }) {
			return is, true
		}
	}
	return published.Release{}, false
}

// homeOf is the channel on which most installations of a model are, the first by name of equals.
func homeOf(device string, totals []fleet.Counts) (channel string) {
	var most int64
	for _, c := range totals {
		if c.Model == device && (c.Installations > most || c.Installations == most && most > 0 && c.Channel < channel) {
			channel, most = c.Channel, c.Installations
		}
	}
	return channel
}

// ModelsOf are the devices that any release has a package or a rollout for, in order.
func ModelsOf(releases []published.Release, rollouts []fleet.Rollout) (all []string) {
	for _, is := range releases {
		all = append(all, On(is, rollouts)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// On are the devices that a release has a package or a rollout for, in order.
func On(is published.Release, rollouts []fleet.Rollout) (all []string) {
	for _, p := range is.Packages {
		all = append(all, p.Model)
	}
	for _, r := range rollouts {
		if r.Release == is.Name {
			all = append(all, r.Model)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
