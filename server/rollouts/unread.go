// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"time"

	"landed/server/fleet"
	"landed/server/grounds"
	"landed/server/rollout"
)

// unreadWords are said of what people decide while nobody can see what handsets report.
const unreadWords = " (the reports could not be read: nothing was forgiven)"

// known is what people decide on. It is unread while the reports are missing or damaged: then nothing is known, nothing is
// forgiven, and what goes on is taken as going on after a leak. A rollout must have a way on without them.
func known(ctx context.Context, tx fleet.Tx, r fleet.Rollout, now time.Time) (g rollout.Grounds, unread bool, err error) {
	g, err = grounds.Of(ctx, tx, r, now)
	if fleet.Is(err, fleet.Damaged) {
		return rollout.Grounds{}, true, nil
	}
	return g, false, err
}

// unforgiven has next forgive what r does, and no more.
func unforgiven(next, r fleet.Rollout) fleet.Rollout {
	next.Forgiven, next.ForgivenCounted, next.Excused, next.ExcusedLost = r.Forgiven, r.ForgivenCounted, r.Excused, r.ExcusedLost
	return next
}
