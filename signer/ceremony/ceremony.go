// SPDX-License-Identifier: Apache-2.0

// Package ceremony is what people do with keys: make the first root, bring in models, review
// and sign what the server asks for, replace keys, verify a feed.
//
// Parties. The server sends a tufrepo.Request and gets a tufrepo.Response or, after a
// ceremony of its own, a tufrepo.Bundle. Each person signs on a machine of their own, with
// their own copy of the packages and their own memory of what they trust and have signed.
//
// Promises. The server is never believed: a review reads the packages again, recomputes hashes,
// manifests and role metadata, and compares field by field. What is signed is the canonical
// form of what was parsed, never bytes that someone handed over. All findings come at once.
//
// Refusals. A request that contradicts itself, the packages, the trusted state or the rules of
// TUF; a version that is not higher than the highest ever signed by this key; a signature
// short of the threshold.
//
// Nothing here asks a person, reads a clock, or talks to a network.
package ceremony

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

// Quorum is how many keys a role has, and how many of them must sign.
type Quorum struct{ Threshold, Keys int }

// Life is how long offline metadata is valid.
type Life struct{ Root, Targets, Builds time.Duration }

const day = 24 * time.Hour

// DefaultLife is a year for the root, and half a year for what people renew with releases.
func DefaultLife() Life { return Life{365 * day, 180 * day, 180 * day} }

// InitParams describes the first ceremony.
type InitParams struct {
	Now       time.Time
	Online    tufrepo.OnlineKeys
	Names     []string // of the people, at least as many as the largest quorum has keys
	Root      Quorum   // 3 of 5 is usual
	Targets   Quorum   // 2 of 3 is usual
	Algorithm keys.Algorithm
	Life      Life
}

// Init makes the offline keys, the first root and an empty targets, both signed by everyone.
// The keys are in memory only: saving them is the caller's part.
func Init(p InitParams) (tufrepo.Bundle, []*keys.Key, error) {
	if err := errors.Join(p.Root.check(tufrepo.Root, p.Names), p.Targets.check(tufrepo.Targets, p.Names)); err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	rootKeys, err := makeKeys(p.Algorithm, p.Names[:p.Root.Keys], tufrepo.Root)
	if err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	targetsKeys, err := makeKeys(p.Algorithm, p.Names[:p.Targets.Keys], tufrepo.Targets)
	if err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	root, err := tufrepo.NewRoot(tufrepo.RootSpec{
		Version:   1,
		Expires:   p.Now.Add(p.Life.Root),
		Root:      roleKeys(p.Root.Threshold, rootKeys),
		Targets:   roleKeys(p.Targets.Threshold, targetsKeys),
		Snapshot:  tufrepo.RoleKeys{Keys: []tufrepo.Key{p.Online.Snapshot}, Threshold: 1},
		Timestamp: tufrepo.RoleKeys{Keys: []tufrepo.Key{p.Online.Timestamp}, Threshold: 1},
	})
	if err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	targets, err := tufrepo.NewTargets(1, p.Now.Add(p.Life.Targets), nil)
	if err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	if root, err = tufrepo.Sign(root, signers(rootKeys)...); err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	if targets, err = tufrepo.Sign(targets, signers(targetsKeys)...); err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	set := tufrepo.Set{Roots: [][]byte{root}, Files: map[string][]byte{tufrepo.Targets: targets}}
	if err := set.CheckOffline(p.Now); err != nil {
		return tufrepo.Bundle{}, nil, err
	}
	bundle, err := set.Bundle()
	return bundle, slices.Concat(rootKeys, targetsKeys), err
}

func (q Quorum) check(role string, names []string) error {
	if q.Threshold < 1 || q.Keys < q.Threshold {
		return fmt.Errorf("%s: %d of %d keys cannot be; wanted at least one, and no more than there are keys", role,
			q.Threshold, q.Keys)
	}
	if len(names) < q.Keys {
		return fmt.Errorf("%s: %d keys are wanted but only %d people are named", role, q.Keys, len(names))
	}
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			return fmt.Errorf("%s is named twice; one person holds one key of a role", n)
		}
	}
	return nil
}

func makeKeys(a keys.Algorithm, names []string, use string) ([]*keys.Key, error) {
	var list []*keys.Key
	for _, name := range names {
		k, err := keys.New(a, name, use)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

func roleKeys(threshold int, list []*keys.Key) tufrepo.RoleKeys {
	r := tufrepo.RoleKeys{Threshold: threshold}
	for _, k := range list {
		r.Keys = append(r.Keys, k.Key())
	}
	return r
}

func signers(list []*keys.Key) []tufrepo.Signer {
	var out []tufrepo.Signer
	for _, k := range list {
		out = append(out, k)
	}
	return out
}
