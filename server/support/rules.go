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
	all, err := s.published.Load(ctx, tx)
	if err != nil {
		return verdict.Rule{}, err
	}
	rule, _ := verdict.RuleOf(release, model, all)
	return rule, nil
}
