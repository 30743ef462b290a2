// SPDX-License-Identifier: Apache-2.0

package published

import (
	"slices"

	"landed/manifests/effect"
)

// Standard is what an installation of model is judged by against a release: its effect, the builds of the release, and
// those of later ones that keep the effect, because a handset that went further still shows it. ok is false if the
// release was not published or has no build for model.
func Standard(release, model string, all []Release) (by effect.Standard, ok bool) {
	i := slices.IndexFunc(all, func(r Release) bool { return r.Name == release })
	if i < 0 {
		return effect.Standard{}, false
	}
	own := all[i]
	by.Program = own.Program
	for _, r := range all {
		for _, p := range r.Packages {
			switch {
			case p.Model != model:
			case r.Name == own.Name, r.Keeps(own.Release):
				build := effect.Build{Fingerprint: p.Build.Fingerprint, Model: p.Model, Variant: p.Variant}
				by.Builds = append(by.Builds, build)
				ok = ok || r.Name == release
			case r.Counter < own.Counter:
				by.Older = append(by.Older, p.Build.Fingerprint)
			}
		}
	}
	// The same bytes may have gone out under an older release, on another channel.
	by.Older = slices.DeleteFunc(by.Older, func(older string) bool {
		return slices.ContainsFunc(by.Builds, func(b effect.Build) bool { return b.Fingerprint == older })
	})
	return by, ok
}
