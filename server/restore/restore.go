// SPDX-License-Identifier: Apache-2.0

// Package restore takes up, at the start, what a restored database forgot.
//
// Parties: the feed folder, which handsets have seen, and the database, which may have been restored
// from an older copy. It promises that no version is used again, that what people signed meanwhile
// is not lost, that no halt is taken back and no share shrinks, and that a rollout which the database
// does not know comes back halted, with its release and its packages. In doubt a rollout is halted; a
// person can resume it. It refuses what is not signed: the whole workflow of a client is run over the
// folder first. What cannot be read is not taken up: it is written anew from the database, above every
// version that a file has in its name.
package restore

import (
	"context"
	"log/slog"

	"landed/server/lineup"
	"landed/server/repo"
	"landed/server/rollout"
	"landed/server/rollouts"
)

// Restorer holds the feed folder against the database. All fields are needed.
type Restorer struct {
	Repo   *repo.Repo
	Ledger *rollouts.Ledger
	Lineup *lineup.Lineup
	Log    *slog.Logger
}

// Run takes up what lies in the folder and is newer than the database, and publishes on above it,
// together with what change wants. It may run any number of times; without anything newer it does
// nothing. What keeps it from publishing must not keep the server from starting: the next tick
// tries again.
func (r *Restorer) Run(ctx context.Context, change repo.Change) error {
	return r.Repo.Exclusive(ctx, func(w *repo.Writer) error {
		known, found, err := w.Found(ctx)
		if err != nil || !known.Started() {
			return err
		}
		// First, so that a crash between the two finds the offers in the folder newer once more.
		if err := r.mergeOffers(ctx, known, found); err != nil {
			return err
		}
		adopted, err := w.Adopt(ctx, known, found, rollout.Author)
		if err != nil {
			return err
		}
		if err := w.PublishAbove(ctx, adopted, change); err != nil {
			r.Log.ErrorContext(ctx, "what was found in the feed folder could not be published on; it is tried again at "+
				"the next tick", "err", err)
		}
		return nil
	})
}
