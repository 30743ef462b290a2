// SPDX-License-Identifier: Apache-2.0

package offering

import (
	"slices"

	"landed/manifests/offers"
	"landed/server/fleet"
)

// Stop is a document in which what was halted since is halted, what was held since is held, and nothing else is changed;
// changes is false if nothing was. state is that of a rollout now, "" of one that is not known.
func Stop(d offers.Document, state func(rollout string) fleet.RolloutState) (_ offers.Document, changes bool) {
	d.Offers = slices.Clone(d.Offers)
	for i, o := range d.Offers {
		next := o.State
		switch is := state(o.Rollout); {
		case is == fleet.RolloutHalted:
			next = offers.StateHalted
		case is == fleet.RolloutHeld && o.State == offers.StateRunning:
			next = offers.StateHeld
		}
		if next != o.State {
			d.Offers[i].State, changes = next, true
		}
	}
	return d, changes
}
