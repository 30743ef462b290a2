// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/published"
)

// KeepBuilds is how many builds a model role lists per image variant. Older ones are pruned,
// so that what a handset downloads stays small; handsets that run them are not touched by it.
const KeepBuilds = 20

// Stage makes the next version of the role of each model that a release touches, and the
// request that the offline signers need. Nothing is published by it.
func (p *Publisher) Stage(ctx context.Context, name, by string) (fleet.Change, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.load(ctx)
	if err != nil {
		return fleet.Change{}, err
	}
	if !s.started() {
		return fleet.Change{}, fleet.Errorf(fleet.Conflict, "trust_missing", "no root of trust is here yet; make one with otasign init and import it with otactl trust import")
	}
	r, packages, err := p.stageable(ctx, name)
	if err != nil {
		return fleet.Change{}, err
	}
	draft, err := p.draw(ctx, s, r, packages)
	if err != nil {
		return fleet.Change{}, err
	}
	change, err := p.request(s, r, draft)
	if err != nil {
		return fleet.Change{}, err
	}
	return change, p.saveStaged(ctx, r, change, draft.manifests, by)
}

// stageable loads a release that may be staged now: a draft, or one whose change was dropped.
func (p *Publisher) stageable(ctx context.Context, name string) (r fleet.Release, packages []fleet.Package, err error) {
	err = p.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		if r, err = tx.Releases().Get(ctx, name); err != nil {
			return err
		}
		switch r.State {
		case fleet.ReleasePublished:
			return fleet.Errorf(fleet.Conflict, "published", "release %s is published; start a rollout, or make a new release", name)
		case fleet.ReleaseStaged:
			c, err := tx.Changes().Get(ctx, r.Change)
			if err != nil {
				return err
			}
			if c.State == fleet.ChangeOpen {
				return fleet.Errorf(fleet.Conflict, "staged", "release %s is staged and waits for signatures; fetch the request of change %s", name, c.ID)
			}
		}
		packages, err = published.Packages(ctx, tx, r.Packages)
		return err
	})
	return r, packages, err
}

// staged is what a release adds: unsigned roles, and the documents they point to.
type staged struct {
	roles     map[string][]byte
	manifests map[string][]byte
	packages  []tufrepo.RequestPackage
	pruned    []string
}

// draw stores nothing: what it finds may still be refused.
func (p *Publisher) draw(ctx context.Context, s state, r fleet.Release, packages []fleet.Package) (staged, error) {
	d := staged{roles: map[string][]byte{}, manifests: map[string][]byte{}}
	declared, err := manifests.ParseRelease(r.Source)
	if err != nil {
		return d, fmt.Errorf("stored release %s: %w", r.Name, err)
	}
	added := map[string][]tufrepo.Target{}
	for _, pkg := range packages {
		m, err := p.manifest(declared, pkg)
		if err != nil {
			return d, err
		}
		model, _ := p.cfg.Catalogue.Model(pkg.Model)
		role := model.Role()
		custom, err := json.Marshal(m.Custom())
		if err != nil {
			return d, err
		}
		text := m.Bytes()
		where := tufrepo.ManifestPath(role, r.Name, pkg.Variant)
		d.manifests[where] = text
		d.packages = append(d.packages, tufrepo.RequestPackage{Path: m.Package.Path, Name: pkg.Name, SHA256: pkg.SHA256, Length: pkg.Size, Model: pkg.Model, Variant: pkg.Variant, Channel: pkg.Channel})
		added[role] = append(added[role], tufrepo.Target{Path: m.Package.Path, Length: pkg.Size, SHA256: pkg.SHA256, Custom: custom}, pointTo(where, text))
	}
	vacant, err := p.vacant(ctx)
	if err != nil {
		return d, err
	}
	for _, role := range slices.Sorted(maps.Keys(added)) {
		if !s.delegates(role) {
			if s.retired(role) {
				return d, fleet.Errorf(fleet.Conflict, "model_untrusted", "%s is retired, and nobody signs for it; leave it out of the release, or bring it in again with otasign add-model --model %s", role, role)
			}
			return d, fleet.Errorf(fleet.Conflict, "model_untrusted", "nobody may sign for %s yet; run otasign add-model --model %s and import what it writes", role, role)
		}
		targets, pruned := nextTargets(s.info[role].Targets, added[role])
		d.pruned = append(d.pruned, pruned...)
		if d.roles[role], err = tufrepo.NewRole(max(p.next(s, role), vacant[role]), p.now().Add(p.cfg.Expiry.Model), targets); err != nil {
			return d, &fleet.Error{Kind: fleet.Conflict, Code: "role_refused", Msg: fmt.Sprintf("the next version of %s cannot be written: %s", role, inOneLine(err))}
		}
	}
	return d, nil
}

func pointTo(where string, text []byte) tufrepo.Target {
	return tufrepo.Target{Path: where, Length: int64(len(text)), SHA256: digest(text)}
}

// keep stores a small document and returns the target that points to it.
func (p *Publisher) keep(ctx context.Context, where string, text []byte) (tufrepo.Target, error) {
	t := pointTo(where, text)
	draft, err := p.cfg.Blobs.Create(ctx)
	if err != nil {
		return t, storing(err)
	}
	defer draft.Abort()
	if _, err := io.Copy(draft, bytes.NewReader(text)); err != nil {
		return t, storing(err)
	}
	_, err = draft.Commit(ctx, blob.Ref(t.SHA256))
	return t, storing(err)
}

// nextTargets are the targets of a role with what is added, less the oldest builds beyond
// KeepBuilds of a variant. A build is a package and its manifest.
func nextTargets(have, added []tufrepo.Target) (next []tufrepo.Target, pruned []string) {
	byPath := map[string]tufrepo.Target{}
	for _, t := range slices.Concat(have, added) {
		byPath[t.Path] = t
	}
	type build struct {
		path   string
		custom manifests.Custom
	}
	builds := map[string][]build{}
	for _, t := range byPath {
		var c manifests.Custom
		if len(t.Custom) > 0 && json.Unmarshal(t.Custom, &c) == nil {
			builds[c.Variant] = append(builds[c.Variant], build{t.Path, c})
		}
	}
	for _, list := range builds {
		slices.SortFunc(list, func(a, b build) int {
			return cmp.Or(cmp.Compare(b.custom.Counter, a.custom.Counter), cmp.Compare(b.custom.Build.UTC, a.custom.Build.UTC), strings.Compare(a.path, b.path))
		})
		for _, old := range list[min(len(list), KeepBuilds):] {
			pruned = append(pruned, old.path)
			delete(byPath, old.path)
			role := strings.Split(old.path, "/")[1]
			delete(byPath, tufrepo.ManifestPath(role, old.custom.Release, old.custom.Variant))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		next = append(next, byPath[path])
	}
	slices.Sort(pruned)
	return next, pruned
}

func packagePath(m manifests.Model, pkg fleet.Package) string {
	return tufrepo.PackagePath(m.Role(), pkg.Name)
}
