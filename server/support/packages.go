// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"sync"

	"landed/server/fleet"
)

// packages are read once: a package never changes.
type packages struct{ kept sync.Map } // fleet.PackageRef → fleet.Package

func (p *packages) get(ctx context.Context, tx fleet.Tx, ref fleet.PackageRef) (fleet.Package, error) {
	if kept, ok := p.kept.Load(ref); ok {
		return kept.(fleet.Package), nil
	}
	found, err := tx.Packages().Get(ctx, ref)
	if err != nil {
		return fleet.Package{}, err
	}
	found.Findings = nil // large, and no concern of these pages
	p.kept.Store(ref, found)
	return found, nil
}
