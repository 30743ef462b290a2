// SPDX-License-Identifier: Apache-2.0

package release

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/repo"
)

// request makes the change, with the bundle that the signers review.
func (rs *Releases) request(s repo.State, r fleet.Release, d draft) (fleet.Change, error) {
	id := make([]byte, 16)
	if _, err := io.ReadFull(rs.cfg.Random, id); err != nil {
		return fleet.Change{}, err
	}
	c := fleet.Change{ID: hex.EncodeToString(id), Release: r.Name, State: fleet.ChangeOpen, At: rs.cfg.Repo.Now()}
	trusted, err := s.Set().Bundle()
	if err != nil {
		return c, err
	}
	next, err := s.With(repo.Edit{Roles: d.roles})
	if err != nil {
		return c, err
	}
	req := tufrepo.Request{
		Schema: 1, ID: c.ID, Title: "Release " + r.Name, Created: c.At,
		Trusted:   trusted.Files,
		Manifests: d.manifests, Packages: d.packages, Models: d.models, Names: d.names,
	}
	for _, role := range slices.Sorted(maps.Keys(d.roles)) {
		req.Roles = append(req.Roles, tufrepo.RequestRole{Role: role, Metadata: d.roles[role]})
		c.Roles = append(c.Roles, fleet.StagedRole{Role: role, Version: next.Version(role), Upon: s.Version(role),
			Metadata: d.roles[role]})
	}
	req.Summary = tufrepo.Diff(s.Set(), next.Set())
	for _, path := range d.pruned {
		req.Summary = append(req.Summary, fmt.Sprintf("%s is pruned: newer builds fill the %d places of its variant.",
			path, KeepBuilds))
	}
	c.Request = req.Bytes()
	return c, nil
}

// names are those of the people whose keys the published root and targets name.
func (rs *Releases) names(ctx context.Context, s repo.State) (names map[string]string, err error) {
	err = rs.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		names, err = tx.Holders().All(ctx)
		return err
	})
	roots := s.Set().Roots
	maps.DeleteFunc(names, func(id, _ string) bool {
		return !bytes.Contains(s.Set().Files[tufrepo.Targets], []byte(id)) && !bytes.Contains(roots[len(roots)-1], []byte(id))
	})
	return names, err
}

// saveStaged stores the manifests, then the change that names them.
func (rs *Releases) saveStaged(
	ctx context.Context, r fleet.Release, c fleet.Change, manifests map[string][]byte, by string,
) error {
	if err := rs.cfg.Store.View(ctx, func(tx fleet.Tx) error { return refuseOverlap(ctx, tx, c) }); err != nil {
		return err
	}
	for where, text := range manifests {
		if _, err := rs.cfg.Repo.Keep(ctx, where, text); err != nil {
			return err
		}
	}
	return rs.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := refuseOverlap(ctx, tx, c); err != nil { // another process may have staged meanwhile
			return err
		}
		if err := tx.Changes().Create(ctx, c); err != nil {
			return err
		}
		from := r.State
		r.State, r.Change = fleet.ReleaseStaged, c.ID
		if err := tx.Releases().Save(ctx, r, from); err != nil {
			return err
		}
		return rs.audit(ctx, tx, by, "release.stage", r.Name, "change "+c.ID+": "+strings.Join(roleNames(c), ", "))
	})
}

// refuseOverlap refuses c if a change that is still open touches a role of it: the two would have the same version.
func refuseOverlap(ctx context.Context, tx fleet.Tx, c fleet.Change) error {
	open, err := tx.Changes().Open(ctx)
	if err != nil {
		return err
	}
	for _, other := range open {
		for _, role := range c.Roles {
			if slices.ContainsFunc(other.Roles, func(o fleet.StagedRole) bool { return o.Role == role.Role }) {
				return fleet.Errorf(fleet.Conflict, "change_open", "change %s (release %s) is open and also changes %s; "+
					"have it signed, or drop it, then stage again", other.ID, other.Release, role.Role)
			}
		}
	}
	return nil
}

func roleNames(c fleet.Change) []string {
	var names []string
	for _, r := range c.Roles {
		names = append(names, r.Role)
	}
	return names
}
