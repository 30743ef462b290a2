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
	"slices"
	"time"

	"landed/manifests/otapkg"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/repo"
)

// Incoming is a package on its way in.
type Incoming struct {
	Name    string // file name
	Channel string // one that the server has
	By      string // who uploads
	Size    int64  // bytes, if the sender said so; 0 or less if not
	SHA256  string // 64 hex digits, if the sender said so; "" if not
}

// Uploaded is a package that was taken in, or is Known: the same bytes were here already, and
// nothing was stored, unless their content had been lost.
type Uploaded struct {
	fleet.Package
	Also  []fleet.Package // the same bytes for the other devices that the file names
	Known bool
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,120}\.zip$`)

// Upload takes a package in: the bytes go to a draft, every digest and finding is made in one
// pass over it, and only if nothing refuses it is it stored. The error is a [*Refused] with
// all findings if the package is at fault. The same bytes again give the package that is here.
func (l *Library) Upload(ctx context.Context, in Incoming, r io.Reader) (Uploaded, error) {
	if err := l.check(in); err != nil {
		return Uploaded{}, err
	}
	policy, err := l.policy(in.Channel, in.Name)
	if err != nil {
		return Uploaded{}, err
	}
	if have, err := l.stated(ctx, in); err != nil || have.SHA256 != "" {
		return have, err
	}
	if l.cfg.RoomFor != nil {
		if err := l.cfg.RoomFor(in.Size); err != nil {
			return Uploaded{}, err
		}
	}
	draft, err := l.cfg.Blobs.Create(ctx)
	if err != nil {
		return Uploaded{}, repo.StorageError(err)
	}
	defer draft.Abort()
	from := &sender{r: r}
	if _, err := io.Copy(draft, from); err != nil {
		return Uploaded{}, from.receiving(err)
	}
	if in.Size > 0 && draft.Size() != in.Size {
		return Uploaded{}, fleet.Errorf(fleet.Invalid, "truncated", "%d bytes arrived of %d; nothing was stored, send "+
			"the file again", draft.Size(), in.Size)
	}
	facts, findings, err := l.inspect(ctx, in.Name, draft, draft.Size(), policy)
	if err != nil {
		return Uploaded{}, err
	}
	if in.SHA256 != "" && in.SHA256 != facts.SHA256 {
		return Uploaded{}, fleet.Errorf(fleet.Invalid, "other_digest", "bytes of the SHA-256 %s arrived, and %s was said; "+
			"nothing was stored, send the file again", facts.SHA256, in.SHA256)
	}
	return l.accept(ctx, in, draft, facts, findings)
}

func (l *Library) check(in Incoming) error {
	if err := checkName(in.Name); err != nil {
		return err
	}
	return l.cfg.Lineup.CheckChannel(in.Channel)
}

func checkName(name string) error {
	if !fileName.MatchString(name) || path.Base(name) != name {
		return fleet.Errorf(fleet.Invalid, "file_name", "file name %q: wanted letters, digits and . _ + -, ending in "+
			".zip, at most 125 characters; rename the file", name)
	}
	return nil
}

// policy is how packages of a channel are judged.
func (l *Library) policy(channel, name string) (otapkg.Policy, error) {
	pins, err := l.cfg.OTAKeys(channel)
	if err == nil && len(pins) == 0 && channel != otapkg.Lab {
		err = fleet.Errorf(fleet.Conflict, "no_ota_key", "no OTA certificate is pinned for the channel "+
			"%s; put the PEM file of the key that signs its packages into the folder ota-keys/%s of the server", channel, channel)
	}
	return otapkg.Policy{Catalogue: l.cfg.Lineup.Catalogue(), Pins: pins, Channel: channel, Name: name, Now: l.now()}, err
}

// accept judges the draft beside what is here, and keeps it if nothing refuses it. The bytes
// are committed before the rows: a crash between leaves bytes that nothing names.
func (l *Library) accept(
	ctx context.Context, in Incoming, draft blob.Draft, facts otapkg.Facts, findings otapkg.Findings,
) (Uploaded, error) {
	if err := l.accepting.lock(ctx); err != nil { // two at one moment would each be judged as if the other were not there
		return Uploaded{}, err
	}
	defer l.accepting.unlock()
	c, err := l.coming(ctx, facts.SHA256)
	if err != nil {
		return Uploaded{}, err
	}
	defer c.end(ctx)
	for attempt := 1; ; attempt++ {
		k, have, err := l.known(ctx, facts.SHA256)
		if err != nil {
			return Uploaded{}, err
		}
		here := onChannel(have, in.Channel)
		if len(have) > 0 && len(here) == 0 {
			return Uploaded{}, elsewhere(have, in.Channel)
		}
		fresh, err := l.judged(k, in, facts, findings, here, nil)
		if err != nil {
			return Uploaded{}, err
		}
		if err := l.content(ctx, facts.SHA256, draft); err != nil {
			return Uploaded{}, err
		}
		if len(fresh) == 0 {
			return uploaded(here, true), nil
		}
		err = l.put(ctx, c, k, fresh, "package.upload", "")
		if !errors.Is(err, errMoved) || attempt == attempts {
			return uploaded(append(fresh, here...), false), err
		}
	}
}

func uploaded(all []fleet.Package, known bool) Uploaded { return Uploaded{all[0], all[1:], known} }

// onChannel are those of packages on a channel.
func onChannel(packages []fleet.Package, channel string) (found []fleet.Package) {
	for _, p := range packages {
		if p.Channel == channel {
			found = append(found, p)
		}
	}
	return found
}

// elsewhere refuses bytes that are here on another channel, and says how they come to the one that is wanted.
func elsewhere(have []fleet.Package, channel string) error {
	p := have[0]
	return fleet.Errorf(fleet.Conflict, "other_channel", "these bytes are here already on the channel %s, uploaded by %s "+
		"as %s; they need not be sent again. To take them to %s: otactl package promote %s --to %s", p.Channel, p.By, p.Name,
		channel, p.SHA256, channel)
}

// judged makes the packages of one file that are not here yet, one for each model that it names, or for those in only,
// each with its own findings; or refuses it with all of them. Those that are here are not judged again.
func (l *Library) judged(
	k known, in Incoming, facts otapkg.Facts, findings otapkg.Findings, here []fleet.Package, only []string,
) (fresh []fleet.Package, err error) {
	all, at := findings, l.now()
	for _, t := range identify(l.cfg.Lineup.Catalogue(), facts, in.Name) {
		device := t.model.Device
		isHere := slices.ContainsFunc(here, func(p fleet.Package) bool { return p.Model == device })
		if isHere || only != nil && !slices.Contains(only, device) {
			continue
		}
		if err := l.cfg.Lineup.CheckServed(device); err != nil {
			return nil, err
		}
		p := fleet.Package{
			SHA256: facts.SHA256, Name: in.Name, Size: facts.Size,
			Model: device, Variant: t.variant, Channel: in.Channel,
			Family: string(facts.Family), Build: t.build, PreBuilds: facts.PreBuild,
			By: in.By, At: at,
		}
		if t.build.Fingerprint != "" {
			t.found = append(t.found, k.judge(p, facts)...)
		}
		all = slices.Concat(all, t.found)
		if p.Findings, err = json.Marshal(slices.Concat(findings, t.found)); err != nil {
			return nil, err
		}
		if p.Facts, err = json.Marshal(facts); err != nil {
			return nil, err
		}
		fresh = append(fresh, p)
	}
	if len(fresh) == 0 && len(here) > 0 {
		return nil, nil
	}
	if all.Refused() {
		return nil, &Refused{once(all), facts}
	}
	if len(fresh) == 0 {
		return nil, fleet.Errorf(fleet.Conflict, "model_unknown", "%s names no model of the line-up", in.Name)
	}
	return fresh, nil
}

// once is fs without what is said twice.
func once(fs otapkg.Findings) (out otapkg.Findings) {
	for _, f := range fs {
		if !slices.ContainsFunc(out, func(g otapkg.Finding) bool { return g.Code == f.Code && g.Message == f.Message }) {
			out = append(out, f)
		}
	}
	return out
}

// put stores packages with a line of the audit trail each, all or none; k is what they were judged beside.
func (l *Library) put(ctx context.Context, c coming, k known, packages []fleet.Package, action, why string) error {
	return l.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := k.stand(ctx, tx); err != nil {
			return err
		}
		if err := tx.Packages().Arrived(ctx, c.sha256, c.note); err != nil {
			return err
		}
		for _, p := range packages {
			if err := tx.Packages().Put(ctx, p); err != nil {
				return err
			}
			if err := tx.Audit().Append(ctx, fleet.AuditEntry{
				At: p.At, Actor: p.By, Action: action, Subject: p.SHA256,
				Reason: fmt.Sprintf("%s for %s on %s", p.Name, p.Variant, p.Channel) + why,
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// content stores the content of a package, if it is not here, was lost, or is damaged: bytes that are here are read, and
// not believed.
func (l *Library) content(ctx context.Context, sha256 string, draft blob.Draft) error {
	err := blob.Verify(ctx, l.cfg.Blobs, blob.Ref(sha256))
	if err == nil {
		return l.cfg.Repo.Content(sha256).LinkAgain(ctx)
	}
	if errors.Is(err, blob.ErrMismatch) {
		l.cfg.Log.ErrorContext(ctx, "stored content is damaged; it is replaced by what was uploaded", "sha256", sha256)
		if err := l.cfg.Repo.Content(sha256).SetAside(ctx); err != nil {
			return err
		}
	} else if !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	if _, err := draft.Commit(ctx, blob.Ref(sha256)); err != nil {
		return repo.StorageError(err)
	}
	return l.cfg.Repo.Content(sha256).LinkAgain(ctx)
}

// known gathers what judge compares with, and the packages with these bytes.
func (l *Library) known(ctx context.Context, sha256 string) (k known, have []fleet.Package, err error) {
	k.patched = map[string]time.Time{}
	err = l.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		if k.packages, err = tx.Packages().List(ctx); err != nil {
			return err
		}
		if have, err = tx.Packages().BySHA256(ctx, sha256); err != nil {
			return err
		}
		releases, err := published.Load(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range releases.Known() {
			if r.Effect == nil || r.Effect.PromptDay == "" {
				continue
			}
			day, err := time.Parse(time.DateOnly, r.Effect.PromptDay)
			if err != nil {
				return err
			}
			for _, pkg := range r.Packages {
				if first, ok := k.patched[pkg.Model]; !ok || day.Before(first) {
					k.patched[pkg.Model] = day
				}
			}
		}
		return nil
	})
	return k, have, err
}
