// SPDX-License-Identifier: Apache-2.0

package verdict

import (
	"slices"

	"landed/manifests"
	"landed/server/fleet"
)

// Published is a published release and the packages bound to it.
type Published struct {
	manifests.Release
	Packages []fleet.Package
}

// RuleOf is what an installation of model is judged by against a release: the builds of the
// release, and those of later ones that keep its effect, because a handset that went further
// still shows it. ok is false if the release was not published or has no build for model.
func RuleOf(release, model string, published []Published) (rule Rule, ok bool) {
	i := slices.IndexFunc(published, func(p Published) bool { return p.Name == release })
	if i < 0 {
		return Rule{}, false
	}
	own := published[i]
	rule.Effect = own.EffectOn(model)
	for _, p := range published {
		if p.Counter < own.Counter || p.Effect.Name != own.Effect.Name || p.Effect.Feature < own.Effect.Feature {
			continue
		}
		for _, pack := range p.Packages {
			if pack.Model == model {
				rule.Builds = append(rule.Builds, Build{pack.Build.Fingerprint, pack.Model, pack.Variant})
				ok = ok || p.Name == release
			}
		}
	}
	return rule, ok
}
