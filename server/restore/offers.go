// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"fmt"
	"path"
	"strings"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/shelf"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/repo"
	"landed/server/rollout"
	"landed/server/rollouts"
)

// offered is what the folder says of one model and channel beyond the database.
type offered struct {
	model    manifests.Model
	channel  string
	document *offers.Document // nil if it cannot be read
}

// mergeOffers merges the offers in the folder that are newer than known into the stored rollouts,
// before anything is published from them: a restored database does not know of a halt, of a wider
// share, or of a rollout that was started after the copy. trusted is the state that says who signs
// offers.
func (r *Restorer) mergeOffers(ctx context.Context, known, trusted repo.State) error {
	var newer []offered
	for _, role := range trusted.Models() {
		newer = append(newer, r.newerOffers(ctx, known, trusted, role)...)
	}
	if len(newer) == 0 {
		return nil
	}
	return r.Ledger.Update(ctx, func(tx *rollouts.Tx) error {
		for _, d := range newer {
			if err := r.mergeDocument(ctx, tx, d); err != nil {
				return fmt.Errorf("take up the rollouts of %s on %s from the feed: %w", d.model.Device, d.channel, err)
			}
		}
		return nil
	})
}

// newerOffers reads the documents of the newest offers role of a model in the folder.
func (r *Restorer) newerOffers(ctx context.Context, known, trusted repo.State, model string) (all []offered) {
	m, ok := r.Lineup.Catalogue().ByRole(model)
	if !ok {
		return nil
	}
	version, targets := r.Repo.NewestOffers(known, trusted, model)
	for _, t := range targets {
		if shelf.Is(t.Path) {
			continue // it follows from the offers, and is made again
		}
		d := offered{model: m, channel: strings.TrimSuffix(path.Base(t.Path), ".json")}
		if text, err := r.Repo.Document(ctx, t); err != nil {
			r.Log.ErrorContext(ctx, "an offers document of the feed cannot be read", "path", t.Path, "version", version,
				"err", err)
		} else if doc, err := offers.ParseStrict(text); err == nil && doc.Model == m.Device && doc.Channel == d.channel {
			d.document = &doc
		}
		all = append(all, d)
	}
	return all
}

func (r *Restorer) mergeDocument(ctx context.Context, tx *rollouts.Tx, d offered) error {
	if err := r.mergeEpoch(ctx, tx, d); err != nil {
		return err
	}
	if d.document == nil {
		return r.haltAll(ctx, tx, d)
	}
	seen := map[string]bool{}
	for _, o := range d.document.Offers {
		if seen[o.Rollout] {
			continue // another variant of it
		}
		seen[o.Rollout] = true
		stored, err := tx.Rollouts().Get(ctx, o.Rollout)
		if fleet.Is(err, fleet.NotFound) {
			err = r.addUnknown(ctx, tx, d, o)
		} else if err == nil {
			next, words := merge(stored, o)
			err = r.save(ctx, tx, stored, next, words)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Words of a halt that only the feed tells of; support staff read them out.
const (
	wasHalted = "It was halted before the database was restored from a copy; who halted it, and why, is not known " +
		"here. Resume it once that is known."
	wasResumed = "It is halted in the restored database, and was resumed after the copy was made. Resume it if " +
		"that still holds."
	wasUnread = "The database was restored from a copy, and what was offered meanwhile cannot be read. Resume it " +
		"if nothing speaks against it."
	wasUnknown = "It was started after the copy from which the database was restored; who started it, and with " +
		"which stages, is not known here. Resume it to go on with the usual stages."
)

// merge is r with what a newer offer says: halted wins, and the larger share. words say what
// changed, "" if nothing did.
func merge(r fleet.Rollout, o offers.Offer) (fleet.Rollout, string) {
	from := r.Share()
	for r.Stage < len(r.Stages)-1 && r.Share() < o.Share {
		r.Stage++
	}
	words := ""
	if r.Share() > from {
		words = fmt.Sprintf("The feed had reached %s when the database was restored to %s.", rollout.Percent(o.Share),
			rollout.Percent(from))
	}
	switch state := fleet.RolloutState(o.State); {
	case state == r.State:
	case r.State == fleet.RolloutHalted:
		words, r.Reason = wasResumed, fleet.Reason{Code: reasons.RestoredResumed}
	case state == fleet.RolloutHalted:
		words, r.Reason, r.State, r.Held = wasHalted, fleet.Reason{Code: reasons.RestoredHalted}, state, fleet.Reason{}
	case state == fleet.RolloutHeld:
		words = "It was held before the database was restored from a copy."
		r.Held, r.State = fleet.Reason{Code: reasons.RestoredHeld}, state
	default:
		words = fmt.Sprintf("It was %s before the database was restored from a copy.", state)
		r.State, r.Held = state, fleet.Reason{}
	}
	return r, words
}

// save stores what merge made of a rollout, and why.
func (r *Restorer) save(ctx context.Context, tx *rollouts.Tx, was, next fleet.Rollout, words string) error {
	if words == "" {
		return nil
	}
	now := r.Repo.Now()
	next.Changed, next.By = now, rollout.Author
	if next.Stage != was.Stage || next.State != was.State {
		next.Since = now // what the stage had soaked is not known
	}
	return tx.Restore(ctx, next, cause(words))
}

// cause wants somebody to look: what is taken up was decided by people whom the database forgot.
func cause(words string) rollouts.Cause {
	return rollouts.Cause{Action: rollouts.ActionAdopt, Actor: rollout.Author, Reason: words, Alarm: true}
}

// haltAll halts what is stored for a document that cannot be read.
func (r *Restorer) haltAll(ctx context.Context, tx *rollouts.Tx, d offered) error {
	all, err := tx.Rollouts().OfModel(ctx, d.model.Device, d.channel)
	if err != nil {
		return err
	}
	for _, stored := range all {
		if stored.State == fleet.RolloutHalted {
			continue
		}
		next := stored
		next.State, next.Reason, next.Held = fleet.RolloutHalted, fleet.Reason{Code: reasons.RestoredUnread}, fleet.Reason{}
		if err := r.save(ctx, tx, stored, next, wasUnread); err != nil {
			return err
		}
	}
	return nil
}
