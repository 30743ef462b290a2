// SPDX-License-Identifier: Apache-2.0

package offering_test

import (
	"testing"

	"landed/manifests/offers"
	"landed/server/fleet"
	"landed/server/offering"
)

// TestStop: what is published may be stopped, and neither goes on nor wider.
func TestStop(t *testing.T) {
	for _, tt := range []struct {
		said offers.State
		is   fleet.RolloutState
		want offers.State
	}{
		{offers.StateRunning, fleet.RolloutRunning, offers.StateRunning},
		{offers.StateRunning, fleet.RolloutHalted, offers.StateHalted},
		{offers.StateRunning, fleet.RolloutHeld, offers.StateHeld},
		{offers.StateRunning, fleet.RolloutFinished, offers.StateRunning},
		{offers.StateRunning, "", offers.StateRunning},
		{offers.StateHeld, fleet.RolloutRunning, offers.StateHeld},
		{offers.StateHeld, fleet.RolloutHalted, offers.StateHalted},
		{offers.StateHalted, fleet.RolloutRunning, offers.StateHalted},
		{offers.StateHalted, fleet.RolloutHeld, offers.StateHalted},
		{offers.StateFinished, fleet.RolloutHeld, offers.StateFinished},
		{offers.StateFinished, fleet.RolloutHalted, offers.StateHalted},
	} {
		d := offers.Document{
			Offers: []offers.Offer{{Rollout: "other", State: offers.StateRunning}, {Rollout: "it", State: tt.said, Share: 100}},
		}
		got, changes := offering.Stop(d, func(rollout string) fleet.RolloutState {
			if rollout == "it" {
				return tt.is
			}
			return ""
		})
		if o := got.Offers[1]; o.State != tt.want || o.Share != 100 || changes != (tt.want != tt.said) ||
			got.Offers[0].State != offers.StateRunning {
			t.Errorf("published %s, stored %q: %s, changes %v; wanted %s", tt.said, tt.is, o.State, changes, tt.want)
		}
		if d.Offers[1].State != tt.said {
			t.Errorf("published %s: the document that was given was changed", tt.said)
		}
	}
}
