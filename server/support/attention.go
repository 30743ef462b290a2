// SPDX-License-Identifier: Apache-2.0

package support

import (
	"slices"
)

// urgency is the place of a model among those that need somebody; a rollout that is held, and a
// model on which most have not shown the effect, come before those that merely are not done.
func (m Model) urgency() int {
	place := 2 * slices.Index(urgency, m.Standing)
	if m.needsAttention() {
		place = min(place, 2*slices.Index(urgency, NotShown)+1)
	}
	return place
}

// needsAttention says that somebody should know of a model first.
func (m Model) needsAttention() bool {
	return m.Standing == Halting || m.Standing == Halted || m.Standing == Leaking || m.Carry().Opposite > 0 ||
		m.Carry().MostlyUnproven() || m.held() || len(m.Unreadable) > 0
}

// LeakUnsaid says that handsets leak, and that no reason of the server itself says so already.
func (m Model) LeakUnsaid() bool {
	return m.Carry().Opposite > 0 && !slices.ContainsFunc(m.Rollouts, func(r Rollout) bool { return r.Stopped() && r.ByItself() })
}

// shownFirst is how many models the notice at the top names; a page on which everything is
// urgent says nothing.
const shownFirst = 4

// Stopped lists the models that somebody should know of first, the worst first, and how many
// more there are.
func (v *Status) Stopped() []Model {
	out := slices.DeleteFunc(slices.Clone(v.Models), func(m Model) bool { return !m.needsAttention() })
	asked{Order: byAttention}.sort(out)
	return out[:min(len(out), shownFirst)]
}

// More is the way to the models that Stopped leaves out; nil if it has all of them.
func (v *Status) More() *Choice {
	n := int64(0)
	for _, m := range v.Models {
		if m.needsAttention() {
			n++
		}
	}
	if n <= shownFirst {
		return nil
	}
	return &Choice{needsAttention, n, asked{Show: needsAttention, Order: byAttention, links: v.Asked.links}.Path(), false}
}
