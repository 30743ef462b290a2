// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// request makes the change, with the bundle that the signers review.
func (p *Publisher) request(s state, r fleet.Release, d staged) (fleet.Change, error) {
	id := make([]byte, 16)
	if _, err := io.ReadFull(p.cfg.Random, id); err != nil {
		return fleet.Change{}, err
	}
	c := fleet.Change{ID: hex.EncodeToString(id), Release: r.Name, State: fleet.ChangeOpen, At: p.now()}
	trusted, err := s.set.Bundle()
	if err != nil {
		return c, err
	}
	next := s.clone()
	req := tufrepo.Request{
		Schema: 1, ID: c.ID, Title: "Release " + r.Name, Created: c.At,
		Trusted:   trusted.Files,
		Manifests: d.manifests, Packages: d.packages,
	}
	for _, role := range slices.Sorted(maps.Keys(d.roles)) {
		if err := next.take(role, d.roles[role]); err != nil {
			return c, err
		}
		req.Roles = append(req.Roles, tufrepo.RequestRole{Role: role, Metadata: d.roles[role]})
		c.Roles = append(c.Roles, fleet.StagedRole{Role: role, Version: next.info[role].Version, Upon: s.info[role].Version, Metadata: d.roles[role]})
	}
	req.Summary = tufrepo.Diff(s.set, next.set)
	for _, path := range d.pruned {
		req.Summary = append(req.Summary, fmt.Sprintf("%s is pruned: newer builds fill the %d places of its variant.", path, KeepBuilds))
	}
	c.Request = req.Bytes()
	return c, nil
}

// saveStaged stores the manifests, then the change that names them.
func (p *Publisher) saveStaged(ctx context.Context, r fleet.Release, c fleet.Change, manifests map[string][]byte, by string) error {
	if err := p.cfg.Store.View(ctx, func(tx fleet.Tx) error { return alone(ctx, tx, c) }); err != nil {
		return err
	}
	for where, text := range manifests {
		if _, err := p.keep(ctx, where, text); err != nil {
			return err
		}
	}
	return p.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := alone(ctx, tx, c); err != nil { // another process may have staged meanwhile
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
		return p.audit(ctx, tx, by, "release.stage", r.Name, "change "+c.ID+": "+strings.Join(roleNames(c), ", "))
	})
}

// alone says if a change that is still open touches a role of c: the two would have the same version.
func alone(ctx context.Context, tx fleet.Tx, c fleet.Change) error {
	open, err := tx.Changes().Open(ctx)
	if err != nil {
		return err
	}
	for _, other := range open {
		for _, role := range c.Roles {
			if slices.ContainsFunc(other.Roles, func(o fleet.StagedRole) bool { return o.Role == role.Role }) {
				return fleet.Errorf(fleet.Conflict, "change_open", "change %s (release %s) is open and also changes %s; have it signed, or drop it, then stage again", other.ID, other.Release, role.Role)
			}
		}
	}
	return nil
}

// Drop gives a change up. Its release can be staged again.
func (p *Publisher) Drop(ctx context.Context, id, by, reason string) error {
	if reason == "" {
		return fleet.Errorf(fleet.Invalid, "reason_missing", "say why the change is dropped")
	}
	return p.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		c, err := openChange(ctx, tx, id)
		if err != nil {
			return err
		}
		c.State = fleet.ChangeDropped
		if err := tx.Changes().Save(ctx, c, fleet.ChangeOpen); err != nil {
			return err
		}
		return p.audit(ctx, tx, by, "change.drop", id, reason)
	})
}

// DropRelease gives up a release that is a draft, or whose change was dropped: its name and its
// counter are free again. What is published stays for ever.
func (p *Publisher) DropRelease(ctx context.Context, name, by, reason string) error {
	if reason == "" {
		return fleet.Errorf(fleet.Invalid, "reason_missing", "say why the release is dropped")
	}
	return p.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		r, err := tx.Releases().Get(ctx, name)
		if err != nil {
			return err
		}
		if r.State == fleet.ReleasePublished {
			return fleet.Errorf(fleet.Conflict, "published", "release %s is published, and what is published is not taken back; halt its rollouts, and make a new release", name)
		}
		if r.State == fleet.ReleaseStaged {
			c, err := tx.Changes().Get(ctx, r.Change)
			if err != nil {
				return err
			}
			if c.State == fleet.ChangeOpen {
				return fleet.Errorf(fleet.Conflict, "staged", "release %s waits for signatures; drop its change %s first", name, c.ID)
			}
		}
		if err := tx.Releases().Delete(ctx, name, r.State); err != nil {
			return err
		}
		return p.audit(ctx, tx, by, "release.drop", name, reason)
	})
}

func openChange(ctx context.Context, tx fleet.Tx, id string) (fleet.Change, error) {
	c, err := tx.Changes().Get(ctx, id)
	if err == nil && c.State != fleet.ChangeOpen {
		err = fleet.Errorf(fleet.Conflict, "change_closed", "change %s is %s; nothing can be added to it", id, c.State)
	}
	return c, err
}

func roleNames(c fleet.Change) []string {
	var names []string
	for _, r := range c.Roles {
		names = append(names, r.Role)
	}
	return names
}
