// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"landed/manifests"
	"landed/server/fleet"
)

// modelsOf are the models of w; every one without a package is named.
func (rs *Rollouts) modelsOf(w Start, packages []fleet.Package) ([]manifests.Model, error) {
	var goals []manifests.Model
	var faults []error
	wanted := w.Models
	if len(wanted) == 0 {
		for _, m := range rs.cfg.Lineup.Catalogue().Models() {
			if hasPackage(packages, m.Device, w.Channel) {
				wanted = append(wanted, m.Device)
			}
		}
	}
	seen := map[string]bool{}
	for _, name := range wanted {
		m, ok := rs.cfg.Lineup.Catalogue().Model(name)
		if !ok {
			m, ok = rs.cfg.Lineup.Catalogue().ByRole(name)
		}
		if !ok {
			faults = append(faults, fmt.Errorf("%q is no model of the catalogue", name))
			continue
		}
		if !hasPackage(packages, m.Device, w.Channel) {
			faults = append(faults, fmt.Errorf("release %s has no package for %s on %s (it has %s)", w.Release, m.Device,
				w.Channel, listed(packages)))
			continue
		}
		if !seen[m.Device] {
			goals = append(goals, m)
		}
		seen[m.Device] = true
	}
	if len(goals) == 0 && len(faults) == 0 {
		faults = append(faults, fmt.Errorf("release %s has no package on %s (it has %s)", w.Release, w.Channel,
			listed(packages)))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "rollout_models", Msg: fleet.InOneLine(err)}
	}
	return goals, nil
}

func hasPackage(packages []fleet.Package, model, channel string) bool {
	return slices.ContainsFunc(packages, func(p fleet.Package) bool { return p.Model == model && p.Channel == channel })
}

func listed(packages []fleet.Package) string {
	var have []string
	for _, pkg := range packages {
		have = append(have, pkg.Variant+" on "+pkg.Channel)
	}
	return strings.Join(have, ", ")
}
