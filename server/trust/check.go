// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"fmt"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/repo"
)

// checkKeys wants the keys that this server holds in the online roles.
func (t *Trust) checkKeys(s repo.State) error {
	root := s.Info(tufrepo.Root).Root
	if root == nil || s.Set().Files[tufrepo.Targets] == nil {
		return fleet.Errorf(fleet.Invalid, "bundle_incomplete", "the first bundle must hold a root and targets; "+
			"otasign init writes both")
	}
	var faults []error
	want := func(role string, threshold int) {
		err := t.Repo.CanSign(s, role)
		if err == nil && threshold != 1 {
			err = fmt.Errorf("%s wants %d signatures; a server has one key for it", role, threshold)
		}
		faults = append(faults, err)
	}
	want(tufrepo.Snapshot, root.Snapshot.Threshold)
	want(tufrepo.Timestamp, root.Timestamp.Threshold)
	for _, m := range s.Info(tufrepo.Targets).Models {
		want(tufrepo.OffersRole(m.Role), m.Offers.Threshold)
	}
	if err := errors.Join(faults...); err != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "online_keys", Msg: fleet.InOneLine(err)}
	}
	return nil
}

// checkReturning wants a model that was retired to go on above its last version: clients have seen it.
func checkReturning(prev, next repo.State, given tufrepo.Set) error {
	var faults []error
	for _, role := range next.Models() {
		info, err := tufrepo.Read(given.Files[role])
		if at := prev.Version(role); prev.Retired(role) && (err != nil || info.Version <= at) {
			faults = append(faults, fmt.Errorf("%s was retired with version %d, which handsets have seen, and would come "+
				"back with version %d", role, at, info.Version))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fleet.Errorf(fleet.Conflict, "role_differs", "nothing was imported: %s; bring the trust file up to "+
			"date (otasign refresh FEED), then add the model again", fleet.InOneLine(err))
	}
	return nil
}

// openOffers are the offers roles that have to be signed with s: an empty one for each model that has
// none, or that comes back after it was retired, and those whose key changed. Every delegated role
// must be listed before a client looks it up.
func openOffers(prev, s repo.State) (map[string][]tufrepo.Target, error) {
	open := map[string][]tufrepo.Target{}
	for _, model := range s.Models() {
		role := tufrepo.OffersRole(model)
		if prev.Retired(model) {
			open[role] = nil // what was offered then is not offered now
			continue
		}
		if doc := s.Set().Files[role]; doc != nil {
			n, err := tufrepo.CountSignatures(s.Set().Files[tufrepo.Targets], role, doc)
			if err != nil {
				return nil, err
			}
			if n.Done() {
				continue
			}
		}
		open[role] = s.Info(role).Targets
	}
	return open, nil
}
