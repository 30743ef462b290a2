// SPDX-License-Identifier: Apache-2.0

package release

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/repo"
)

// Progress says how far the signing of a change is.
type Progress struct {
	Change string
	State  fleet.ChangeState
	Roles  []tufrepo.Progress
	Names  map[string]string // of the holders of keys, by key id, as far as they are known
}

// Words says it to a person, one line per role: "armani: 1 of 2 signatures; keys that have
// not signed: bo, 12ab34cd…".
func (p Progress) Words() []string {
	var lines []string
	for _, r := range p.Roles {
		if r.Need == 0 {
			lines = append(lines, r.Role+": nobody may sign for it any more, as the model is retired")
			continue
		}
		line := fmt.Sprintf("%s: %d of %d signatures", r.Role, r.Have, r.Need)
		if !r.Done() {
			line += "; keys that have not signed: " + strings.Join(p.people(r.Missing), ", ")
		}
		lines = append(lines, line)
	}
	return lines
}

func (p Progress) done() bool {
	return len(p.Roles) > 0 && !slices.ContainsFunc(p.Roles, func(r tufrepo.Progress) bool { return !r.Done() })
}

func (p Progress) people(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, cmp.Or(p.Names[id], short([]string{id})[0]))
	}
	return out
}

func short(ids []string) []string {
	var out []string
	for _, id := range ids {
		out = append(out, id[:min(len(id), 12)]+"…")
	}
	return out
}

// Progress counts the signatures of a change.
func (rs *Releases) Progress(ctx context.Context, id string) (Progress, error) {
	s, err := rs.cfg.Repo.State(ctx)
	if err != nil {
		return Progress{}, err
	}
	var c fleet.Change
	var names map[string]string
	err = rs.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		if c, err = tx.Changes().Get(ctx, id); err != nil {
			return err
		}
		names, err = tx.Holders().All(ctx)
		return err
	})
	if err != nil {
		return Progress{}, err
	}
	p, err := progressOf(s, c)
	p.Names = names
	return p, err
}

// progressOf counts; a role that nobody signs any more, as its model is retired, has 0 of 0.
func progressOf(s repo.State, c fleet.Change) (Progress, error) {
	progress := Progress{Change: c.ID, State: c.State}
	for _, r := range c.Roles {
		if s.Retired(r.Role) {
			progress.Roles = append(progress.Roles, tufrepo.Progress{Role: r.Role})
			continue
		}
		one, err := tufrepo.CountSignatures(s.Set().Files[tufrepo.Targets], r.Role, r.Metadata)
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
func (rs *Releases) AddSignatures(
	ctx context.Context, id string, response tufrepo.Response, by string,
) (progress Progress, err error) {
	err = rs.cfg.Repo.Exclusive(ctx, func(w *repo.Writer) error {
		s, err := rs.cfg.Repo.State(ctx)
		if err != nil {
			return err
		}
		if response.Request != id {
			return fleet.Errorf(fleet.Invalid, "other_request", "this response answers the request %s, not %s; send it "+
				"to the change it belongs to",
				response.Request, id)
		}
		if progress, err = rs.addSignatures(ctx, s, id, response, by); err != nil || !progress.done() {
			return err
		}
		if err := rs.publishChange(ctx, w, id, by); err != nil {
			return err
		}
		progress.State = fleet.ChangePublished
		return nil
	})
	return progress, err
}

// addSignatures stores what a response adds to an open change.
func (rs *Releases) addSignatures(
	ctx context.Context, s repo.State, id string, response tufrepo.Response, by string,
) (progress Progress, err error) {
	err = rs.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		change, err := openChange(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := refuseStale(s, change); err != nil {
			return err
		}
		added, err := attach(s, &change, response.Signatures)
		if err != nil {
			return err
		}
		if progress, err = progressOf(s, change); err != nil {
			return err
		}
		if err := tx.Changes().Save(ctx, change, fleet.ChangeOpen); err != nil {
			return err
		}
		return rs.audit(ctx, tx, by, "change.sign", id, strings.Join(added, ", "))
	})
	return progress, err
}

// attach adds signatures to the roles of c and says which. All faults are returned.
func attach(s repo.State, c *fleet.Change, signatures []tufrepo.Signature) (added []string, err error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, sig := range signatures {
		i := slices.IndexFunc(c.Roles, func(r fleet.StagedRole) bool { return r.Role == sig.Role })
		if i < 0 {
			fault("a signature is for %s, which this change does not touch (it changes %s)", sig.Role,
				strings.Join(roleNames(*c), ", "))
			continue
		}
		before, err := tufrepo.CountSignatures(s.Set().Files[tufrepo.Targets], sig.Role, c.Roles[i].Metadata)
		if err != nil {
			return nil, err
		}
		key := short([]string{sig.KeyID})[0]
		switch {
		case slices.Contains(before.Signed, sig.KeyID):
			continue // sent twice
		case !slices.Contains(before.Missing, sig.KeyID):
			fault("key %s may not sign for %s; those that may are %s", key, sig.Role,
				strings.Join(short(slices.Concat(before.Signed, before.Missing)), ", "))
			continue
		}
		doc, err := tufrepo.Attach(c.Roles[i].Metadata, sig)
		if err != nil {
			fault("the signature by key %s for %s cannot be read: %v", key, sig.Role, err)
			continue
		}
		after, err := tufrepo.CountSignatures(s.Set().Files[tufrepo.Targets], sig.Role, doc)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(after.Signed, sig.KeyID) {
			fault("the signature by key %s does not fit version %d of %s; was it made for another request, or changed on "+
				"the way?", key, c.Roles[i].Version, sig.Role)
			continue
		}
		c.Roles[i].Metadata = doc
		added = append(added, sig.Role+" by "+key)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "signatures_refused", Msg: "nothing was added: " +
			fleet.InOneLine(err)}
	}
	if len(added) == 0 {
		return nil, fleet.Errorf(fleet.Conflict, "signatures_known", "every signature in this response is here "+
			"already; another key has to sign")
	}
	return added, nil
}
