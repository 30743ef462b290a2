// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"maps"
	"slices"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Edit is what a publication changes.
type Edit struct {
	Roots  [][]byte                    // signed roots that follow the newest one
	Roles  map[string][]byte           // signed by people: targets and models
	Offers map[string][]tufrepo.Target // by offers role, all that it lists from now on; it is signed here
	Fresh  bool                        // renew the snapshot even if no role changed
	// Record writes what else belongs to the publication, in its transaction.
	Record func(tx fleet.Tx) error

	heads []tufrepo.TreeHead   // of the server's trees, for the snapshot
	at    map[string]time.Time // by role, when it was published, if that was not now
}

// empty says that there is nothing to publish. With Record alone, the timestamp is renewed.
func (e Edit) empty() bool { return !e.changesRoles() && !e.Fresh && e.Record == nil }

func (e Edit) changesRoles() bool { return len(e.Roots)+len(e.Roles)+len(e.Offers) > 0 }

// Names are the roles that e changes, roots aside.
func (e Edit) Names() []string {
	return slices.Sorted(slices.Values(slices.Concat(
		slices.Collect(maps.Keys(e.Roles)), slices.Collect(maps.Keys(e.Offers)))))
}
