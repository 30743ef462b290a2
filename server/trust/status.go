// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"context"
	"slices"
	"time"

	"landed/manifests/tufrepo"
)

// Role is one published role that people sign, and who does.
type Role struct {
	Role     string
	Version  int64
	Expires  time.Time
	Need     int      // signatures
	Holders  []string // who may sign: names, or the beginnings of key ids
	SignedBy []string // who signed what is published
}

// Status tells of each role that people sign, the root first, then targets, then the models in their order.
func (t *Trust) Status(ctx context.Context) ([]Role, error) {
	s, err := t.Repo.State(ctx)
	if err != nil || !s.Started() {
		return nil, err
	}
	names, err := t.names(ctx)
	if err != nil {
		return nil, err
	}
	root, targets := s.Set().Roots[len(s.Set().Roots)-1], s.Set().Files[tufrepo.Targets]
	all := []Role{}
	add := func(delegator []byte, role string, doc []byte) error {
		n, err := tufrepo.CountSignatures(delegator, role, doc)
		if err != nil {
			return err
		}
		info := s.Info(role)
		all = append(all, Role{role, info.Version, info.Expires, n.Need,
			tufrepo.People(names, slices.Concat(n.Signed, n.Missing)), tufrepo.People(names, n.Signed)})
		return nil
	}
	if err := add(root, tufrepo.Root, root); err != nil {
		return nil, err
	}
	if err := add(root, tufrepo.Targets, targets); err != nil {
		return nil, err
	}
	for _, role := range s.Models() {
		if doc := s.Set().Files[role]; doc != nil {
			if err := add(targets, role, doc); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}
