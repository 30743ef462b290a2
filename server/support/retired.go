// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// delegated are the roles that one version of the top-level targets vouches for.
type delegated struct {
	version int64
	roles   map[string]bool
}

// retired tells of a role if its model was given up: its last files are published still, and the
// newest targets, which is read once, delegates nothing to it.
func (s *Support) retired(ctx context.Context, tx fleet.Tx) (func(role string) (bool, error), error) {
	now, err := s.delegations(ctx, tx)
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
func (s *Support) delegations(ctx context.Context, tx fleet.Tx) (*delegated, error) {
	targets, err := tx.Metadata().Latest(ctx, tufrepo.Targets)
	if fleet.Is(err, fleet.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if have := s.delegated.Load(); have != nil && have.version == targets.Version {
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
	s.delegated.Store(now)
	return now, nil
}

// roleOf is the role of a device.
func (s *Support) roleOf(device string) string {
	if m, ok := s.device(device); ok {
		return m.Role()
	}
	return ""
}
