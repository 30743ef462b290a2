// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"landed/manifests/tufrepo"
)

// RotateParams describes keys to replace.
type RotateParams struct {
	Now     time.Time
	Trusted tufrepo.Set
	// Roles are "root", "targets", "snapshot", "timestamp", names of models, "offers" for
	// the online key of all offers, or roles of outsiders: "observers", "witnesses", "armani-witnesses". Of these, one
	// that is not there yet is begun, and one that loses its last key is gone.
	Roles     []string
	Remove    []string      // ids of the keys to take out of these roles
	Add       []tufrepo.Key // keys to put in
	Threshold int           // new threshold, 0 to keep
	Life      Life
	// OnlyHere lets a removed key go on signing for roles that are not named. Otherwise that is
	// refused: models brought in together share their keys, and a thief has all of them.
	OnlyHere bool
	// Above are, by role, versions to pass over: they were signed, and never published. It does
	// not count for root, whose numbers have no gap.
	Above map[string]int64
}

// Offers in RotateParams.Roles stands for the offers roles of all models.
const Offers = "offers"

// Rotate makes the change that replaces keys: the next root or targets, and in the same change
// everything that the old keys had signed and the new ones must sign again. It still wants
// signatures; a new root wants those of the old and of the new root keys.
func Rotate(p RotateParams) (tufrepo.Request, error) { return p.rotate(p.replace) }

// RotateOnline makes the change that replaces the server's keys of p.Roles by those of next.
// After a theft replace snapshot and timestamp together: that is what makes handsets forget
// versions that a thief may have driven up.
func RotateOnline(p RotateParams, next tufrepo.OnlineKeys) (tufrepo.Request, error) {
	return p.rotate(func(role string, who *tufrepo.RoleKeys) error {
		_, isOffers := tufrepo.ModelRole(role)
		switch {
		case role == tufrepo.Snapshot:
			who.Keys = []tufrepo.Key{next.Snapshot}
		case role == tufrepo.Timestamp:
			who.Keys = []tufrepo.Key{next.Timestamp}
		case isOffers:
			who.Keys = []tufrepo.Key{next.Offers}
		default:
			return fmt.Errorf("%s is not signed by the server; its keys are people's", role)
		}
		who.Threshold = 1
		return nil
	})
}

// rotation gathers what a change of keys touches.
type rotation struct {
	root       tufrepo.RootSpec
	targets    tufrepo.Info
	newRoot    bool
	newTargets bool
	builds     map[string]bool // models whose builds are signed again
}

func (p RotateParams) rotate(edit func(role string, who *tufrepo.RoleKeys) error) (tufrepo.Request, error) {
	if len(p.Trusted.Roots) == 0 || len(p.Roles) == 0 {
		return tufrepo.Request{}, errors.New("the trusted state has no root, or no role was named")
	}
	info, err := tufrepo.Read(p.Trusted.Roots[len(p.Trusted.Roots)-1])
	if err != nil {
		return tufrepo.Request{}, err
	}
	targets, err := targetsOf(p.Trusted)
	if err != nil {
		return tufrepo.Request{}, err
	}
	c := rotation{root: *info.Root, targets: targets, builds: map[string]bool{}}
	var faults []error
	for _, role := range p.Roles {
		faults = append(faults, c.change(role, edit))
	}
	if err := errors.Join(faults...); err != nil {
		return tufrepo.Request{}, err
	}
	if err := c.left(p); err != nil {
		return tufrepo.Request{}, err
	}
	staged, err := c.stage(p)
	if err != nil {
		return tufrepo.Request{}, err
	}
	return newRequest("Replace keys of "+strings.Join(p.Roles, ", "), p.Trusted, staged, p.Now)
}

