// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"

	"landed/manifests"
	declaration "landed/manifests/release"
	"landed/manifests/tufrepo"
	"landed/server/device/legacy"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/repo"
)

// collisions are what phones with other updaters could not tell apart, if the release went to everybody beside those before
// it: see [legacy.Collisions].
func (rs *Releases) collisions(
	ctx context.Context, tx fleet.Tx, s repo.State, declared declaration.Release, bound []fleet.Package, before []fleet.Release,
) ([]error, error) {
	wanted := rs.given(declared.Name, declared.Clients, bound)
	if len(wanted) == 0 {
		return nil, nil
	}
	models := map[string]bool{}
	for _, g := range wanted {
		models[g.Model.Device] = true
	}
	var others []legacy.Given
	for _, old := range before {
		packages, err := stillThere(ctx, tx, s, old, models)
		if err != nil {
			return nil, err
		}
		said, _ := declaration.ParsePublished(old.Source) // one that was taken up from a feed declares nothing
		others = append(others, rs.given(old.Name, said.Clients, packages)...)
	}
	return legacy.Collisions(rs.cfg.Base, wanted, others), nil
}

// given is a release on each model and channel of packages whose phones poll by other protocols.
func (rs *Releases) given(name string, clients map[string]declaration.Clients, packages []fleet.Package) (all []legacy.Given) {
	seen := map[[2]string]bool{}
	for _, p := range packages {
		m, ok := rs.cfg.Lineup.Catalogue().Model(p.Model)
		place := [2]string{p.Model, p.Channel}
		if !ok || len(m.Protocols) == 0 || seen[place] {
			continue
		}
		seen[place] = true
		all = append(all, legacy.Given{Model: m, Channel: p.Channel, Release: name, Packages: packages, Clients: clients[m.Device]})
	}
	return all
}

// stillThere are the packages of an older release for some models. Of a published one, what was pruned is offered to nobody.
func stillThere(
	ctx context.Context, tx fleet.Tx, s repo.State, old fleet.Release, models map[string]bool,
) (packages []fleet.Package, err error) {
	for _, ref := range old.Packages {
		if !models[ref.Model] {
			continue
		}
		found, err := published.Packages(ctx, tx, []fleet.PackageRef{ref})
		if fleet.Is(err, fleet.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p := found[0]
		role := manifests.Model{Device: p.Model}.Role()
		if _, listed := s.Target(role, tufrepo.PackagePath(role, p.Name)); listed || old.State != fleet.ReleasePublished {
			packages = append(packages, p)
		}
	}
	return packages, nil
}
