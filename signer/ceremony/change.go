// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

// AddModelsParams describes models to bring in.
type AddModelsParams struct {
	Now       time.Time
	Trusted   tufrepo.Set
	Models    []string    // role names: device names in lower case
	Offers    tufrepo.Key // the server's online key for offers
	Like      string      // a model whose keys serve these too; then no keys are made
	Names     []string    // people who get a key for these models
	Quorum    Quorum      // 2 of 3 is usual
	Algorithm keys.Algorithm
	Life      Life
	Above     map[string]int64 // by role, versions to pass over: they were signed, and never published
}

// AddModels makes one set of keys for the models and the change that brings them in: the
// next targets, and an empty builds file for each. The change still wants signatures, of the
// targets keys and of the new ones.
func AddModels(p AddModelsParams) (tufrepo.Request, []*keys.Key, error) {
	if len(p.Models) == 0 {
		return tufrepo.Request{}, nil, errors.New("no model is named")
	}
	targets, err := targetsOf(p.Trusted)
	if err != nil {
		return tufrepo.Request{}, nil, err
	}
	builds, made, err := p.keys(targets)
	if err != nil {
		return tufrepo.Request{}, nil, err
	}
	staged := map[string][]byte{}
	models := targets.Models
	for _, role := range p.Models {
		if slices.ContainsFunc(targets.Models, func(m tufrepo.ModelKeys) bool { return m.Role == role }) {
			return tufrepo.Request{}, nil, fmt.Errorf("model %s is there already; rotate replaces its keys", role)
		}
		models = append(models, tufrepo.ModelKeys{
			Role:   role,
			Builds: builds,
			Offers: tufrepo.RoleKeys{Keys: []tufrepo.Key{p.Offers}, Threshold: 1},
		})
		if staged[role], err = tufrepo.NewRole(nextVersion(p.Trusted, role, p.Above), p.Now.Add(p.Life.Builds),
			nil); err != nil {
			return tufrepo.Request{}, nil, err
		}
	}
	if staged[tufrepo.Targets], err = tufrepo.NewTargets(nextVersion(p.Trusted, tufrepo.Targets, p.Above),
		p.Now.Add(p.Life.Targets), models); err != nil {
		return tufrepo.Request{}, nil, err
	}
	r, err := newRequest("Bring in "+strings.Join(p.Models, ", "), p.Trusted, staged, p.Now)
	return r, made, err
}

// keys makes the keys of the new models, or finds those of the model that they are like.
func (p AddModelsParams) keys(targets tufrepo.Info) (tufrepo.RoleKeys, []*keys.Key, error) {
	if p.Like != "" {
		for _, m := range targets.Models {
			if m.Role == p.Like {
				return m.Builds, nil, nil
			}
		}
		return tufrepo.RoleKeys{}, nil, fmt.Errorf("there is no model %s to take the keys of", p.Like)
	}
	if err := p.Quorum.check("model", p.Names); err != nil {
		return tufrepo.RoleKeys{}, nil, err
	}
	made, err := makeKeys(p.Algorithm, p.Names[:p.Quorum.Keys], p.Models[0])
	return roleKeys(p.Quorum.Threshold, made), made, err
}

