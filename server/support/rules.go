// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/server/published"
)

// rule is what an installation of a model is judged by; nothing is proven by one that is not
// published.
func (s *Support) rule(ctx context.Context, tx fleet.Tx, release, model string) (effect.Standard, error) {
	all, err := s.published.Load(ctx, tx)
	if err != nil {
		return effect.Standard{}, err
	}
	rule, _ := published.Standard(release, model, all)
	return rule, nil
}
