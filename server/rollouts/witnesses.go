// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"errors"

	"landed/server/evidence"
	"landed/server/fleet"
)

// ActionSuspend is that somebody who resumed a rollout overruled witnesses.
const ActionSuspend = "witness.suspend"

// overrule suspends the witnesses that show the opposite of what the release of r promises, for this rollout alone: they
// would halt it again. What they showed stays on their pages.
func (rs *Rollouts) overrule(ctx context.Context, tx fleet.Tx, r fleet.Rollout, by string) error {
	w, err := evidence.Witnesses(ctx, tx, &rs.cfg.Ledger.signed, r)
	if err != nil {
		return err
	}
	now := rs.cfg.Repo.Now()
	for _, ref := range w.BadAt(now) {
		err = errors.Join(err, tx.Statements().Suspend(ctx, r.ID, by, now, string(ref)),
			tx.Audit().Append(ctx, fleet.AuditEntry{At: now, Actor: by, Action: ActionSuspend, Subject: r.ID,
				Reason: "the witness " + ref.String() + " counts no more in this rollout"}))
	}
	return err
}
