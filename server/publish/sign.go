// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Progress says how far the signing of a change is.
type Progress struct {
	Change string
	State  fleet.ChangeState
	Roles  []tufrepo.Progress
}

// Words says it to a person, one line per role: "armani: 1 of 2 signatures; keys that have
// not signed: 12ab34cd…".
func (p Progress) Words() []string {
	var lines []string
	for _, r := range p.Roles {
		if r.Need == 0 {
			lines = append(lines, r.Role+": nobody may sign for it any more, as the model is retired")
			continue
		}
		line := fmt.Sprintf("%s: %d of %d signatures", r.Role, r.Have, r.Need)
		if !r.Done() {
			line += "; keys that have not signed: " + strings.Join(short(r.Missing), ", ")
		}
		lines = append(lines, line)
	}
	return lines
}

func (p Progress) done() bool {
	return len(p.Roles) > 0 && !slices.ContainsFunc(p.Roles, func(r tufrepo.Progress) bool { return !r.Done() })
}

func short(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, id[:min(len(id), 12)]+"…")
	}
	return out
}

// Progress counts the signatures of a change.
func (p *Publisher) Progress(ctx context.Context, id string) (Progress, error) {
	s, err := p.load(ctx)
	if err != nil {
		return Progress{}, err
	}
	var c fleet.Change
	err = p.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		c, err = tx.Changes().Get(ctx, id)
		return err
	})
	if err != nil {
		return Progress{}, err
	}
	return s.progress(c)
}

// progress counts; a role that nobody signs any more, as its model is retired, has 0 of 0.
func (s state) progress(c fleet.Change) (Progress, error) {
	progress := Progress{Change: c.ID, State: c.State}
	for _, r := range c.Roles {
		if s.retired(r.Role) {
			progress.Roles = append(progress.Roles, tufrepo.Progress{Role: r.Role})
			continue
		}
		one, err := tufrepo.CountSignatures(s.set.Files[tufrepo.Targets], r.Role, r.Metadata)
		if err != nil {
			return progress, err
		}
		progress.Roles = append(progress.Roles, one)
	}
	return progress, nil
}

// AddSignatures takes the response of an offline signer. A response with any signature that
// is wrong or foreign is refused whole, each fault in words; so is one that adds nothing. When
// every role of the change has its threshold, the change is published.
func (p *Publisher) AddSignatures(ctx context.Context, id string, response tufrepo.Response, by string) (Progress, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, err := p.load(ctx)
	if err != nil {
		return Progress{}, err
	}
	if response.Request != id {
		return Progress{}, fleet.Errorf(fleet.Invalid, "other_request", "this response answers the request %s, not %s; send it to the change it belongs to", response.Request, id)
	}
	var progress Progress
	var change fleet.Change
	err = p.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if change, err = openChange(ctx, tx, id); err != nil {
			return err
		}
		if err := p.fits(s, change); err != nil {
			return err
		}
		added, err := s.attach(&change, response.Signatures)
		if err != nil {
			return err
		}
		if progress, err = s.progress(change); err != nil {
			return err
		}
		if err := tx.Changes().Save(ctx, change, fleet.ChangeOpen); err != nil {
			return err
		}
		return p.audit(ctx, tx, by, "change.sign", id, strings.Join(added, ", "))
	})
	if err != nil || !progress.done() {
		return progress, err
	}
	if err := p.publishChange(ctx, id, by); err != nil {
		return progress, err
	}
	progress.State = fleet.ChangePublished
	return progress, nil
}

// attach adds signatures to the roles of c and says which. All faults are returned.
func (s state) attach(c *fleet.Change, signatures []tufrepo.Signature) (added []string, err error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, sig := range signatures {
		i := slices.IndexFunc(c.Roles, func(r fleet.StagedRole) bool { return r.Role == sig.Role })
		if i < 0 {
			fault("a signature is for %s, which this change does not touch (it changes %s)", sig.Role, strings.Join(roleNames(*c), ", "))
			continue
		}
		before, err := tufrepo.CountSignatures(s.set.Files[tufrepo.Targets], sig.Role, c.Roles[i].Metadata)
		if err != nil {
			return nil, err
		}
		key := short([]string{sig.KeyID})[0]
		switch {
		case slices.Contains(before.Signed, sig.KeyID):
			continue // sent twice
		case !slices.Contains(before.Missing, sig.KeyID):
			fault("key %s may not sign for %s; those that may are %s", key, sig.Role, strings.Join(short(slices.Concat(before.Signed, before.Missing)), ", "))
			continue
		}
		doc, err := tufrepo.Attach(c.Roles[i].Metadata, sig)
		if err != nil {
			fault("the signature by key %s for %s cannot be read: %v", key, sig.Role, err)
			continue
		}
		after, err := tufrepo.CountSignatures(s.set.Files[tufrepo.Targets], sig.Role, doc)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(after.Signed, sig.KeyID) {
			fault("the signature by key %s does not fit version %d of %s; was it made for another request, or changed on the way?", key, c.Roles[i].Version, sig.Role)
			continue
		}
		c.Roles[i].Metadata = doc
		added = append(added, sig.Role+" by "+key)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "signatures_refused", Msg: "nothing was added: " + inOneLine(err)}
	}
	if len(added) == 0 {
		return nil, fleet.Errorf(fleet.Conflict, "signatures_known", "every signature in this response is here already; another key has to sign")
	}
	return added, nil
}

// publishChange publishes a change that is fully signed. p.mu is held.
func (p *Publisher) publishChange(ctx context.Context, id, by string) error {
	return p.publishLocked(ctx, func(s state) (edit, error) {
		e := edit{roles: map[string][]byte{}}
		var change fleet.Change
		err := p.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
			change, err = openChange(ctx, tx, id)
			return err
		})
		if err != nil {
			return e, err
		}
		if err := p.fits(s, change); err != nil {
			return e, err
		}
		for _, r := range change.Roles {
			e.roles[r.Role] = r.Metadata
		}
		e.record = func(tx fleet.Tx) error { return p.recordPublished(ctx, tx, change, by) }
		return e, nil
	})
}

func (p *Publisher) recordPublished(ctx context.Context, tx fleet.Tx, c fleet.Change, by string) error {
	c.State = fleet.ChangePublished
	if err := tx.Changes().Save(ctx, c, fleet.ChangeOpen); err != nil {
		return err
	}
	if c.Release != "" {
		r, err := tx.Releases().Get(ctx, c.Release)
		if err != nil {
			return err
		}
		r.State = fleet.ReleasePublished
		if err := tx.Releases().Save(ctx, r, fleet.ReleaseStaged); err != nil {
			return err
		}
	}
	return p.audit(ctx, tx, by, "release.publish", c.Release, "change "+c.ID)
}
