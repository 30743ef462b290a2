// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	store     fleet.Viewer
	log       *slog.Logger
	published published.Reader
	mu        sync.RWMutex
	known     map[string]map[string]effect.Standard // release, model; nil when stale
	unread    map[string]bool                       // releases that are published, and cannot be read
	names     map[string]map[string][]int64         // model, fingerprint that published documents name, when it was built
	newest    map[string]int64                      // model, when the newest of its published builds was built
}

// NewRules reads rules from store when they are first needed. A published release that cannot be read is an error in log,
// once.
func NewRules(store fleet.Viewer, log *slog.Logger) *Rules { return &Rules{store: store, log: log} }

// unreadable is the answer where the rules of a published release cannot be read. It is not final: a program that can
// will follow, and what was not taken in would be lost to it.
func unreadable() error {
	return fleet.Errorf(fleet.Unsupported, "release_unreadable", "the release is published, and this server cannot judge by "+
		"it at present; keep the report, and send it again")
}

// isUnreadable says if err is that of a release which cannot be read.
func isUnreadable(err error) bool {
	e, ok := errors.AsType[*fleet.Error](err)
	return ok && e.Code == "release_unreadable"
}

// Invalidate must be called after a release was published.
func (r *Rules) Invalidate() {
	r.mu.Lock()
	r.known = nil
	r.mu.Unlock()
}

// Of returns what a published release is judged by on a model. Its errors never repeat release.
func (r *Rules) Of(ctx context.Context, release, model string) (effect.Standard, error) {
	known, unread, err := r.now(ctx)
	if err != nil {
		return effect.Standard{}, err
	}
	if unread[release] {
		return effect.Standard{}, unreadable()
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

// now are the rules of now, and the releases of which there are none.
func (r *Rules) now(ctx context.Context) (known map[string]map[string]effect.Standard, unread map[string]bool, err error) {
	r.mu.RLock()
	known, unread = r.known, r.unread
	r.mu.RUnlock()
	if known != nil {
		return known, unread, nil
	}
	return r.read(ctx)
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
func (r *Rules) Refresh(ctx context.Context) error {
	_, _, err := r.read(ctx)
	return err
}

func (r *Rules) read(ctx context.Context) (known map[string]map[string]effect.Standard, unread map[string]bool, err error) {
	// Held throughout: an Invalidate during the reading must not be overwritten by it.
	r.mu.Lock()
	defer r.mu.Unlock()
	var all published.Releases
	err = r.store.View(ctx, func(tx fleet.Tx) (err error) {
		all, err = r.published.Load(ctx, tx)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("verdict rules: %w", err)
	}
	r.alarm(ctx, all.Unreadable)
	r.known = map[string]map[string]effect.Standard{}
	for _, p := range all.Readable {
		rules := map[string]effect.Standard{}
		for _, pack := range p.Packages {
			rules[pack.Model], _ = all.Standard(p.Name, pack.Model)
		}
		r.known[p.Name] = rules
	}
	r.name(all.Known())
	return r.known, r.unread, nil
}

// alarm writes an error for each release that cannot be read, and could when it was last looked at.
func (r *Rules) alarm(ctx context.Context, all []published.Unreadable) {
	before := r.unread
	r.unread = map[string]bool{}
	for _, u := range all {
		r.unread[u.Name] = true
		if !before[u.Name] {
			r.log.ErrorContext(ctx, "a published release cannot be read; its handsets keep their reports until it can be",
				"release", u.Name, "err", u.Err)
		}
	}
}

// name gathers the builds that published documents name.
func (r *Rules) name(all []published.Release) {
	r.names, r.newest = map[string]map[string][]int64{}, map[string]int64{}
	for _, p := range all {
		for _, pack := range p.Packages {
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
	}
}
