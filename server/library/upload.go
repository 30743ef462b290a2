// SPDX-License-Identifier: Apache-2.0

package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"syscall"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/repo"
)

// Incoming is a package on its way in.
type Incoming struct {
	Name    string // file name
	Channel string // "stable", "beta", "lab"
	By      string // who uploads
	Size    int64  // bytes, if the sender said so; 0 or less if not
}

// Uploaded is a package that was taken in, or is Known: the same bytes were here already, and
// nothing was stored, unless their content had been lost.
type Uploaded struct {
	fleet.Package
	Known bool
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,120}\.zip$`)

// Upload takes a package in: the bytes go to a draft, every digest and finding is made in one
// pass over it, and only if nothing refuses it is it stored. The error is a [*Refused] with
// all findings if the package is at fault. The same bytes again give the package that is here.
func (l *Library) Upload(ctx context.Context, in Incoming, r io.Reader) (Uploaded, error) {
	if err := in.check(); err != nil {
		return Uploaded{}, err
	}
	keys, err := l.cfg.OTAKeys(in.Channel)
	if err != nil {
		return Uploaded{}, err
	}
	if len(keys) == 0 && in.Channel != otapkg.Lab {
		return Uploaded{}, fleet.Errorf(fleet.Conflict, "no_ota_key", "no OTA certificate is pinned for the channel "+
			"%s; put the PEM file of the key that signs its packages into the folder ota-keys/%s of the server", in.Channel, in.Channel)
	}
	draft, err := l.cfg.Blobs.Create(ctx)
	if err != nil {
		return Uploaded{}, repo.StorageError(err)
	}
	defer draft.Abort()
	if _, err := io.Copy(draft, r); err != nil {
		return Uploaded{}, receiving(err)
	}
	if in.Size > 0 && draft.Size() != in.Size {
		return Uploaded{}, fleet.Errorf(fleet.Invalid, "truncated", "%d bytes arrived of %d; nothing was stored, send "+
			"the file again", draft.Size(), in.Size)
	}
	policy := otapkg.Policy{Catalogue: l.cfg.Catalogue, Keys: keys, Channel: in.Channel, Name: in.Name, Now: l.now()}
	facts, findings, err := otapkg.Inspect(draft, draft.Size(), policy)
	if err != nil {
		return Uploaded{}, fmt.Errorf("inspect %s: %w", in.Name, err)
	}
	return l.accept(ctx, in, draft, facts, findings)
}

func (in Incoming) check() error {
	if !fileName.MatchString(in.Name) || path.Base(in.Name) != in.Name {
		return fleet.Errorf(fleet.Invalid, "file_name", "file name %q: wanted letters, digits and . _ + -, ending in "+
			".zip, at most 125 characters; rename the file", in.Name)
	}
	if !manifests.ValidChannel(in.Channel) {
		return fleet.Errorf(fleet.Invalid, "channel", "channel %q: wanted stable, beta or lab", in.Channel)
	}
	return nil
}

// accept judges the draft beside what is here, and keeps it if nothing refuses it. The bytes
// are committed before the row: a crash between leaves bytes that nothing names.
func (l *Library) accept(
	ctx context.Context, in Incoming, draft blob.Draft, facts otapkg.Facts, findings otapkg.Findings,
) (Uploaded, error) {
	if err := l.accepting.lock(ctx); err != nil { // two at one moment would each be judged as if the other were not there
		return Uploaded{}, err
	}
	defer l.accepting.unlock()
	model, variant, build, more := identify(l.cfg.Catalogue, facts, in.Name)
	for _, f := range more {
		if !findings.Has(f.Code) {
			findings = append(findings, f)
		}
	}
	pkg := fleet.Package{
		SHA256: facts.SHA256, Name: in.Name, Size: facts.Size,
		Model: model.Device, Variant: variant, Channel: in.Channel,
		Family: string(facts.Family), Build: build, PreBuilds: facts.PreBuild,
		By: in.By, At: l.now(),
	}
	k, have, err := l.known(ctx, pkg.SHA256, in.Channel)
	if err != nil {
		return Uploaded{}, err
	}
	if have != nil && have.Channel == in.Channel {
		return Uploaded{*have, true}, l.storeAgain(ctx, *have, draft)
	}
	if have != nil {
		return Uploaded{}, fleet.Errorf(fleet.Conflict, "other_channel", "these bytes are here already on the channel "+
			"%s, uploaded by %s as %s", have.Channel, have.By, have.Name)
	}
	if pkg.Model != "" && build.Fingerprint != "" {
		findings = append(findings, k.judge(pkg, facts)...)
	}
	if findings.Refused() {
		return Uploaded{}, &Refused{findings, facts}
	}
	if pkg.Facts, err = json.Marshal(facts); err != nil {
		return Uploaded{}, err
	}
	if pkg.Findings, err = json.Marshal(findings); err != nil {
		return Uploaded{}, err
	}
	if _, err := draft.Commit(ctx, blob.Ref(pkg.SHA256)); err != nil {
		return Uploaded{}, repo.StorageError(err)
	}
	err = l.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := tx.Packages().Put(ctx, pkg); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{
			At: pkg.At, Actor: in.By, Action: "package.upload", Subject: pkg.SHA256,
			Reason: fmt.Sprintf("%s for %s on %s", pkg.Name, pkg.Variant, pkg.Channel),
		})
	})
	return Uploaded{Package: pkg}, err
}

// storeAgain stores the content of a package again if it was lost.
func (l *Library) storeAgain(ctx context.Context, pkg fleet.Package, draft blob.Draft) error {
	if _, err := l.cfg.Blobs.Stat(ctx, blob.Ref(pkg.SHA256)); !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	if _, err := draft.Commit(ctx, blob.Ref(pkg.SHA256)); err != nil {
		return repo.StorageError(err)
	}
	l.cfg.Log.InfoContext(ctx, "lost content is here again", "sha256", pkg.SHA256)
	return nil
}

// known gathers what judge compares with. have is the package with these bytes, if it is here; rather the one on channel.
func (l *Library) known(ctx context.Context, sha256, channel string) (k known, have *fleet.Package, err error) {
	k.patched = map[string]time.Time{}
	err = l.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		if k.packages, err = tx.Packages().List(ctx); err != nil {
			return err
		}
		for _, pkg := range k.packages {
			if pkg.SHA256 == sha256 && (have == nil || pkg.Channel == channel) {
				have = &pkg
			}
		}
		releases, err := published.Load(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range releases {
			if r.Effect == nil || r.Effect.PromptDay == "" {
				continue
			}
			day, err := time.Parse(time.DateOnly, r.Effect.PromptDay)
			if err != nil {
				return err
			}
			for _, pkg := range r.Packages {
				if have, ok := k.patched[pkg.Model]; !ok || day.Before(have) {
					k.patched[pkg.Model] = day
				}
			}
		}
		return nil
	})
	return k, have, err
}

// receiving tells a sender that broke off from a storage that is full.
func receiving(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return &fleet.Error{Kind: fleet.Invalid, Code: "truncated", Msg: "the connection broke before the whole file " +
			"arrived; nothing was stored, send it again", Err: err}
	}
	return repo.StorageError(err)
}
