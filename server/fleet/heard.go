// SPDX-License-Identifier: Apache-2.0

package fleet

import "time"

// SilentFor are the ages of silence that are told of: two, four and eight weeks.
var SilentFor = [...]time.Duration{14 * 24 * time.Hour, 28 * 24 * time.Hour, 56 * 24 * time.Hour}

// Heard says of installations, each by its current state, how many there are and how many of them have said nothing for how
// long, whatever they run and have shown: their newest report is older than that. No maintained figure knows it.
type Heard struct {
	Of     int64
	Silent [len(SilentFor)]int64 // by SilentFor: who was silent for eight weeks is in each
}

// Add is both together.
func (h Heard) Add(more Heard) Heard {
	h.Of += more.Of
	for n := range h.Silent {
		h.Silent[n] += more.Silent[n]
	}
	return h
}

// HeardOf is how those were heard of whose newest report is about a release, on a model and channel.
type HeardOf struct {
	Cell
	Everybody, Counted, Quarantined Heard // as in Counts
	Members                         Heard // of the counted fleet, as Counted is in a total
}

// Count adds installations that are all the same: quarantined, of those that count, or of the counted fleet.
func (h *HeardOf) Count(quarantined, counted, member bool, some Heard) {
	if quarantined {
		h.Quarantined = h.Quarantined.Add(some)
		return
	}
	h.Everybody = h.Everybody.Add(some)
	if counted {
		h.Counted = h.Counted.Add(some)
	}
	if member {
		h.Members = h.Members.Add(some)
	}
}