// change edits the keys of one role, where they are listed.
func (c *rotation) change(role string, edit func(string, *tufrepo.RoleKeys) error) error {
	top := map[string]*tufrepo.RoleKeys{tufrepo.Root: &c.root.Root, tufrepo.Targets: &c.root.Targets,
		tufrepo.Snapshot: &c.root.Snapshot, tufrepo.Timestamp: &c.root.Timestamp}[role]
	if top != nil {
		c.newRoot = true
		c.newTargets = c.newTargets || role == tufrepo.Targets
		return edit(role, top)
	}
	var faults []error
	found := false
	for i := range c.targets.Models {
		m := &c.targets.Models[i]
		switch role {
		case Offers:
			found = true
			faults = append(faults, edit(tufrepo.OffersRole(m.Role), &m.Offers))
		case m.Role:
			found, c.builds[role] = true, true
			faults = append(faults, edit(role, &m.Builds))
		}
	}
	if tufrepo.OutsiderRole(role) {
		found = true
		faults = append(faults, c.outsiders(role, edit))
	}
	if !found {
		return fmt.Errorf("there is no role %s to change the keys of", role)
	}
	c.newTargets = true
	return errors.Join(faults...)
}

// left refuses, if not p.OnlyHere, removed keys that are still trusted for another role.
func (c *rotation) left(p RotateParams) error {
	if p.OnlyHere {
		return nil
	}
	who := map[string][]tufrepo.Key{tufrepo.Root: c.root.Root.Keys, tufrepo.Targets: c.root.Targets.Keys,
		tufrepo.Snapshot: c.root.Snapshot.Keys, tufrepo.Timestamp: c.root.Timestamp.Keys}
	for _, m := range c.targets.Models {
		who[m.Role] = m.Builds.Keys
	}
	for _, o := range c.targets.Outsiders {
		who[o.Role] = o.Who.Keys
	}
	var faults []error
	for _, id := range p.Remove {
		var still []string
		for _, role := range slices.Sorted(maps.Keys(who)) {
			if slices.ContainsFunc(who[role], func(k tufrepo.Key) bool { return k.ID() == id }) {
				still = append(still, role)
			}
		}
		if len(still) > 0 {
			faults = append(faults, fmt.Errorf("key %.8s would still be trusted for %s; "+
				"take it out of all its roles at once: --role %s (or say --only-here)",
				id, strings.Join(still, ", "), strings.Join(slices.Concat(p.Roles, still), ",")))
		}
	}
	return errors.Join(faults...)
}

// stage writes the next version of everything that is touched.
func (c *rotation) stage(p RotateParams) (map[string][]byte, error) {
	staged := map[string][]byte{}
	var err error
	if c.newRoot {
		c.root.Version, c.root.Expires = c.root.Version+1, p.Now.Add(p.Life.Root)
		if staged[tufrepo.Root], err = tufrepo.NewRoot(c.root); err != nil {
			return nil, err
		}
	}
	if c.newTargets {
		if staged[tufrepo.Targets], err = tufrepo.NewTargets(nextVersion(p.Trusted, tufrepo.Targets, p.Above),
			p.Now.Add(p.Life.Targets), c.targets.Models, c.targets.Outsiders...); err != nil {
			return nil, err
		}
	}
	for role := range c.builds {
		if staged[role], err = bumpVersion(p, role); err != nil {
			return nil, err
		}
	}
	return staged, nil
}

// replace edits one role. Adding a key beside a stolen one cures nothing, so a key that should
// go must be there.
func (p RotateParams) replace(role string, who *tufrepo.RoleKeys) error {
	who.Keys = slices.Clone(who.Keys)
	for _, id := range p.Remove {
		n := len(who.Keys)
		who.Keys = slices.DeleteFunc(who.Keys, func(k tufrepo.Key) bool { return k.ID() == id })
		if len(who.Keys) == n {
			return fmt.Errorf("%s: key %.8s is not one of its keys", role, id)
		}
	}
	who.Keys = append(who.Keys, p.Add...)
	if p.Threshold > 0 {
		who.Threshold = p.Threshold
	}
	if tufrepo.OutsiderRole(role) && len(who.Keys) == 0 {
		return nil
	}
	if who.Threshold > len(who.Keys) {
		return fmt.Errorf("%s: %d keys remain but %d must sign; add a key for each that goes", role, len(who.Keys),
			who.Threshold)
	}
	return nil
}

// bumpVersion is the next version of a model's builds with the same content.
func bumpVersion(p RotateParams, role string) ([]byte, error) {
	info, err := tufrepo.Read(p.Trusted.Files[role])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	return tufrepo.NewRole(nextVersion(p.Trusted, role, p.Above), p.Now.Add(p.Life.Builds), info.Targets)
}
