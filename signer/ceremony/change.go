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
	Names     []string    // people who get a key for these models
	Quorum    Quorum      // 2 of 3 is usual
	Algorithm keys.Algorithm
	Life      Life
}

// AddModels makes one set of keys for the models and the change that brings them in: the
// next targets, and an empty builds file for each. The change still wants signatures, of the
// targets keys and of the new ones.
func AddModels(p AddModelsParams) (tufrepo.Request, []*keys.Key, error) {
	if err := p.Quorum.check("model", p.Names); err != nil {
		return tufrepo.Request{}, nil, err
	}
	if len(p.Models) == 0 {
		return tufrepo.Request{}, nil, errors.New("no model is named")
	}
	targets, err := targetsOf(p.Trusted)
	if err != nil {
		return tufrepo.Request{}, nil, err
	}
	made, err := makeKeys(p.Algorithm, p.Names[:p.Quorum.Keys], p.Models[0])
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
			Builds: roleKeys(p.Quorum.Threshold, made),
			Offers: tufrepo.RoleKeys{Keys: []tufrepo.Key{p.Offers}, Threshold: 1},
		})
		if staged[role], err = tufrepo.NewRole(nextVersion(p.Trusted, role), p.Now.Add(p.Life.Builds), nil); err != nil {
			return tufrepo.Request{}, nil, err
		}
	}
	if staged[tufrepo.Targets], err = tufrepo.NewTargets(targets.Version+1, p.Now.Add(p.Life.Targets), models); err != nil {
		return tufrepo.Request{}, nil, err
	}
	r, err := newRequest("Bring in "+strings.Join(p.Models, ", "), p.Trusted, staged, p.Now)
	return r, made, err
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
}

// Offers in RotateParams.Roles stands for the offers roles of all models.
const Offers = "offers"

// Rotate makes the change that replaces keys: the next root or targets, and in the same change
// everything that the old keys had signed and the new ones must sign again. It still wants
// signatures; a new root wants those of the old and of the new root keys.
func Rotate(p RotateParams) (tufrepo.Request, error) {
	if len(p.Trusted.Roots) == 0 {
		return tufrepo.Request{}, errors.New("the trusted state has no root")
	}
	rootInfo, err := tufrepo.Read(p.Trusted.Roots[len(p.Trusted.Roots)-1])
	if err != nil {
		return tufrepo.Request{}, err
	}
	targets, err := targetsOf(p.Trusted)
	if err != nil {
		return tufrepo.Request{}, err
	}
	root := *rootInfo.Root
	var newRoot, newTargets bool
	changed := map[string]bool{}
	var faults []error
	for _, role := range p.Roles {
		top := map[string]*tufrepo.RoleKeys{tufrepo.Root: &root.Root, tufrepo.Targets: &root.Targets, tufrepo.Snapshot: &root.Snapshot, tufrepo.Timestamp: &root.Timestamp}[role]
		if top != nil {
			newRoot = true
			newTargets = newTargets || role == tufrepo.Targets
			faults = append(faults, p.replace(role, top))
			continue
		}
		found := false
		for i := range targets.Models {
			m := &targets.Models[i]
			switch role {
			case Offers:
				found = true
				faults = append(faults, p.replace(tufrepo.OffersRole(m.Role), &m.Offers))
			case m.Role:
				found, changed[role] = true, true
				faults = append(faults, p.replace(role, &m.Builds))
			}
		}
		if !found {
			faults = append(faults, fmt.Errorf("there is no role %s to change the keys of", role))
		}
		newTargets = true
	}
	if len(p.Roles) == 0 {
		faults = append(faults, errors.New("no role is named"))
	}
	if err := errors.Join(faults...); err != nil {
		return tufrepo.Request{}, err
	}
	staged := map[string][]byte{}
	if newRoot {
		root.Version, root.Expires = root.Version+1, p.Now.Add(p.Life.Root)
		if staged[tufrepo.Root], err = tufrepo.NewRoot(root); err != nil {
			return tufrepo.Request{}, err
		}
	}
	if newTargets {
		if staged[tufrepo.Targets], err = tufrepo.NewTargets(targets.Version+1, p.Now.Add(p.Life.Targets), targets.Models); err != nil {
			return tufrepo.Request{}, err
		}
	}
	for _, role := range slices.Sorted(maps.Keys(changed)) {
		if staged[role], err = again(p.Trusted, role, p.Now.Add(p.Life.Builds)); err != nil {
			return tufrepo.Request{}, err
		}
	}
	return newRequest("Replace keys of "+strings.Join(p.Roles, ", "), p.Trusted, staged, p.Now)
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
		return fmt.Errorf("%s: %d keys remain but %d must sign; add a key for each that goes", role, len(who.Keys), who.Threshold)
	}
	return nil
}

// again is the next version of a model's builds with the same content.
func again(trusted tufrepo.Set, role string, expires time.Time) ([]byte, error) {
	info, err := tufrepo.Read(trusted.Files[role])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	return tufrepo.NewRole(info.Version+1, expires, info.Targets)
}

func targetsOf(s tufrepo.Set) (tufrepo.Info, error) {
	text, ok := s.Files[tufrepo.Targets]
	if !ok {
		return tufrepo.Info{}, errors.New("the trusted state has no targets")
	}
	return tufrepo.Read(text)
}

func nextVersion(s tufrepo.Set, role string) int64 {
	if info, err := tufrepo.Read(s.Files[role]); err == nil {
		return info.Version + 1 // a model that was retired comes back: its numbers go on
	}
	return 1
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
