// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// What passedOver allows for at once, and then for each second, minute and hour, together less than tufrepo.MaxJump. It
// always grows, so that a backup that is restored a second time, elsewhere, does not give the numbers of the first time.
const (
	passedSeconds = 3000
	passedMinutes = 5000
	passedHours   = tufrepo.MaxJump - 1 - leap - passedSeconds - passedMinutes
)

// passedOver is how many versions of a role may have been published in a time of which the database knows nothing: more
// than a server comes to.
func passedOver(lost time.Duration) int64 {
	return leap + min(int64(lost/time.Second), passedSeconds) + min(int64(lost/time.Minute), passedMinutes) +
		min(int64(lost/time.Hour), passedHours)
}

// signedHere says if a role is one that the server signs.
func signedHere(role string) bool {
	_, isOffers := tufrepo.ModelRole(role)
	return isOffers || role == tufrepo.Snapshot || role == tufrepo.Timestamp
}

// passes is how many versions of role are passed over: those that were published before the database was restored, and
// after the one that it knows. Handsets have seen them, and caches keep their files. It is 0 once the role is published.
func (s State) passes(role string) int64 {
	at, known := s.at[role]
	if !known || !at.Before(s.restored) || !signedHere(role) {
		return 0
	}
	return passedOver(s.restored.Sub(at))
}

// restoredAt is when the database last went back to an older state, as the trail says; zero if never.
func restoredAt(ctx context.Context, db fleet.Viewer) (at time.Time, err error) {
	err = db.View(ctx, func(tx fleet.Tx) error {
		at, err = fleet.RestoredAt(ctx, tx)
		return err
	})
	return at, err
}
