// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"

	"landed/server/metrics"
	"landed/server/seal"
)

// Tick does the periodic work that is due: it renews metadata, finishes what was left
// unfinished, seals and compacts what was stored, drops what people ruled, copies the
// figures, keeps the numbers for the public, ages silent installations and advances rollouts.
// Of several servers on one database one does so, and the others keep their folders.
func (s *Server) Tick(ctx context.Context) error {
	spans := s.observer.spans()
	return spans.Do(ctx, metrics.Tick, func(ctx context.Context) (err error) {
		s.room.Tick()
		defer func() { // on each server: of its own folder
			err = errors.Join(err, spans.Do(ctx, "tick.prove", s.prover.Prove), s.tally.Write(ctx))
		}()
		ctx, mine := looping(ctx, s.cluster)
		if !mine {
			return errors.Join(s.rooms.Follow(ctx), s.expiry.tell(ctx))
		}
		return errors.Join(
			spans.Do(ctx, "tick.uptime", s.uptime.Tick),
			// first, so that what is published speaks of it
			spans.Do(ctx, "tick.seal", seal.Sealer{Store: s.store, Now: s.cfg.Now}.Seal),
			spans.Do(ctx, "tick.renew", s.rooms.Renew),
			s.expiry.tell(ctx), s.vouchers.tell(ctx),
			spans.Do(ctx, "tick.admission", s.admission.Tick),
			spans.Do(ctx, "tick.intake", s.intake.Tick), s.excess.tell(ctx),
			spans.Do(ctx, "tick.history", s.history.Tick),
			spans.Do(ctx, "tick.cells", s.numbers.Tick), // before the tally, which has them
			spans.Do(ctx, "tick.tally", s.tally.take),
			spans.Do(ctx, "tick.compact", compactor{s.db, s.cfg.Now, s.room.ForReport}.Tick),
			spans.Do(ctx, "tick.retain", s.retain.Tick))
	})
}
