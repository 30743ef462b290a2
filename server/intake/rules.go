// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/verdict"
)

// Rules are the verdict rules of every published release, per model, kept in memory.
type Rules struct {
	store fleet.Viewer
	mu    sync.RWMutex
	known map[string]map[string]verdict.Rule // release, model; nil when stale
	names map[string]map[string]bool         // model, fingerprints that published documents name
}

// NewRules reads rules from store when they are first needed.
func NewRules(store fleet.Viewer) *Rules { return &Rules{store: store} }

// Invalidate must be called after a release was published.
func (r *Rules) Invalidate() {
	r.mu.Lock()
	r.known = nil
	r.mu.Unlock()
}

// Of returns the rule of a published release for a model. Its errors never repeat release.
func (r *Rules) Of(ctx context.Context, release, model string) (verdict.Rule, error) {
	r.mu.RLock()
	known := r.known
	r.mu.RUnlock()
	if known == nil {
		var err error
		if known, err = r.Refresh(ctx); err != nil {
			return verdict.Rule{}, err
		}
	}
	models, ok := known[release]
	if !ok {
		return verdict.Rule{}, fleet.Errorf(fleet.Invalid, "release_unknown", "the report is about a release that was not published here; wanted the name that the offers document gives")
	}
	rule, ok := models[model]
	if !ok {
		return verdict.Rule{}, fleet.Errorf(fleet.Invalid, "release_not_for_model", "the release has no build for model %s", model)
	}
	return rule, nil
}

// Names says if a published document of the model names a build. It is asked after Of.
func (r *Rules) Names(model, fingerprint string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.names[model][fingerprint]
}

// Refresh reads every published release and its packages.
func (r *Rules) Refresh(ctx context.Context) (map[string]map[string]verdict.Rule, error) {
	// Held throughout: an Invalidate during the reading must not be overwritten by it.
	r.mu.Lock()
	defer r.mu.Unlock()
	var published []verdict.Published
	err := r.store.View(ctx, func(tx fleet.Tx) (err error) {
		published, err = readPublished(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("verdict rules: %w", err)
	}
	r.known, r.names = map[string]map[string]verdict.Rule{}, map[string]map[string]bool{}
	for _, p := range published {
		rules := map[string]verdict.Rule{}
		for _, pack := range p.Packages {
			rules[pack.Model], _ = verdict.RuleOf(p.Name, pack.Model, published)
			for _, build := range slices.Concat(pack.PreBuilds, []string{pack.Build.Fingerprint}) {
				if r.names[pack.Model] == nil {
					r.names[pack.Model] = map[string]bool{}
				}
				r.names[pack.Model][build] = true
			}
		}
		r.known[p.Name] = rules
	}
	return r.known, nil
}

func readPublished(ctx context.Context, tx fleet.Tx) ([]verdict.Published, error) {
	all, err := tx.Releases().List(ctx)
	if err != nil {
		return nil, err
	}
	var published []verdict.Published
	for _, stored := range all {
		if stored.State != fleet.ReleasePublished {
			continue
		}
		source, err := manifests.ParseRelease(stored.Source)
		if err != nil {
			return nil, fmt.Errorf("release %s: %w", stored.Name, err)
		}
		p := verdict.Published{Release: source}
		for _, ref := range stored.Packages {
			pack, err := tx.Packages().Get(ctx, ref)
			if err != nil {
				return nil, fmt.Errorf("release %s: %w", stored.Name, err)
			}
			p.Packages = append(p.Packages, pack)
		}
		published = append(published, p)
	}
	return published, nil
}
