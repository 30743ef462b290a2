// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"fmt"
	"time"

	"landed/server/fleet"
	"landed/server/rollout"
	"landed/server/rollouts"
)

// mergeEpoch takes up the epoch by which a newer document asked: handsets pass over a smaller one, so whoever asked with
// what the restored database knows would be answered by nobody. Of a document that cannot be read the next one is taken
// that would have been asked by.
func (r *Restorer) mergeEpoch(ctx context.Context, tx fleet.Tx, d offered) error {
	known, err := tx.Epochs().Of(ctx, d.model.Device, d.channel)
	if err != nil {
		return err
	}
	next, words := rollouts.NextEpoch(known.N, r.Repo.Now()), "what was offered when the database was restored cannot be read"
	if d.document != nil {
		next, words = d.document.Epoch, "the feed had asked by it when the database was restored"
	}
	if next <= known.N {
		return nil
	}
	known.N, known.At, known.By, known.Reason = next, time.Time{}, rollout.Author, words
	if err := tx.Epochs().Put(ctx, known); err != nil {
		return err
	}
	return r.audit(ctx, tx, rollouts.ActionAsk, known.Model+"."+known.Channel, fmt.Sprintf("epoch %d: %s", next, words))
}
