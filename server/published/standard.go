// SPDX-License-Identifier: Apache-2.0

package published

import (
	"slices"

	"landed/manifests/effect"
)

// Standard is what an installation of model is judged by against a release; see [effect.StandardOf]. ok is false if the
// release was not published or has no build for model.
func Standard(release, model string, all []Release) (by effect.Standard, ok bool) {
	var promises []effect.Promise
	for _, r := range all {
		promises = append(promises, r.promise(model))
	}
	i := slices.IndexFunc(promises, func(p effect.Promise) bool { return p.Release == release })
	if i < 0 || len(promises[i].Builds) == 0 {
		return effect.Standard{}, false
	}
	return effect.StandardOf(promises[i], promises), true
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
