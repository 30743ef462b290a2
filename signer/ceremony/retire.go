// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"landed/manifests/tufrepo"
)

// RetireModelsParams describes models to give up.
type RetireModelsParams struct {
	Now     time.Time
	Trusted tufrepo.Set
	Models  []string // role names
	Life    Life
	Above   map[string]int64 // by role, versions to pass over: they were signed, and never published
}

// RetireModels makes the change that gives models up: the next targets, which delegates nothing
// to them any more. Nothing else is signed: their last files stay in the feed and its snapshot,
// because a client that has seen an entry stops when it vanishes, and they stay in the trusted
// state, so that a model which is brought in again goes on with its version numbers.
func RetireModels(p RetireModelsParams) (tufrepo.Request, error) {
	if len(p.Models) == 0 {
		return tufrepo.Request{}, errors.New("no model is named")
	}
	targets, err := targetsOf(p.Trusted)
	if err != nil {
		return tufrepo.Request{}, err
	}
	var there []string
	for _, m := range targets.Models {
		there = append(there, m.Role)
	}
	var faults []error
	for i, role := range p.Models {
		switch {
		case slices.Contains(p.Models[:i], role):
			faults = append(faults, fmt.Errorf("model %s is named twice", role))
		case slices.Contains(there, role):
		case p.Trusted.Files[role] != nil && role != tufrepo.Targets:
			faults = append(faults, fmt.Errorf("model %s is retired already", role))
		default:
			faults = append(faults, fmt.Errorf("there is no model %s; there are: %s", role, strings.Join(there, ", ")))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return tufrepo.Request{}, err
	}
	left := slices.DeleteFunc(slices.Clone(targets.Models),
		func(m tufrepo.ModelKeys) bool { return slices.Contains(p.Models, m.Role) })
	next, err := tufrepo.NewTargets(nextVersion(p.Trusted, tufrepo.Targets, p.Above), p.Now.Add(p.Life.Targets), left,
		targets.Outsiders...)
	if err != nil {
		return tufrepo.Request{}, err
	}
	return newRequest("Retire "+strings.Join(p.Models, ", "), p.Trusted, map[string][]byte{tufrepo.Targets: next}, p.Now)
}
