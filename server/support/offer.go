// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/server/fleet"
)

// Offer says if the update is offered to an installation, and why (not).
type Offer struct {
	Reason string `json:"reason"` // as in the offers document, or "depends_on_draw", "no_rollout", "model_retired"
	Share  int    `json:"share"`  // that the rollout has reached, hundredths of a percent
	Words  string `json:"words"`
}

// dependsOnDraw is the answer that only the handset can complete: whether its draw is below
// the share follows from a secret that never leaves it.
const dependsOnDraw = "depends_on_draw"

// modelRetired is the answer to every handset of a model that was given up.
const modelRetired = "model_retired"

// offer asks the function that the handset itself asks, with all that the server knows of the
// handset. It is asked as the first and as the last of the fleet to be drawn: where both agree,
// the answer is certain.
func (s *Support) offer(ctx context.Context, tx fleet.Tx, i fleet.Installation) (Offer, error) {
	retired, err := s.retired(ctx, tx)
	if err != nil {
		return Offer{}, err
	}
	if gone, err := retired(s.roleOf(i.Model)); gone || err != nil {
		return Offer{Reason: modelRetired, Words: s.words.Say("offer."+modelRetired, nil)}, err
	}
	doc, err := s.document(ctx, tx, i)
	if err != nil {
		return Offer{}, err
	}
	h := offers.Handset{Model: i.Model, Variant: i.Newest.Variant, Build: i.Newest.Build, UTC: i.Newest.BuildUTC}
	if i.Progress == report.ProgressDownloading || i.Progress == report.ProgressInstalled {
		h.Begun = rolloutID(doc)
	}
	decision := offers.Decide(doc, h)
	o := Offer{Reason: string(decision.Reason), Share: decision.Share}
	switch decision.Reason {
	case offers.ReasonOffered, offers.ReasonNotYet:
		o.Reason = string(offers.ReasonOffered)
		if decision.Share < offers.WholeFleet && h.Begun == "" {
			o.Reason = dependsOnDraw
		}
	}
	o.Words = s.words.Say("offer."+o.Reason, o)
	return o, nil
}

func rolloutID(d offers.Document) string {
	if len(d.Offers) == 0 {
		return ""
	}
	return d.Offers[0].Rollout
}

// document is what the offers document of the model says, as far as a decision reads it.
func (s *Support) document(ctx context.Context, tx fleet.Tx, i fleet.Installation) (offers.Document, error) {
	doc := offers.Document{Schema: offers.Schema, Model: i.Model, Channel: i.Channel}
	rollouts, err := tx.Rollouts().OfModel(ctx, i.Model, i.Channel)
	if err != nil {
		return doc, err
	}
	for _, r := range rollouts {
		p, err := s.pkg(ctx, tx, fleet.PackageRef{SHA256: r.Package, Model: r.Model, Channel: r.Channel})
		if err != nil {
			return doc, err
		}
		release, err := tx.Releases().Get(ctx, r.Release)
		if err != nil {
			return doc, err
		}
		doc.Offers = append(doc.Offers, offers.Offer{
			Rollout: r.ID, State: offers.State(r.State), Salt: r.Salt, Stage: r.Stage + 1, Share: r.Share(), PreBuilds: p.PreBuilds,
			Custom: manifests.Custom{Model: p.Model, Variant: p.Variant, Channel: p.Channel, Release: r.Release, Counter: release.Counter, Build: p.Build},
		})
	}
	return doc, nil
}
