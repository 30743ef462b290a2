// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"fmt"
	"path"
	"slices"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	declaration "landed/manifests/release"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/rollout"
	"landed/server/rollouts"
)

// addUnknown stores a rollout that only the feed knows, halted, with its release and packages as far
// as the signed documents tell of them. A rollout that cannot be taken up is left out and told.
func (r *Restorer) addUnknown(ctx context.Context, tx *rollouts.Tx, d offered, o offers.Offer) error {
	var refs []fleet.PackageRef
	for _, each := range d.document.Offers {
		if each.Rollout != o.Rollout {
			continue
		}
		refs = append(refs, fleet.PackageRef{SHA256: each.Package.SHA256, Model: d.model.Device, Channel: d.channel})
		if err := r.addPackage(ctx, tx, d, each); err != nil {
			return err
		}
	}
	if err := r.addRelease(ctx, tx, d, o, refs); err != nil {
		r.Log.ErrorContext(ctx, "a rollout of the feed cannot be taken up; its offers are taken out of the feed",
			"rollout", o.Rollout, "err", err)
		return r.audit(ctx, tx, "rollout.lost", o.Rollout, err.Error())
	}
	now := r.Repo.Now()
	added := fleet.Rollout{
		ID: o.Rollout, Release: o.Custom.Release, Model: d.model.Device, Channel: d.channel, Salt: o.Salt,
		State: fleet.RolloutHalted, Reason: fleet.Reason{Code: reasons.RestoredUnknown}, By: rollout.Author,
		Since: now, Started: now, Changed: now,
	}
	added.Stages, added.Stage = stagesFrom(o.Share)
	return tx.Create(ctx, added, cause(wasUnknown))
}

// stagesFrom are the usual stages, with one of this share among them, and the index of that one:
// a share never shrinks.
func stagesFrom(share int) ([]fleet.Stage, int) {
	stages := fleet.DefaultStages(0)
	i := slices.IndexFunc(stages, func(s fleet.Stage) bool { return s.Share >= share })
	if share > 0 && stages[i].Share > share {
		here := stages[i]
		here.Share = share
		stages = slices.Insert(stages, i, here)
	}
	return stages, i
}

// addPackage stores what an offer says of its package, unless it is known.
func (r *Restorer) addPackage(ctx context.Context, tx fleet.Tx, d offered, o offers.Offer) error {
	_, err := tx.Packages().Get(ctx, fleet.PackageRef{SHA256: o.Package.SHA256, Model: d.model.Device, Channel: d.channel})
	if !fleet.Is(err, fleet.NotFound) {
		return err
	}
	return tx.Packages().Put(ctx, fleet.Package{
		SHA256: o.Package.SHA256, Name: path.Base(o.Package.Path), Size: o.Package.Length,
		Model: d.model.Device, Variant: o.Custom.Variant, Channel: d.channel, Family: d.model.Profile.Family,
		Build: o.Custom.Build, PreBuilds: o.PreBuilds, Facts: []byte("{}"), Findings: []byte("[]"), By: rollout.Author,
		At: r.Repo.Now(),
	})
}

// addRelease makes the release of o a published one that holds refs. The feed lists it, so it
// was signed; a change that still waits for its signatures is dropped.
func (r *Restorer) addRelease(
	ctx context.Context, tx fleet.Tx, d offered, o offers.Offer, refs []fleet.PackageRef,
) error {
	release, err := tx.Releases().Get(ctx, o.Custom.Release)
	if fleet.Is(err, fleet.NotFound) {
		source, err := r.sourceOf(ctx, d, o, nil)
		if err != nil {
			return err
		}
		return tx.Releases().Create(ctx, fleet.Release{
			Name: o.Custom.Release, Counter: o.Custom.Counter, Source: source, State: fleet.ReleasePublished,
			Packages: refs, By: rollout.Author, At: r.Repo.Now(),
		})
	}
	if err != nil {
		return err
	}
	if release.By == rollout.Author { // taken up a moment ago, for another model
		if release.Source, err = r.sourceOf(ctx, d, o, release.Source); err != nil {
			return err
		}
	}
	from := release.State
	for _, ref := range refs {
		if !slices.Contains(release.Packages, ref) {
			release.Packages = append(release.Packages, ref)
		}
	}
	release.State = fleet.ReleasePublished
	if err := tx.Releases().Save(ctx, release, from); err != nil || from != fleet.ReleaseStaged {
		return err
	}
	c, err := tx.Changes().Get(ctx, release.Change)
	if err != nil || c.State != fleet.ChangeOpen {
		return err
	}
	c.State = fleet.ChangeDropped
	if err := tx.Changes().Save(ctx, c, fleet.ChangeOpen); err != nil {
		return err
	}
	return r.audit(ctx, tx, "change.drop", c.ID, "the feed lists its release already: the database was restored "+
		"from a copy")
}

func (r *Restorer) audit(ctx context.Context, tx fleet.Tx, action, subject, reason string) error {
	return tx.Audit().Append(ctx, fleet.AuditEntry{At: r.Repo.Now(), Actor: rollout.Author, Action: action,
		Subject: subject, Reason: reason})
}

// sourceOf writes a release again from the signed documents of one of its builds, or adds what those say of its model
// to the source that was made from another.
func (r *Restorer) sourceOf(ctx context.Context, d offered, o offers.Offer, known []byte) ([]byte, error) {
	text, err := r.document(ctx, o, o.Manifest)
	if err != nil {
		return nil, err
	}
	m, err := manifests.ParseManifest(text)
	if err != nil {
		return nil, err
	}
	var effectText, notesText []byte
	if m.EffectDocument != nil {
		if effectText, err = r.document(ctx, o, *m.EffectDocument); err != nil {
			return nil, err
		}
	}
	if m.NotesDocument != nil {
		if notesText, err = r.document(ctx, o, *m.NotesDocument); err != nil {
			return nil, err
		}
	}
	source, err := declaration.Restore(m, effectText, notesText)
	if err != nil {
		return nil, err
	}
	if known != nil {
		if source, err = declaration.ParsePublished(known); err != nil {
			return nil, err
		}
	}
	if m.Ask.Migration != "" {
		if source.Migration == nil {
			source.Migration = map[string]probe.Migration{}
		}
		source.Migration[d.model.Device] = m.Ask.Migration
	}
	return source.PublishedYAML()
}

func (r *Restorer) document(ctx context.Context, o offers.Offer, file manifests.Package) ([]byte, error) {
	text, err := r.Repo.Document(ctx, tufrepo.Target{Path: file.Path, Length: file.Length, SHA256: file.SHA256})
	if err != nil {
		return nil, fmt.Errorf("%s of %s cannot be read: %w", file.Path, o.Rollout, err)
	}
	return text, nil
}
