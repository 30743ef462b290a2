// SPDX-License-Identifier: Apache-2.0

package history

import "landed/server/fleet"

// heard is who was silent for how long, by the cells of a copy: of each release on a model and channel, of each total of a model
// and channel, and of the fleet. Counted is in a total the counted fleet, as in its figures.
type heard map[fleet.Cell]*fleet.HeardOf

// silence adds up what was found of each release, model and channel.
func silence(found []fleet.HeardOf) heard {
	all := heard{}
	for _, h := range found {
		all.add(h.Cell, h)
		h.Counted = h.Members
		all.add(fleet.Cell{Model: h.Model, Channel: h.Channel}, h)
		all.add(fleet.Cell{}, h)
	}
	return all
}

func (of heard) add(cell fleet.Cell, h fleet.HeardOf) {
	sum := of[cell]
	if sum == nil {
		sum = &fleet.HeardOf{}
		of[cell] = sum
	}
	sum.Everybody, sum.Counted, sum.Quarantined =
		sum.Everybody.Add(h.Everybody), sum.Counted.Add(h.Counted), sum.Quarantined.Add(h.Quarantined)
}

// in puts into figures what is known of their cell.
func (of heard) in(c fleet.Counts) fleet.Counts {
	if h := of[c.Cell()]; h != nil {
		c.Figures.Heard, c.Counted.Heard, c.Quarantined.Heard = &h.Everybody, &h.Counted, &h.Quarantined
	}
	return c
}
