// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"fmt"
	"slices"

	"landed/manifests/tufrepo"
)

// OnlineKeys sign what changes without a person: snapshot, timestamp, and the offers roles.
type OnlineKeys struct {
	Snapshot  tufrepo.Signer
	Timestamp tufrepo.Signer
	Offers    tufrepo.Signer
}

func (k OnlineKeys) of(role string) tufrepo.Signer {
	switch role {
	case tufrepo.Snapshot:
		return k.Snapshot
	case tufrepo.Timestamp:
		return k.Timestamp
	}
	return k.Offers
}

// readKeys takes up keys that were made since, so that a root which names them can be imported
// into the running server. That NewKeys may give cfg.Keys once more is no harm.
func (p *Publisher) readKeys() error {
	if p.cfg.NewKeys == nil {
		return nil
	}
	sets, err := p.cfg.NewKeys()
	if err != nil {
		return err
	}
	p.keys = append([]OnlineKeys{p.cfg.Keys}, sets...)
	return nil
}

// signer is the key with which this server signs role in s: the newest of its keys that s
// names. So the switch to new keys happens with the root or targets that name them, in the
// same publication.
func (p *Publisher) signer(s state, role string) (tufrepo.Signer, error) {
	var named []tufrepo.Key
	model, isOffers := tufrepo.ModelRole(role)
	root := s.info[tufrepo.Root].Root
	switch {
	case isOffers:
		for _, m := range s.info[tufrepo.Targets].Models {
			if m.Role == model {
				named = m.Offers.Keys
			}
		}
	case root != nil && role == tufrepo.Snapshot:
		named = root.Snapshot.Keys
	case root != nil && role == tufrepo.Timestamp:
		named = root.Timestamp.Keys
	}
	for _, set := range slices.Backward(p.keys) {
		if key := set.of(role); slices.Contains(named, key.Key()) {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%s is not to be signed by the %.8s… of this server, nor by an older key of it; give otasign the online.json of this server, or, after \"otad keys renew\", its online-next.json", role, p.keys[len(p.keys)-1].of(role).Key().ID())
}
