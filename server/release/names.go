// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"

	"landed/manifests"
	"landed/server/device/legacy"
	"landed/server/fleet"
	"landed/server/published"
)

// polled says which models have phones with the updaters of others.
func polled(catalogue *manifests.Catalogue) func(model string) bool {
	return func(model string) bool {
		m, _ := catalogue.Model(model)
		return len(m.Protocols) > 0
	}
}

// NameFaults are why a model cannot be added as it is described: phones of another model ask for its name, or its own for
// theirs, as the releases of all of them say. A model without such phones has none.
func NameFaults(ctx context.Context, tx fleet.Tx, catalogue *manifests.Catalogue, m manifests.Model) ([]error, error) {
	if len(m.Protocols) == 0 {
		return nil, nil
	}
	releases, err := tx.Releases().List(ctx)
	if err != nil {
		return nil, err
	}
	others := polled(catalogue)
	names, err := published.PhoneNames(ctx, tx, releases, func(model string) bool { return model == m.Device || others(model) })
	return legacy.NameFaults(m, catalogue, names), err
}
