// SPDX-License-Identifier: Apache-2.0

// Package trust takes in what ceremonies signed offline.
//
// Parties: an administrator brings the signers' files; package repo publishes them. It promises that
// files which are published already are passed over, so the signers' whole state may be sent each
// time, and to say in words what changed. It refuses gaps and forks in the chain of roots, roles
// that the server signs itself, keys that it does not hold, a model that no longer lists what a
// rollout offers, and a retired model that would come back below what handsets have seen.
package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rollouts"
)

// Trust imports ceremonies.
type Trust struct {
	Store    fleet.Store
	Repo     *repo.Repo
	Rollouts *rollouts.Rollouts // know what is offered
}

// Import takes in what a ceremony signed offline: the first root, targets and model
// roles, later new roots, new models, new keys. It is published at once, and says
// in words what changed.
func (t *Trust) Import(ctx context.Context, b tufrepo.Bundle, by string) ([]string, error) {
	set, err := b.Set()
	if err != nil {
		return nil, &fleet.Error{Kind: fleet.Invalid, Code: "bundle", Msg: fleet.InOneLine(err)}
	}
	var words []string
	err = t.Repo.Publish(ctx, func(s repo.State) (repo.Edit, error) {
		if err := t.Repo.ReloadKeys(); err != nil {
			return repo.Edit{}, err
		}
		e, err := newerFiles(s, set)
		if err != nil {
			return e, err
		}
		fresh, err := t.freshNames(ctx, b.Names)
		if err != nil {
			return e, err
		}
		if len(e.Roots) == 0 && len(e.Roles) == 0 && len(fresh) > 0 {
			words = []string{fmt.Sprintf("The names of %d holders of keys are known now.", len(fresh))}
			e.Record = t.record(ctx, "holders", by, fmt.Sprintf("names of %d holders of keys", len(fresh)), fresh)
			return e, nil
		}
		if len(e.Roots) == 0 && len(e.Roles) == 0 {
			return e, fleet.Errorf(fleet.Conflict, "nothing_new", "everything in this bundle is published already")
		}
		next, err := t.checkNext(ctx, s, e, set)
		if err != nil {
			return e, err
		}
		if e.Offers, err = openOffers(s, next); err != nil {
			return e, err
		}
		words = tufrepo.Diff(s.Set(), next.Set())
		e.Record = t.record(ctx, fmt.Sprintf("root %d", next.Version(tufrepo.Root)), by,
			fmt.Sprintf("%d new roots; %v", len(e.Roots), e.Names()), fresh)
		return e, nil
	})
	return words, err
}

// record writes an import into the audit trail, and keeps the names that came with it.
func (t *Trust) record(ctx context.Context, subject, by, reason string, names map[string]string) func(fleet.Tx) error {
	return func(tx fleet.Tx) error {
		return errors.Join(tx.Holders().Put(ctx, names), tx.Audit().Append(ctx, fleet.AuditEntry{
			At: t.Repo.Now(), Actor: by, Action: "trust.import", Subject: subject, Reason: reason,
		}))
	}
}

// freshNames are those of names that are not known here, or known as another.
func (t *Trust) freshNames(ctx context.Context, names map[string]string) (map[string]string, error) {
	known, err := t.names(ctx)
	fresh := map[string]string{}
	for id, name := range names {
		if known[id] != name {
			fresh[id] = name
		}
	}
	return fresh, err
}

func (t *Trust) names(ctx context.Context) (names map[string]string, err error) {
	err = t.Store.View(ctx, func(tx fleet.Tx) error {
		names, err = tx.Holders().All(ctx)
		return err
	})
	return names, err
}

// checkNext is s with e, unless this server, a rollout or a handset could not go on with it.
func (t *Trust) checkNext(ctx context.Context, s repo.State, e repo.Edit, given tufrepo.Set) (repo.State, error) {
	next, err := s.With(e)
	if err != nil {
		return s, err
	}
	if err := t.checkKeys(next); err != nil {
		return s, err
	}
	if err := t.Rollouts.CheckOffered(ctx, s, next); err != nil {
		return s, err
	}
	return next, checkReturning(s, next, given)
}

// newerFiles is what set holds beyond s. Roots must continue the chain that is published.
func newerFiles(s repo.State, set tufrepo.Set) (repo.Edit, error) {
	e := repo.Edit{Roles: map[string][]byte{}}
	at := s.Version(tufrepo.Root)
	first := s.FirstRoot()
	for _, doc := range set.Roots {
		info, err := tufrepo.Read(doc)
		if err != nil {
			return e, err
		}
		switch {
		case info.Version > at && at > 0 && info.Version != at+int64(len(e.Roots))+1:
			return e, fleet.Errorf(fleet.Invalid, "root_gap", "the bundle has root %d, but root %d is published and %d "+
				"is next; send the ones between too", info.Version, at, at+1)
		case info.Version > at:
			e.Roots = append(e.Roots, doc)
		case info.Version >= first && !bytes.Equal(doc, s.Set().Roots[info.Version-first]):
			return e, fleet.Errorf(fleet.Conflict, "root_differs", "nothing was imported: root %d of the bundle is not "+
				"the root %d that is published. Another change was published first, or the bundle belongs to another trust; "+
				"take over what is published (otasign refresh FEED --unpublished) and make the change again",
				info.Version, info.Version)
		}
	}
	for role, doc := range set.Files {
		if _, isOffers := tufrepo.ModelRole(role); isOffers || role == tufrepo.Snapshot || role == tufrepo.Timestamp {
			return e, fleet.Errorf(fleet.Invalid, "online_role", "the bundle holds %s, which the server signs itself; "+
				"send only root, targets and models", role)
		}
		info, err := tufrepo.Read(doc)
		if err != nil {
			return e, err
		}
		if info.Version > s.Version(role) {
			e.Roles[role] = doc
		} else if info.Version == s.Version(role) && !bytes.Equal(doc, s.Set().Files[role]) {
			return e, fleet.Errorf(fleet.Conflict, "role_differs", "nothing was imported: version %d of %s is published "+
				"with other bytes, as another change was published first; take over what is published (otasign refresh FEED "+
				"--unpublished) and make the change again", info.Version, role)
		}
	}
	return e, nil
}