// RotateParams describes keys to replace.
type RotateParams struct {
	Now     time.Time
	Trusted tufrepo.Set
	// Roles are "root", "targets", "snapshot", "timestamp", names of models, or "offers" for
	// the online key of all offers.
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
			p.Now.Add(p.Life.Targets), c.targets.Models); err != nil {
			return nil, err
		}
	}
	for role := range c.builds {
		if staged[role], err = again(p, role); err != nil {
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
	if who.Threshold > len(who.Keys) {
		return fmt.Errorf("%s: %d keys remain but %d must sign; add a key for each that goes", role, len(who.Keys),
			who.Threshold)
	}
	return nil
}

// again is the next version of a model's builds with the same content.
func again(p RotateParams, role string) ([]byte, error) {
	info, err := tufrepo.Read(p.Trusted.Files[role])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	return tufrepo.NewRole(nextVersion(p.Trusted, role, p.Above), p.Now.Add(p.Life.Builds), info.Targets)
}

func targetsOf(s tufrepo.Set) (tufrepo.Info, error) {
	text, ok := s.Files[tufrepo.Targets]
	if !ok {
		return tufrepo.Info{}, errors.New("the trusted state has no targets")
	}
	return tufrepo.Read(text)
}

// nextVersion follows what is trusted and is above what was used up. A model that was retired
// and comes back goes on with its numbers.
func nextVersion(s tufrepo.Set, role string, above map[string]int64) int64 {
	info, err := tufrepo.Read(s.Files[role])
	if err != nil {
		info.Version = 0
	}
	return max(info.Version, above[role]) + 1
}

// newRequest wraps staged metadata for signing, with a summary in words.
func newRequest(title string, trusted tufrepo.Set, staged map[string][]byte, now time.Time) (tufrepo.Request, error) {
	if err := tufrepo.CheckStaged(trusted, staged, now); err != nil {
		return tufrepo.Request{}, err
	}
	bundle, err := trusted.Bundle()
	if err != nil {
		return tufrepo.Request{}, err
	}
	r := tufrepo.Request{Schema: 1, Title: title, Created: now.UTC().Truncate(time.Second),
		Summary: tufrepo.Diff(trusted, trusted.With(staged)), Trusted: bundle.Files}
	h := sha256.New()
	for _, role := range slices.Sorted(maps.Keys(staged)) {
		h.Write(staged[role])
		r.Roles = append(r.Roles, tufrepo.RequestRole{Role: role, Metadata: staged[role]})
	}
	r.ID = hex.EncodeToString(h.Sum(nil)[:16])
	return r, nil
}

// FindKey finds the one key of the roles that who means: its holder's name, as names has it by
// key id, or the first 8 or more digits of the key id.
func FindKey(trusted tufrepo.Set, roles []string, who string, names map[string]string) (string, error) {
	var found, held []string
	for _, role := range roles {
		for _, k := range keysOf(trusted, role) {
			id := k.ID()
			if name := names[id]; name != "" && !slices.Contains(held, name) {
				held = append(held, name)
			}
			if (names[id] == who || (len(who) >= 8 && strings.HasPrefix(id, who))) && !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	switch {
	case len(found) == 0:
		return "", fmt.Errorf("%q means 0 keys of %s; wanted the first 8 or more digits of a key id, "+
			"or a holder whose .pub file is here: %s", who, strings.Join(roles, ", "), strings.Join(held, ", "))
	case len(found) > 1:
		return "", fmt.Errorf("%q means %d keys of %s. Root, targets and models have keys of their own: "+
			"take them out with one command for each, one upon the other; or give the first 8 or more digits of the key id",
			who, len(found), strings.Join(roles, ", "))
	}
	return found[0], nil
}

// keysOf lists the keys that sign role in the newest state.
func keysOf(s tufrepo.Set, role string) []tufrepo.Key {
	var list []tufrepo.Key
	if n := len(s.Roots); n > 0 {
		if info, err := tufrepo.Read(s.Roots[n-1]); err == nil {
			list = map[string][]tufrepo.Key{tufrepo.Root: info.Root.Root.Keys, tufrepo.Targets: info.Root.Targets.Keys,
				tufrepo.Snapshot: info.Root.Snapshot.Keys, tufrepo.Timestamp: info.Root.Timestamp.Keys}[role]
		}
	}
	if targets, err := targetsOf(s); err == nil {
		for _, m := range targets.Models {
			if m.Role == role {
				list = append(list, m.Builds.Keys...)
			}
			if role == Offers {
				list = append(list, m.Offers.Keys...)
			}
		}
	}
	return list
}
