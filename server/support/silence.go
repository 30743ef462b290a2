// SPDX-License-Identifier: Apache-2.0

package support

import (
	"time"

	"landed/server/fleet"
)

// SilentFor says how many of some handsets have said nothing for two, four and eight weeks, whatever they had shown: how many
// sent their newest report so long before At, or longer. It is of the newest copy of the figures, which is made once an hour.
type SilentFor struct {
	At time.Time `json:"at"`
	Silent
	Counted     Silent `json:"counted"`
	Quarantined Silent `json:"quarantined"` // in none of the others
}

// Silent are how many there are, and how many of them are silent: those for eight weeks are in all three.
type Silent struct {
	Of    int64 `json:"of"` // each by its newest report: of a release those that speak of no later one
	Two   int64 `json:"14"` // days
	Four  int64 `json:"28"`
	Eight int64 `json:"56"`
}

// silentFor adds up what copies of a moment say; nil if they do not, since nobody is in them or they are of a program that did
// not look.
func silentFor(at time.Time, copies ...fleet.Counts) *SilentFor {
	s, said := &SilentFor{At: at.UTC()}, false
	for _, c := range copies {
		for _, one := range []struct {
			into *Silent
			from *fleet.Heard
		}{{&s.Silent, c.Heard}, {&s.Counted, c.Counted.Heard}, {&s.Quarantined, c.Quarantined.Heard}} {
			if h := one.from; h != nil {
				one.into.add(Silent{h.Of, h.Silent[0], h.Silent[1], h.Silent[2]})
				said = true
			}
		}
	}
	if !said {
		return nil
	}
	return s
}

// silent is what the figures of now themselves say of the fleet: nil but where everybody was counted again, as a tally does.
func (snap *snapshot) silent(at time.Time) *SilentFor {
	var all []fleet.Counts
	for _, device := range snap.models {
		all = append(all, snap.totals[device]...)
	}
	return silentFor(at, all...)
}

// silentUnder is the same of those whose newest report is about a release.
func (snap *snapshot) silentUnder(is *issue, at time.Time) *SilentFor {
	var all []fleet.Counts
	for _, device := range is.models {
		all = append(all, snap.cellsOf(is, device)...)
	}
	return silentFor(at, all...)
}

func (s *Silent) add(more Silent) {
	s.Of, s.Two, s.Four, s.Eight = s.Of+more.Of, s.Two+more.Two, s.Four+more.Four, s.Eight+more.Eight
}

// Any says if anybody is silent.
func (s Silent) Any() bool { return s.Two > 0 }

// Apart says if those that count are told of apart: some do, and not all.
func (s *SilentFor) Apart() bool { return s.Counted.Of > 0 && s.Counted != s.Silent }

// columns are how many there are and how many are silent, for a table; nothing where that is not known.
func (s *SilentFor) columns() []string {
	if s == nil {
		return make([]string, 4)
	}
	return []string{count(s.Of), count(s.Two), count(s.Four), count(s.Eight)}
}
