// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"

	"landed/server/fleet"
	"landed/server/verdict"
)

// rule is what an installation of a model is judged by; nothing is proven by one that is not
// published.
func (s *Support) rule(ctx context.Context, tx fleet.Tx, release, model string) (verdict.Rule, error) {
	all, err := tx.Releases().List(ctx)
	if err != nil {
		return verdict.Rule{}, err
	}
	var published []verdict.Published
	for _, r := range all {
		if r.State != fleet.ReleasePublished {
			continue
		}
		source, err := s.source(r)
		if err != nil {
			return verdict.Rule{}, err
		}
		p := verdict.Published{Release: source}
		for _, ref := range r.Packages {
			pack, err := s.pkg(ctx, tx, ref)
			if err != nil {
				return verdict.Rule{}, err
			}
			p.Packages = append(p.Packages, pack)
		}
		published = append(published, p)
	}
	rule, _ := verdict.RuleOf(release, model, published)
	return rule, nil
}
