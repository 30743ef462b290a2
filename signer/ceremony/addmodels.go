// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"errors"
	"fmt"
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
		p.Now.Add(p.Life.Targets), models, targets.Outsiders...); err != nil {
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
