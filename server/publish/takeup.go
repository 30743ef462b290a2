// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"fmt"
	"path"
	"slices"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/rollout"
)

// takeUp stores a rollout that only the feed knows, halted, with its release and packages as far
// as the signed documents tell of them. A rollout that cannot be taken up is left out and told.
func (p *Publisher) takeUp(ctx context.Context, tx fleet.Tx, d published, o offers.Offer) error {
	var refs []fleet.PackageRef
	for _, each := range d.document.Offers {
		if each.Rollout != o.Rollout {
			continue
		}
		refs = append(refs, fleet.PackageRef{SHA256: each.Package.SHA256, Model: d.model.Device, Channel: d.channel})
		if err := p.takeUpPackage(ctx, tx, d, each); err != nil {
			return err
		}
	}
	if err := p.takeUpRelease(ctx, tx, d, o, refs); err != nil {
		p.cfg.Log.ErrorContext(ctx, "a rollout of the feed cannot be taken up; its offers are taken out of the feed", "rollout", o.Rollout, "err", err)
		return p.audit(ctx, tx, rollout.Author, "rollout.lost", o.Rollout, err.Error())
	}
	now := p.now()
	r := fleet.Rollout{
		ID: o.Rollout, Release: o.Custom.Release, Model: d.model.Device, Channel: d.channel, Package: refs[0].SHA256, Salt: o.Salt,
		State: fleet.RolloutHalted, Reason: fleet.Reason{Code: reasons.RestoredUnknown}, By: rollout.Author, Since: now, Started: now, Changed: now,
	}
	r.Stages, r.Stage = stagesFrom(o.Share)
	if err := tx.Rollouts().Create(ctx, r); err != nil {
		return err
	}
	return p.tell(ctx, tx, r, wasUnknown)
}

// stagesFrom are the usual stages, with one of this share among them, and the index of that one:
// a share never shrinks.
func stagesFrom(share int) ([]fleet.Stage, int) {
	stages := fleet.DefaultStages()
	i := slices.IndexFunc(stages, func(s fleet.Stage) bool { return s.Share >= share })
	if share > 0 && stages[i].Share > share {
		here := stages[i]
		here.Share = share
		stages = slices.Insert(stages, i, here)
	}
	return stages, i
}

// takeUpPackage stores what an offer says of its package, unless it is known.
func (p *Publisher) takeUpPackage(ctx context.Context, tx fleet.Tx, d published, o offers.Offer) error {
	_, err := tx.Packages().Get(ctx, fleet.PackageRef{SHA256: o.Package.SHA256, Model: d.model.Device, Channel: d.channel})
	if !fleet.Is(err, fleet.NotFound) {
		return err
	}
	return tx.Packages().Put(ctx, fleet.Package{
		SHA256: o.Package.SHA256, Name: path.Base(o.Package.Path), Size: o.Package.Length,
		Model: d.model.Device, Variant: o.Custom.Variant, Channel: d.channel, Family: d.model.Profile.Family,
		Build: o.Custom.Build, PreBuilds: o.PreBuilds, Facts: []byte("{}"), Findings: []byte("[]"), By: rollout.Author, At: p.now(),
	})
}

// takeUpRelease makes the release of o a published one that holds refs. The feed lists it, so it
// was signed; a change that still waits for its signatures is dropped.
func (p *Publisher) takeUpRelease(ctx context.Context, tx fleet.Tx, d published, o offers.Offer, refs []fleet.PackageRef) error {
	r, err := tx.Releases().Get(ctx, o.Custom.Release)
	if fleet.Is(err, fleet.NotFound) {
		source, err := p.sourceOf(ctx, d, o, nil)
		if err != nil {
			return err
		}
		return tx.Releases().Create(ctx, fleet.Release{
			Name: o.Custom.Release, Counter: o.Custom.Counter, Source: source, State: fleet.ReleasePublished,
			Packages: refs, By: rollout.Author, At: p.now(),
		})
	}
	if err != nil {
		return err
	}
	if r.By == rollout.Author { // taken up a moment ago, for another model
		if r.Source, err = p.sourceOf(ctx, d, o, r.Source); err != nil {
			return err
		}
	}
	from := r.State
	for _, ref := range refs {
		if !slices.Contains(r.Packages, ref) {
			r.Packages = append(r.Packages, ref)
		}
	}
	r.State = fleet.ReleasePublished
	if err := tx.Releases().Save(ctx, r, from); err != nil || from != fleet.ReleaseStaged {
		return err
	}
	c, err := tx.Changes().Get(ctx, r.Change)
	if err != nil || c.State != fleet.ChangeOpen {
		return err
	}
	c.State = fleet.ChangeDropped
	if err := tx.Changes().Save(ctx, c, fleet.ChangeOpen); err != nil {
		return err
	}
	return p.audit(ctx, tx, rollout.Author, "change.drop", c.ID, "the feed lists its release already: the database was restored from a copy")
}

// sourceOf writes a release again from the signed manifest of one of its builds, or adds what that
// says of its model to the source that was made from another.
func (p *Publisher) sourceOf(ctx context.Context, d published, o offers.Offer, known []byte) ([]byte, error) {
	text, err := p.content(ctx, tufrepo.Target{Path: o.Manifest.Path, Length: o.Manifest.Length, SHA256: o.Manifest.SHA256})
	if err != nil {
		return nil, fmt.Errorf("the release manifest of %s cannot be read: %w", o.Rollout, err)
	}
	m, err := manifests.ParseManifest(text)
	if err != nil {
		return nil, err
	}
	r := manifests.Release{Schema: 1, Name: m.Release, Counter: m.Counter, Effect: m.Effect, Notes: m.Notes, Migration: map[string]manifests.Migration{}}
	if known != nil {
		if r, err = manifests.ParseRelease(known); err != nil {
			return nil, err
		}
	}
	r.Migration[d.model.Device] = m.Effect.Migration
	return r.YAML()
}
