// SPDX-License-Identifier: Apache-2.0

package published

import (
	"slices"
	"time"

	"landed/manifests/effect"
)

// Standard is what an installation of model is judged by against a release; see [effect.StandardOf]. ok is false if the
// release was not published, cannot be read, or has no build for model.
func (r Releases) Standard(release, model string) (by effect.Standard, ok bool) {
	i := slices.IndexFunc(r.Readable, func(one Release) bool { return one.Name == release })
	if i < 0 {
		return effect.Standard{}, false
	}
	own := r.Readable[i].promise(model)
	if len(own.Builds) == 0 {
		return effect.Standard{}, false
	}
	var promises []effect.Promise
	for _, one := range r.Known() {
		promises = append(promises, one.promise(model))
	}
	by = effect.StandardOf(own, promises)
	by.Published = r.out(model)
	return by, true
}

// out is when the builds of a model were published first. One of which that is not known has always been there.
func (r Releases) out(model string) map[string]time.Time {
	first := map[string]time.Time{}
	for _, one := range r.Known() {
		for _, b := range one.promise(model).Builds {
			if at, have := first[b.Fingerprint]; !have || one.Out.Before(at) {
				first[b.Fingerprint] = one.Out
			}
		}
	}
	return first
}

func (r Release) promise(model string) effect.Promise {
	p := effect.Promise{Release: r.Name, Counter: r.Counter, Program: r.Program}
	for _, pkg := range r.Packages {
		if pkg.Model == model {
			build := effect.Build{Fingerprint: pkg.Build.Fingerprint, Model: pkg.Model, Variant: pkg.Variant}
			p.Builds = append(p.Builds, build)
		}
	}
	return p
}
