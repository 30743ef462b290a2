// SPDX-License-Identifier: Apache-2.0

// Package grounds loads what a rollout is decided on.
//
// Parties: the ledger of package rollouts decides on it; pages and the interface of release engineers say with it what a
// rollout waits for. It promises that they all look at the same.
package grounds

import (
	"context"
	"time"

	"landed/server/evidence"
	"landed/server/fleet"
	"landed/server/rollout"
)

// Of loads what is known of r now. Whether the clock is distrusted only its guard knows: a row of a table may be of
// another hand. signed remembers what witnesses signed from one call to the next.
func Of(
	ctx context.Context, tx fleet.Tx, signed *evidence.Reader, r fleet.Rollout, now time.Time, distrusted bool,
) (rollout.Grounds, error) {
	counts, err := tx.Counts().Of(ctx, r.Release, r.Model, r.Channel)
	if err != nil {
		return rollout.Grounds{}, err
	}
	outages, err := tx.Outages().Since(ctx, r.Since)
	if err != nil {
		return rollout.Grounds{}, err
	}
	witnesses, err := evidence.Witnesses(ctx, tx, signed, r)
	if err != nil {
		return rollout.Grounds{}, err
	}
	_, unnamed, err := fleet.Unnamed(ctx, tx)
	return rollout.Grounds{
		Counts: counts, Down: fleet.Down(outages, r.Since, now), Distrusted: distrusted, Witnesses: witnesses, Unnamed: unnamed,
	}, err
}
