// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// keyTable reads the keys of a delegator and those who use them.
type keyTable struct {
	keys   map[string]Key
	used   map[string]bool
	faults []error
}

func (t *keyTable) fault(format string, args ...any) {
	t.faults = append(t.faults, fmt.Errorf(format, args...))
}

func (t *keyTable) role(name string, ids []string, threshold int) RoleKeys {
	r := RoleKeys{Threshold: threshold}
	seen := map[Key]bool{}
	for _, id := range ids {
		k, ok := t.keys[id]
		if !ok {
			t.fault("role %s lists key %.8s, which is not in the table of keys", name, id)
			continue
		}
		if seen[k] {
			t.fault("role %s lists key %.8s twice; it would count for two people", name, id)
		}
		seen[k] = true
		r.Keys = append(r.Keys, k)
		if t.used == nil {
			t.used = map[string]bool{}
		}
		t.used[id] = true
	}
	if threshold < 1 || threshold > len(seen) {
		t.fault("role %s wants %d of %d keys", name, threshold, len(seen))
	}
	return r
}

// finish checks the table itself: ids are the hashes of their keys, no key under two ids, none
// that nobody uses.
func (t *keyTable) finish() []error {
	for _, id := range slices.Sorted(maps.Keys(t.keys)) {
		k := t.keys[id]
		if _, err := k.Public(); err != nil {
			t.fault("key %.8s: %w", id, err)
		} else if k.ID() != id {
			t.fault("key %.8s: its id should be %.8s…, the hash of the key; strict clients refuse others", id, k.ID())
		}
		if !t.used[id] {
			t.fault("key %.8s belongs to no role", id)
		}
	}
	return t.faults
}

func (d *document) readDelegations(w wireDelegations) []error {
	if len(w.Roles) == 0 || len(w.Roles) >= MaxRoles {
		return []error{fmt.Errorf("%d delegated roles; the limit is %d, and none is said by leaving delegations out",
			len(w.Roles), MaxRoles-1)}
	}
	t := keyTable{keys: w.Keys}
	d.roles = map[string]RoleKeys{}
	order := []string{}
	for _, r := range w.Roles {
		model, isOffers := ModelRole(r.Name)
		outside := OutsiderRole(r.Name)
		if err := checkModelRole(model); err != nil && !outside {
			t.faults = append(t.faults, err)
		}
		if _, twice := d.roles[r.Name]; twice {
			t.fault("role %s is delegated twice", r.Name)
		}
		if !r.Terminating || len(r.Paths) != 1 || r.Paths[0] != Pattern(r.Name) {
			t.fault("role %s: wanted a terminating delegation of %s and nothing else", r.Name, Pattern(r.Name))
		}
		d.roles[r.Name] = t.role(r.Name, r.KeyIDs, r.Threshold)
		switch {
		case outside:
			d.readOutsiders(&t, r)
		case !isOffers:
			order = append(order, model)
		}
	}
	for _, model := range order {
		offers, ok := d.roles[OffersRole(model)]
		if !ok {
			t.fault("model %s has no role %s", model, OffersRole(model))
		}
		d.info.Models = append(d.info.Models, ModelKeys{model, d.roles[model], offers})
	}
	if 2*len(order)+len(d.info.Outsiders) != len(w.Roles) {
		t.faults = append(t.faults, errors.New("each model wants two roles, its builds and its offers"))
	}
	return append(t.finish(), separate(kindsOfTargets(d.info))...)
}

// kind is what a key is trusted with. One key serves one kind.
type kind struct {
	name string
	keys []Key
}

func kindsOfRoot(r *RootSpec) []kind {
	return []kind{{"root", r.Root.Keys}, {"targets", r.Targets.Keys}, {"snapshot", r.Snapshot.Keys},
		{"timestamp", r.Timestamp.Keys}}
}

// kindsOfTargets are those that a top-level targets delegates to.
func kindsOfTargets(targets Info) []kind {
	builds, offers := kind{name: "builds of models"}, kind{name: "offers of models"}
	for _, m := range targets.Models {
		builds.keys = append(builds.keys, m.Builds.Keys...)
		offers.keys = append(offers.keys, m.Offers.Keys...)
	}
	return append(kindsOfOutsiders(targets.Outsiders), builds, offers)
}

// separate refuses a key that serves two kinds of role: a theft would cross the line that the
// kinds draw, and recovery replaces kinds separately.
func separate(kinds []kind) (faults []error) {
	owner := map[Key]string{}
	for _, k := range kinds {
		for _, key := range k.keys {
			if other, ok := owner[key]; ok && other != k.name {
				faults = append(faults, fmt.Errorf("key %.8s signs %s and %s; each needs keys of its own", key.ID(), other, k.name))
			}
			owner[key] = k.name
		}
	}
	return faults
}
