// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// ImportTrust takes in what a ceremony signed offline: the first root, targets and model
// roles, later new roots, new models, new keys. Files that are published already are passed
// over, so the signers' whole state may be sent each time. It is published at once, and says
// in words what changed. It refuses a model that no longer lists a build which a rollout offers
// that is not halted.
func (p *Publisher) ImportTrust(ctx context.Context, b tufrepo.Bundle, by string) ([]string, error) {
	set, err := b.Set()
	if err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "bundle", Msg: inOneLine(err)}
	}
	var words []string
	err = p.publish(ctx, func(s state) (edit, error) {
		if err := p.readKeys(); err != nil {
			return edit{}, err
		}
		e, err := s.news(set)
		if err != nil {
			return e, err
		}
		if len(e.roots) == 0 && len(e.roles) == 0 {
			return e, fleet.Errorf(fleet.Conflict, "nothing_new", "everything in this bundle is published already")
		}
		next := s.clone()
		if err := next.apply(e); err != nil {
			return e, err
		}
		if err := p.mayServe(next); err != nil {
			return e, err
		}
		if err := p.takesOut(ctx, s, next); err != nil {
			return e, err
		}
		if err := comeBack(s, next, set); err != nil {
			return e, err
		}
		if err := p.openOffers(s, next, e.roles); err != nil {
			return e, err
		}
		words = tufrepo.Diff(s.set, next.set)
		e.record = func(tx fleet.Tx) error {
			return p.audit(ctx, tx, by, "trust.import", fmt.Sprintf("root %d", next.info[tufrepo.Root].Version), fmt.Sprintf("%d new roots; %v", len(e.roots), slices.Sorted(maps.Keys(e.roles))))
		}
		return e, nil
	})
	return words, err
}

// news is what set holds beyond s. Roots must continue the chain that is published.
func (s state) news(set tufrepo.Set) (edit, error) {
	e := edit{roles: map[string][]byte{}}
	at := s.info[tufrepo.Root].Version
	first := s.firstRoot()
	for _, doc := range set.Roots {
		info, err := tufrepo.Read(doc)
		if err != nil {
			return e, err
		}
		switch {
		case info.Version > at && at > 0 && info.Version != at+int64(len(e.roots))+1:
			return e, fleet.Errorf(fleet.Invalid, "root_gap", "the bundle has root %d, but root %d is published and %d is next; send the ones between too", info.Version, at, at+1)
		case info.Version > at:
			e.roots = append(e.roots, doc)
		case info.Version >= first && !bytes.Equal(doc, s.set.Roots[info.Version-first]):
			return e, fleet.Errorf(fleet.Conflict, "root_differs", "nothing was imported: root %d of the bundle is not the root %d that is published. Another change was published first, or the bundle belongs to another trust; take over what is published (otasign refresh FEED --unpublished) and make the change again", info.Version, info.Version)
		}
	}
	for role, doc := range set.Files {
		if _, isOffers := tufrepo.ModelRole(role); isOffers || role == tufrepo.Snapshot || role == tufrepo.Timestamp {
			return e, fleet.Errorf(fleet.Invalid, "online_role", "the bundle holds %s, which the server signs itself; send only root, targets and models", role)
		}
		info, err := tufrepo.Read(doc)
		if err != nil {
			return e, err
		}
		if info.Version > s.info[role].Version {
			e.roles[role] = doc
		} else if info.Version == s.info[role].Version && !bytes.Equal(doc, s.set.Files[role]) {
			return e, fleet.Errorf(fleet.Conflict, "role_differs", "nothing was imported: version %d of %s is published with other bytes, as another change was published first; take over what is published (otasign refresh FEED --unpublished) and make the change again", info.Version, role)
		}
	}
	return e, nil
}

// apply takes the roots and roles of e.
func (s *state) apply(e edit) error {
	for _, doc := range e.roots {
		s.set.Roots = append(s.set.Roots, doc)
		if err := s.take(tufrepo.Root, doc); err != nil {
			return err
		}
	}
	for role, doc := range e.roles {
		if err := s.take(role, doc); err != nil {
			return err
		}
	}
	return nil
}

// mayServe wants the keys that this server holds in the online roles.
func (p *Publisher) mayServe(s state) error {
	root := s.info[tufrepo.Root].Root
	if root == nil || s.set.Files[tufrepo.Targets] == nil {
		return fleet.Errorf(fleet.Invalid, "bundle_incomplete", "the first bundle must hold a root and targets; otasign init writes both")
	}
	var faults []error
	want := func(role string, threshold int) {
		_, err := p.signer(s, role)
		if err == nil && threshold != 1 {
			err = fmt.Errorf("%s wants %d signatures; a server has one key for it", role, threshold)
		}
		faults = append(faults, err)
	}
	want(tufrepo.Snapshot, root.Snapshot.Threshold)
	want(tufrepo.Timestamp, root.Timestamp.Threshold)
	for _, m := range s.info[tufrepo.Targets].Models {
		want(tufrepo.OffersRole(m.Role), m.Offers.Threshold)
	}
	if err := errors.Join(faults...); err != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "online_keys", Msg: inOneLine(err)}
	}
	return nil
}

// comeBack wants a model that was retired to go on above its last version: clients have seen it.
func comeBack(prev, next state, given tufrepo.Set) error {
	var faults []error
	for _, role := range next.models() {
		info, err := tufrepo.Read(given.Files[role])
		if at := prev.info[role].Version; prev.retired(role) && (err != nil || info.Version <= at) {
			faults = append(faults, fmt.Errorf("%s was retired with version %d, which handsets have seen, and would come back with version %d", role, at, info.Version))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fleet.Errorf(fleet.Conflict, "role_differs", "nothing was imported: %s; bring the trust file up to date (otasign refresh FEED), then add the model again", inOneLine(err))
	}
	return nil
}

// openOffers adds an empty offers role for each model that has none, or that comes back after it
// was retired, and signs again those whose key changed: every delegated role must be listed before
// a client looks it up.
func (p *Publisher) openOffers(prev, s state, roles map[string][]byte) error {
	for _, model := range s.models() {
		role := tufrepo.OffersRole(model)
		if prev.retired(model) {
			doc, err := p.offersRole(s, role, nil) // what was offered then is not offered now
			if err != nil {
				return err
			}
			roles[role] = doc
			continue
		}
		if doc := s.set.Files[role]; doc != nil {
			n, err := tufrepo.CountSignatures(s.set.Files[tufrepo.Targets], role, doc)
			if err != nil {
				return err
			}
			if n.Done() {
				continue
			}
		}
		doc, err := p.offersRole(s, role, s.info[role].Targets)
		if err != nil {
			return err
		}
		roles[role] = doc
	}
	return nil
}
