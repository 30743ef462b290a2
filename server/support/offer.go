// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"slices"
	"sync"

	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/offering"
	"landed/server/support/advice"
)

// Offer says if the update is offered to an installation, and why (not).
type Offer struct {
	Reason string `json:"reason"` // as in the offers document, or "depends_on_draw", "no_rollout", "model_retired"
	Share  int    `json:"share"`  // that the rollout has reached, hundredths of a percent
	Stage  int    `json:"stage"`  // of the rollout that the reason speaks of, 1, 2, 3 …; 0 if there is none
	Stages int    `json:"stages"`
	State  string `json:"state"` // of that rollout, "" if there is none
	Code   string `json:"code"`  // of Words: Reason, unless more is known of the handset
	Words  string `json:"words"`

	release string // that is offered, or would be
	asked   bool   // people asked handsets that gave up to try again, since the newest report
}

// Staged says that the stage of the rollout makes a difference.
func (o Offer) Staged() bool {
	return o.Stages > 0 && (o.Code == advice.DependsOnDraw || o.Code == "held")
}

// offerings answers "why not me?" of one installation.
type offerings struct {
	lineup   *lineup
	retired  *retirements
	packages *packages
	listings *sync.Map // role → roleListing: what the newest version of the role lists
}

// to asks the function that the handset itself asks, with all that the server knows of the
// handset. It is asked as the first and as the last of the fleet to be drawn: where both agree,
// the answer is certain.
func (o *offerings) to(ctx context.Context, tx fleet.Tx, i fleet.Installation) (Offer, error) {
	retired, err := o.retired.of(ctx, tx)
	if err != nil {
		return Offer{}, err
	}
	if gone, err := retired(o.lineup.roleOf(i.Model)); gone || err != nil {
		return Offer{Reason: advice.ModelRetired}, err
	}
	doc, rollouts, err := o.document(ctx, tx, i)
	if err != nil {
		return Offer{}, err
	}
	h := offers.Handset{Model: i.Model, Variant: i.Newest.Variant, Build: i.Newest.Build, UTC: i.Newest.BuildUTC}
	if i.Progress == report.ProgressDownloading || i.Progress == report.ProgressInstalled {
		h.Begun = rolloutID(doc)
	}
	decision := offers.Decide(doc, h)
	is := Offer{Reason: string(decision.Reason), Share: decision.Share}
	switch decision.Reason {
	case offers.ReasonOffered, offers.ReasonNotYet:
		is.Reason = string(offers.ReasonOffered)
		if decision.Share < offers.WholeFleet && h.Begun == "" {
			is.Reason = advice.DependsOnDraw
		}
	}
	for _, r := range rollouts {
		if r.ID == decision.Rollout {
			is.State, is.Stage, is.Stages = string(r.State), min(r.Stage+1, len(r.Stages)), len(r.Stages)
			is.release = r.Release
			if r.Retries > 0 && i.Newest.Failure != nil {
				if is.asked, err = askedAgain(ctx, tx, r.ID, i.Last); err != nil {
					return Offer{}, err
				}
			}
		}
	}
	return is, nil
}

func rolloutID(d offers.Document) string {
	if len(d.Offers) == 0 {
		return ""
	}
	return d.Offers[0].Rollout
}

// document is the offers document that is published for the model of an installation, made from
// the same state by the same function; and the rollouts that it was made from, as they stand.
func (o *offerings) document(ctx context.Context, tx fleet.Tx, i fleet.Installation) (_ offers.Document, stand []fleet.Rollout, _ error) {
	model, ok := o.lineup.device(i.Model)
	if !ok {
		return offers.Document{Schema: offers.Schema, Model: i.Model, Channel: i.Channel}, nil, nil
	}
	in := offering.Input{Model: model.Model, Channel: i.Channel, Packages: map[string][]fleet.Package{}}
	var err error
	if in.Listed, err = o.listing(ctx, tx, model.Role()); err != nil {
		return offers.Document{}, nil, err
	}
	if in.Rollouts, err = tx.Rollouts().OfModel(ctx, i.Model, i.Channel); err != nil {
		return offers.Document{}, nil, err
	}
	stand = slices.Clone(in.Rollouts)
	for i, r := range in.Rollouts {
		if r.State == fleet.RolloutHalting {
			in.Rollouts[i].State = fleet.RolloutRunning // as handsets are told
		}
	}
	for _, r := range offering.Wanted(in.Rollouts) {
		release, err := tx.Releases().Get(ctx, r.Release)
		if err != nil {
			return offers.Document{}, nil, err
		}
		for _, sum := range release.Packages {
			p, err := o.packages.get(ctx, tx, sum)
			if err != nil {
				return offers.Document{}, nil, err
			}
			in.Packages[r.Release] = append(in.Packages[r.Release], p)
		}
	}
	doc, _, _ := offering.Document(in)
	return doc, stand, nil
}

// roleListing is what a version of the offline role of a model lists, by path.
type roleListing struct {
	version int64
	targets map[string]tufrepo.Target
}

// listing finds what is listed now; before the first version of the role, nothing is. What was read
// last is kept, one version for each role.
func (o *offerings) listing(ctx context.Context, tx fleet.Tx, role string) (offering.Listed, error) {
	newest, err := tx.Metadata().Latest(ctx, role)
	if err != nil && !fleet.Is(err, fleet.NotFound) {
		return nil, err
	}
	have, ok := o.listings.Load(role)
	if !ok || have.(roleListing).version != newest.Version {
		read := roleListing{newest.Version, map[string]tufrepo.Target{}}
		if newest.Version > 0 {
			info, err := tufrepo.Read(newest.Bytes)
			if err != nil {
				return nil, err
			}
			for _, t := range info.Targets {
				read.targets[t.Path] = t
			}
		}
		o.listings.Store(role, read)
		have = read
	}
	return func(path string) (tufrepo.Target, bool) {
		t, ok := have.(roleListing).targets[path]
		return t, ok
	}, nil
}
