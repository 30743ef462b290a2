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

// retired says if the model of a role was given up: its last files are published still, and the
// newest targets delegates nothing to it.
func (s *Support) retired(ctx context.Context, tx fleet.Tx, role string) (bool, error) {
	targets, err := tx.Metadata().Latest(ctx, tufrepo.Targets)
	if fleet.Is(err, fleet.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	have := s.delegated.Load()
	if have == nil || have.version != targets.Version {
		info, err := tufrepo.Read(targets.Bytes)
		if err != nil {
			return false, err
		}
		have = &delegated{targets.Version, map[string]bool{}}
		for _, m := range info.Models {
			have.roles[m.Role] = true
		}
		s.delegated.Store(have)
	}
	if have.roles[role] {
		return false, nil
	}
	_, err = tx.Metadata().Latest(ctx, role)
	if fleet.Is(err, fleet.NotFound) {
		return false, nil // it was never brought in
	}
	return err == nil, err
}

// roleOf is the role of a device.
func (s *Support) roleOf(device string) string {
	if m, ok := s.models[device]; ok {
		return m.Role()
	}
	return ""
}
