// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"landed/manifests/effect"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	"landed/server/fleet"
	"landed/server/published"
)

// Rules are what every published release is judged by, per model, kept in memory.
type Rules struct {
	store  fleet.Viewer
	mu     sync.RWMutex
	known  map[string]map[string]effect.Standard // release, model; nil when stale
	names  map[string]map[string][]int64         // model, fingerprint that published documents name, when it was built
	newest map[string]int64                      // model, when the newest of its published builds was built
}

// NewRules reads rules from store when they are first needed.
func NewRules(store fleet.Viewer) *Rules { return &Rules{store: store} }

// Invalidate must be called after a release was published.
func (r *Rules) Invalidate() {
	r.mu.Lock()
	r.known = nil
	r.mu.Unlock()
}

// Of returns what a published release is judged by on a model. Its errors never repeat release.
func (r *Rules) Of(ctx context.Context, release, model string) (effect.Standard, error) {
	r.mu.RLock()
	known := r.known
	r.mu.RUnlock()
	if known == nil {
		var err error
		if known, err = r.Refresh(ctx); err != nil {
			return effect.Standard{}, err
		}
	}
	models, ok := known[release]
	if !ok {
		return effect.Standard{}, fleet.Errorf(fleet.Invalid, "release_unknown", "the report is about a release that was "+
			"not published here; wanted the name that the offers document gives")
	}
	rule, ok := models[model]
	if !ok {
		return effect.Standard{}, fleet.Errorf(fleet.Invalid, "release_not_for_model", "the release has no "+
			"build for model %s", model)
	}
	return rule, nil
}

// Names says if a published document of the model names a build. It is asked after Of.
func (r *Rules) Names(model, fingerprint string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.names[model][fingerprint]
	return ok
}

// firstBuild is older than every handset with Android, in seconds: no build was made before 2008.
const firstBuild = 1_199_145_600

// Built says if published documents give the build of a report the time that it gives. Of one that they name only as the
// source of an incremental they give none: a report has no room for it, and says that it is another build. Handsets of
// version 1 name it all the same; they may, if it was made before the newest build of the model, and not before 2008.
// It is asked after Of.
func (r *Rules) Built(by report.Report) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if known := r.names[by.Model][by.Build]; len(known) > 0 {
		return slices.Contains(known, by.BuildUTC)
	}
	return by.Schema == v1.Schema && by.BuildUTC >= firstBuild && by.BuildUTC < r.newest[by.Model]
}

// Refresh reads every published release and its packages.
func (r *Rules) Refresh(ctx context.Context) (map[string]map[string]effect.Standard, error) {
	// Held throughout: an Invalidate during the reading must not be overwritten by it.
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []published.Release
	err := r.store.View(ctx, func(tx fleet.Tx) (err error) {
		all, err = published.Load(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("verdict rules: %w", err)
	}
	r.newest = map[string]int64{}
	r.known, r.names = map[string]map[string]effect.Standard{}, map[string]map[string][]int64{}
	for _, p := range all {
		rules := map[string]effect.Standard{}
		for _, pack := range p.Packages {
			rules[pack.Model], _ = published.Standard(p.Name, pack.Model, all)
			if r.names[pack.Model] == nil {
				r.names[pack.Model] = map[string][]int64{}
			}
			names := r.names[pack.Model]
			for _, source := range pack.PreBuilds {
				if _, ok := names[source]; !ok {
					names[source] = nil // when it was built is not said
				}
			}
			names[pack.Build.Fingerprint] = append(names[pack.Build.Fingerprint], pack.Build.UTC)
			r.newest[pack.Model] = max(r.newest[pack.Model], pack.Build.UTC)
		}
		r.known[p.Name] = rules
	}
	return r.known, nil
}
