// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"fmt"
	"slices"
	"sync"

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

// keyring holds the keys of this server, oldest first.
type keyring struct {
	first OnlineKeys
	more  func() ([]OnlineKeys, error)

	mu   sync.Mutex
	sets []OnlineKeys
}

// reload takes up keys that were made since. That more may give the first once more is no harm.
func (k *keyring) reload() error {
	if k.more == nil {
		return nil
	}
	sets, err := k.more()
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sets = append([]OnlineKeys{k.first}, sets...)
	return nil
}

// signer is the key with which this server signs role in s: the newest of its keys that s
// names. So the switch to new keys happens with the root or targets that name them, in the
// same publication.
func (k *keyring) signer(s State, role string) (tufrepo.Signer, error) {
	k.mu.Lock()
	sets := k.sets
	k.mu.Unlock()
	named := s.onlineKeys(role)
	for _, set := range slices.Backward(sets) {
		if key := set.of(role); slices.Contains(named, key.Key()) {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%s is not to be signed by the %.8s… of this server, nor by an older key of it; give "+
		"otasign the online.json "+
		"of this server, or, after \"otad keys renew\", its online-next.json", role, sets[len(sets)-1].of(role).Key().ID())
}

// onlineKeys are those that s names for an online role.
func (s State) onlineKeys(role string) []tufrepo.Key {
	model, isOffers := tufrepo.ModelRole(role)
	root := s.info[tufrepo.Root].Root
	switch {
	case isOffers:
		for _, m := range s.info[tufrepo.Targets].Models {
			if m.Role == model {
				return m.Offers.Keys
			}
		}
	case root != nil && role == tufrepo.Snapshot:
		return root.Snapshot.Keys
	case root != nil && role == tufrepo.Timestamp:
		return root.Timestamp.Keys
	}
	return nil
}
