// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"

	"landed/manifests"
	"landed/server/device/legacy"
	"landed/server/fleet"
	"landed/server/offering"
)

// Collisions are what phones of m with other updaters could not tell apart, of the releases that are rolled out to it, if each
// of them went to everybody; base is the address of the server. See [legacy.Collisions].
func Collisions(ctx context.Context, tx fleet.Tx, m manifests.Model, base string) ([]error, error) {
	if len(m.Protocols) == 0 {
		return nil, nil
	}
	all, err := tx.Rollouts().List(ctx)
	if err != nil {
		return nil, err
	}
	var given []legacy.Given
	seen := map[string]bool{}
	for _, one := range all {
		if one.Model != m.Device || seen[one.Channel] {
			continue
		}
		seen[one.Channel] = true
		rollouts, err := tx.Rollouts().OfModel(ctx, one.Model, one.Channel)
		if err != nil {
			return nil, err
		}
		for _, r := range offering.Wanted(rollouts) {
			packages, declared, err := declaredWith(ctx, tx, r)
			if fleet.Is(err, fleet.NotFound) {
				continue // a restored database does not know it
			}
			if err != nil {
				return nil, err
			}
			given = append(given, legacy.Given{Model: m, Channel: r.Channel, Release: r.Release, Packages: packages,
				Clients: declared[m.Device]})
		}
	}
	return legacy.Collisions(base, given, nil), nil
}
