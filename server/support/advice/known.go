// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"slices"
	"strings"
)

// Known is a known issue that explains an installation. What it says, people wrote; what is said beside it must not
// contradict it, nor make it contradict the rest.
type Known struct {
	Verdict bool // it explains what the reports prove; else how far the update is
	Who     Who  // is to act, as people wrote
}

// Told is how a known issue is told.
type Told struct {
	N    int  `json:"-"`    // which of Facts.Known it is
	Now  bool `json:"now"`  // it may be told in the present tense
	Acts Who  `json:"acts"` // who is said to act on it; "" if that would contradict the rest
}

// known puts the known issues in the order in which they are told, that of what the main sentence is about first. Of a release
// that cannot be read, nobody knows what the reports prove.
func (f Facts) known(a Answer) (all []Told) {
	for n, k := range f.Known {
		if !k.Verdict || a.Say != Unreadable {
			all = append(all, Told{N: n, Now: a.Recent, Acts: k.Who})
		}
	}
	slices.SortStableFunc(all, func(x, y Told) int {
		about := func(t Told) int {
			if f.Known[t.N].Verdict == a.Say.Without() {
				return 1
			}
			return 0
		}
		return about(x) - about(y)
	})
	return all
}

// act adds to steps what is done about known issues, before the remedy of a failure: what people wrote is about this very case.
// What engineers know of is passed on to nobody.
func (f Facts) act(a Answer, do []Step) []Step {
	var known []Step
	for _, t := range a.Known {
		if one := (Step{"known." + string(t.Acts), t.Acts}); t.Acts != Nobody && !slices.Contains(known, one) {
			known = append(known, one)
		}
	}
	if len(known) == 0 {
		return do
	}
	do = slices.DeleteFunc(do, func(s Step) bool {
		switch s.Code {
		case "nothing":
			return true
		case "class":
			return s.Who == Nobody
		case "pass_on":
			return f.allKnown(a)
		}
		return f.engineersKnow(false) && s.superseded()
	})
	at := slices.IndexFunc(do, func(s Step) bool { return a.Failure != nil && s.Code == "remedy."+string(a.Failure.Remedy) })
	if at < 0 {
		at = len(do)
	}
	return slices.Insert(do, at, known...)
}

// superseded says that a step is to pass a failure on to the engineers.
func (s Step) superseded() bool {
	return s.Code == "ask_retry" || s.Who == Engineers && strings.HasPrefix(s.Code, "remedy.")
}

// knows says that there is a known issue of how far the update is, or of the verdict.
func (f Facts) knows(verdict bool) bool {
	return slices.ContainsFunc(f.Known, func(k Known) bool { return k.Verdict == verdict })
}

// engineersKnow says that engineers act on a known issue of how far the update is, or of the verdict.
func (f Facts) engineersKnow(verdict bool) bool {
	return slices.Contains(f.Known, Known{verdict, Engineers})
}

// allKnown says that engineers know of everything that would be passed on to them.
func (f Facts) allKnown(a Answer) bool {
	ofUpdate := a.Failure != nil && a.Failure.Remedy == PassOn || a.Say == InstalledStopped
	ofVerdict := a.Say == Contradictory || a.Say == NoRule || a.Say == Still || a.Say == Past
	return (!ofUpdate || f.engineersKnow(false)) && (!ofVerdict || f.engineersKnow(true))
}

// settle takes back that nobody has to act on a known issue where somebody has to, or where the update does not come by
// itself.
func (a Answer) settle(hope Situation) []Told {
	busy := slices.ContainsFunc(a.Do, func(s Step) bool { return s.Who != Nobody && s.Code != "check" })
	stuck := a.Say.Without() && (!hope.comes() || a.Failure != nil && a.Failure.GaveUp)
	for n, t := range a.Known {
		if t.Acts == Nobody && (busy || stuck) {
			a.Known[n].Acts = ""
		}
	}
	return a.Known
}

// knownTold is what its user is told of the first of the known issues; "" for nothing.
func (a Answer) knownTold() string {
	switch {
	case len(a.Known) == 0:
		return ""
	case !a.Known[0].Now:
		return "known_was"
	case a.Known[0].Acts == Engineers || a.Known[0].Acts == Nobody:
		return "known_" + string(a.Known[0].Acts)
	}
	return "known"
}
