// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/rollout"
)

// published is what the folder says of one model and channel beyond the database.
type published struct {
	model    manifests.Model
	channel  string
	document *offers.Document // nil if it cannot be read
}

// recall merges the offers in the folder that are newer than s into the stored rollouts, before
// anything is published from them: a restored database does not know of a halt, of a wider share,
// or of a rollout that was started after the copy. In doubt a rollout is halted; a person can
// resume it. It may run any number of times. trusted is the state that says who signs offers.
func (p *Publisher) recall(ctx context.Context, s, trusted state) error {
	var newer []published
	for _, role := range trusted.models() {
		newer = append(newer, p.newerOffers(ctx, s, trusted, role)...)
	}
	if len(newer) == 0 {
		return nil
	}
	return p.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		for _, d := range newer {
			if err := p.recallDocument(ctx, tx, d); err != nil {
				return fmt.Errorf("take up the rollouts of %s on %s from the feed: %w", d.model.Device, d.channel, err)
			}
		}
		return nil
	})
}

// newerOffers reads the documents of the newest offers role in the folder that is signed, if it is
// newer than that of s.
func (p *Publisher) newerOffers(ctx context.Context, s, trusted state, model string) (all []published) {
	role := tufrepo.OffersRole(model)
	known, ok := p.cfg.Catalogue.ByRole(model)
	found := trusted.clone()
	for v := p.next(s, role) - 1; ok && v > s.info[role].Version; v-- {
		if p.folder.take(&found, role, v) != nil {
			continue
		}
		n, err := tufrepo.CountSignatures(trusted.set.Files[tufrepo.Targets], role, found.set.Files[role])
		if err != nil || !n.Done() {
			continue
		}
		for _, t := range found.info[role].Targets {
			d := published{model: known, channel: strings.TrimSuffix(path.Base(t.Path), ".json")}
			if text, err := p.content(ctx, t); err != nil {
				p.cfg.Log.ErrorContext(ctx, "an offers document of the feed cannot be read", "path", t.Path, "version", v, "err", err)
			} else if doc, err := offers.Parse(text); err == nil && doc.Model == known.Device && doc.Channel == d.channel {
				d.document = &doc
			}
			all = append(all, d)
		}
		return all
	}
	return nil
}

// content is a small target, from the blob store or else from the folder.
func (p *Publisher) content(ctx context.Context, t tufrepo.Target) ([]byte, error) {
	const limit = 1 << 20
	text, err := p.blob(ctx, t, limit)
	if err != nil {
		stored := path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256))
		if info, fault := p.folder.root.Stat(stored); fault == nil && info.Size() <= limit {
			text, err = p.folder.root.ReadFile(stored)
		}
	}
	if err == nil && digest(text) != t.SHA256 {
		err = fmt.Errorf("its bytes are not those that were signed")
	}
	return text, err
}

func (p *Publisher) blob(ctx context.Context, t tufrepo.Target, limit int64) ([]byte, error) {
	c, err := p.cfg.Blobs.Open(ctx, blob.Ref(t.SHA256))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return io.ReadAll(io.LimitReader(c, limit))
}

func (p *Publisher) recallDocument(ctx context.Context, tx fleet.Tx, d published) error {
	if d.document == nil {
		return p.haltAll(ctx, tx, d)
	}
	seen := map[string]bool{}
	for _, o := range d.document.Offers {
		if seen[o.Rollout] {
			continue // another variant of it
		}
		seen[o.Rollout] = true
		r, err := tx.Rollouts().Get(ctx, o.Rollout)
		if fleet.Is(err, fleet.NotFound) {
			err = p.takeUp(ctx, tx, d, o)
		} else if err == nil {
			next, words := merge(r, o)
			err = p.recalled(ctx, tx, r, next, words)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Words of a halt that only the feed tells of; support staff read them out.
const (
	wasHalted  = "It was halted before the database was restored from a copy; who halted it, and why, is not known here. Resume it once that is known."
	wasResumed = "It is halted in the restored database, and was resumed after the copy was made. Resume it if that still holds."
	wasUnread  = "The database was restored from a copy, and what was offered meanwhile cannot be read. Resume it if nothing speaks against it."
	wasUnknown = "It was started after the copy from which the database was restored; who started it, and with which stages, is not known here. Resume it to go on with the usual stages."
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
		words = fmt.Sprintf("The feed had reached %s when the database was restored to %s.", rollout.Percent(o.Share), rollout.Percent(from))
	}
	switch state := fleet.RolloutState(o.State); {
	case state == r.State:
	case r.State == fleet.RolloutHalted:
		words, r.Reason = wasResumed, fleet.Reason{Code: reasons.RestoredResumed}
	case state == fleet.RolloutHalted:
		words, r.Reason, r.State, r.Held = wasHalted, fleet.Reason{Code: reasons.RestoredHalted}, state, fleet.Reason{}
	case state == fleet.RolloutHeld:
		words, r.Held, r.State = "It was held before the database was restored from a copy.", fleet.Reason{Code: reasons.RestoredHeld}, state
	default:
		words, r.State, r.Held = fmt.Sprintf("It was %s before the database was restored from a copy.", state), state, fleet.Reason{}
	}
	return r, words
}

// recalled stores what merge made of a rollout, and says so.
func (p *Publisher) recalled(ctx context.Context, tx fleet.Tx, was, r fleet.Rollout, words string) error {
	if words == "" {
		return nil
	}
	now := p.now()
	r.Changed, r.By = now, rollout.Author
	if r.Stage != was.Stage || r.State != was.State {
		r.Since = now // what the stage had soaked is not known
	}
	if err := tx.Rollouts().Save(ctx, r); err != nil {
		return err
	}
	return p.tell(ctx, tx, r, words)
}

func (p *Publisher) tell(ctx context.Context, tx fleet.Tx, r fleet.Rollout, words string) error {
	p.cfg.Log.ErrorContext(ctx, "rollout taken up from the feed", "rollout", r.ID, "state", r.State, "share", r.Share(), "reason", words)
	return p.audit(ctx, tx, rollout.Author, "rollout.adopt", r.ID, words)
}

// haltAll halts what is stored for a document that cannot be read.
func (p *Publisher) haltAll(ctx context.Context, tx fleet.Tx, d published) error {
	all, err := tx.Rollouts().OfModel(ctx, d.model.Device, d.channel)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.State == fleet.RolloutHalted {
			continue
		}
		next := r
		next.State, next.Reason, next.Held = fleet.RolloutHalted, fleet.Reason{Code: reasons.RestoredUnread}, fleet.Reason{}
		if err := p.recalled(ctx, tx, r, next, wasUnread); err != nil {
			return err
		}
	}
	return nil
}
