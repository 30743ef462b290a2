// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"sync/atomic"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// retirements tell which models were given up.
type retirements struct{ newest atomic.Pointer[delegated] }

// delegated are the roles that one version of the top-level targets vouches for.
type delegated struct {
	version int64
	roles   map[string]bool
}

// of tells of a role if its model was given up: its last files are published still, and the
// newest targets, which is read once, delegates nothing to it.
func (t *retirements) of(ctx context.Context, tx fleet.Tx) (func(role string) (bool, error), error) {
	now, err := t.delegations(ctx, tx)
	return func(role string) (bool, error) {
		if now == nil || now.roles[role] {
			return false, nil
		}
		_, err := tx.Metadata().Latest(ctx, role)
		if fleet.Is(err, fleet.NotFound) {
			return false, nil // it was never brought in
		}
		return err == nil, err
	}, err
}

// delegations are those of the newest targets; nil before the first.
func (t *retirements) delegations(ctx context.Context, tx fleet.Tx) (*delegated, error) {
	targets, err := tx.Metadata().Latest(ctx, tufrepo.Targets)
	if fleet.Is(err, fleet.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if have := t.newest.Load(); have != nil && have.version == targets.Version {
		return have, nil
	}
	info, err := tufrepo.Read(targets.Bytes)
	if err != nil {
		return nil, err
	}
	now := &delegated{targets.Version, map[string]bool{}}
	for _, m := range info.Models {
		now.roles[m.Role] = true
	}
	t.newest.Store(now)
	return now, nil
}
