// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"

	"landed/server/fleet"
	"landed/server/verdict"
)

// rule is what an installation of a model is judged by: every build of its release, and of
// later ones that keep its effect.
func (s *Support) rule(ctx context.Context, tx fleet.Tx, release, model string) (verdict.Rule, error) {
	all, err := tx.Releases().List(ctx)
	if err != nil {
		return verdict.Rule{}, err
	}
	var rule verdict.Rule
	var from int64
	for _, r := range all {
		if r.Name == release {
			source, err := s.source(r)
			if err != nil {
				return verdict.Rule{}, err
			}
			rule.Effect, from = source.EffectOn(model), r.Counter
		}
	}
	for _, r := range all {
		source, err := s.source(r)
		if err != nil {
			return verdict.Rule{}, err
		}
		keeps := source.Effect.Name == rule.Effect.Name && source.Effect.Feature >= rule.Effect.Feature
		if from == 0 || r.State != fleet.ReleasePublished || r.Counter < from || !keeps {
			continue
		}
		for _, sum := range r.Packages {
			p, err := s.pkg(ctx, tx, sum)
			if err != nil {
				return verdict.Rule{}, err
			}
			if p.Model == model {
				rule.Builds = append(rule.Builds, verdict.Build{Fingerprint: p.Build.Fingerprint, Model: p.Model, Variant: p.Variant})
			}
		}
	}
	return rule, nil
}
