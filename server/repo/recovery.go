// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Found reads the folder of a feed that was begun: known is what the database says, found the
// newest state that the folder holds whole. Without anything newer it is known. A newer one was
// run through the whole workflow of a client; if it cannot be followed, that is an error.
func (w *Writer) Found(ctx context.Context) (known, found State, err error) {
	r := w.repo
	if r.cfg.Cluster != nil {
		if err = readVersions(r); err != nil { // others may have published since the start
			return known, known, err
		}
	}
	if known, err = r.State(ctx); err != nil || !known.Started() {
		return known, known, err
	}
	if found, err = w.readFolder(ctx, known); err != nil {
		return known, known, err
	}
	if p := r.prepared.Load(); p != nil && p.newer(found) { // nobody may have served it, but another may have
		found = *p
	}
	if !found.newer(known) {
		return known, known, nil
	}
	if err := found.set.CheckServed(r.Now()); err != nil {
		// Expired metadata is what a long sleep leaves behind, so the time is not judged here.
		if err := found.set.CheckServed(found.info[tufrepo.Timestamp].Expires.Add(-1)); err != nil {
			return known, known, fmt.Errorf("the feed folder holds timestamp %d, the database %d, and what lies in the "+
				"folder cannot be taken up; "+
				"restore a newer database, or move the folder away and accept that handsets wait for higher versions: %w",
				found.Version(tufrepo.Timestamp), known.Version(tufrepo.Timestamp), err)
		}
	}
	return known, found, nil
}

// newer says if s was published after other.
func (s State) newer(other State) bool {
	return s.Version(tufrepo.Timestamp) > other.Version(tufrepo.Timestamp)
}

// Adopt stores what was found in the folder in place of what the database knew, with a line of the
// audit trail by actor, and one that names what was lost, unless a person has to. Without anything newer it does nothing.
func (w *Writer) Adopt(ctx context.Context, known, found State, actor string) (adopted bool, err error) {
	if !found.newer(known) {
		return false, nil
	}
	r, now := w.repo, w.repo.Now()
	var roles []string
	for role := range found.set.Files {
		if role != tufrepo.Snapshot && role != tufrepo.Timestamp && found.Version(role) > known.Version(role) {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	at, was := found.Version(tufrepo.Timestamp), known.Version(tufrepo.Timestamp)
	e := Edit{Roots: found.set.Roots[len(known.set.Roots):], Record: func(tx fleet.Tx) error {
		if err := tx.Audit().Append(ctx, fleet.AuditEntry{
			At: now, Actor: actor, Action: "publish.adopt", Subject: fmt.Sprintf("timestamp %d", at),
			Reason: fmt.Sprintf("the database knew only timestamp %d; the feed folder held newer signed metadata", was),
		}); err != nil {
			return err
		}
		return nameLoss(ctx, tx, fleet.AuditEntry{At: now, Actor: actor, Subject: fleet.RestoreSubject}, known, found)
	}}
	restored, err := restoredAt(ctx, r.cfg.Store)
	if err != nil {
		return false, err
	}
	if before := known.at[tufrepo.Timestamp]; before.Before(restored) { // the folder may be a copy too: handsets may have seen more
		e.at = map[string]time.Time{}
		for role := range found.set.Files {
			if signedHere(role) {
				e.at[role] = before
			}
		}
	}
	r.cfg.Log.ErrorContext(ctx, "database is older than the feed", "database", was, "feed", at, "roles", roles)
	err = r.save(w.fence(ctx), known, found, e, now)
	return err == nil, err
}

// nameLoss puts on the trail, as line, what the feed that went on says of the loss. Where a backup was restored that is a part
// of it: a feed that came with the backup, or is a copy, went on less far than what handsets saw. A person names the whole.
func nameLoss(ctx context.Context, tx fleet.Tx, line fleet.AuditEntry, known, found State) error {
	lost, err := lostRange(ctx, tx, known, found)
	if err != nil {
		return err
	}
	was, unnamed, err := fleet.Unnamed(ctx, tx)
	if err != nil {
		return err
	}
	line.Action, line.Reason = fleet.ActionLost, lost
	if unnamed {
		line.Action, line.Reason = fleet.ActionRestored, was.Reason+"; by the feed that lies here at least this is "+lost
	}
	return tx.Audit().Append(ctx, line)
}

// lostRange names what a restored database lost, as far as the feed that went on without it says: the publications, and of
// each tree the rows that a head of the feed's snapshot covers. The sealed rows that are here are those of before.
func lostRange(ctx context.Context, tx fleet.Tx, known, found State) (string, error) {
	words := fmt.Sprintf("lost: timestamps %d to %d, and what was stored with them", known.Version(tufrepo.Timestamp)+1,
		found.Version(tufrepo.Timestamp))
	for _, h := range found.info[tufrepo.Snapshot].Heads {
		here, _, err := tx.Seals().Latest(ctx, fleet.Tree(h.Tree))
		if err != nil {
			return "", err
		}
		if h.Size > here.Size {
			words += fmt.Sprintf("; %s: leaves %d to %d", h.Tree, here.Size+1, h.Size)
		}
	}
	return fmt.Sprintf("%s; and what was not sealed by snapshot %d", words, found.Version(tufrepo.Snapshot)), nil
}

// PublishAbove publishes on, together with what change wants, from versions that are higher than any
// that was ever served: if the folder was adopted, if one of its files has a higher number, or if the database was restored
// and handsets may have seen what neither knows.
func (w *Writer) PublishAbove(ctx context.Context, adopted bool, change Change) error {
	return w.Publish(ctx, func(s State) (Edit, error) {
		if !s.Started() || !adopted && !s.overtaken() {
			return Edit{}, nil
		}
		e, err := w.renewal(s, change)
		e.Fresh = true
		return e, err
	})
}

// NewestOffers is what the newest offers role of a model in the folder lists, if that is newer than
// known and signed as trusted wants. version is 0 if there is none.
func (r *Repo) NewestOffers(known, trusted State, model string) (version int64, targets []tufrepo.Target) {
	role := tufrepo.OffersRole(model)
	found := trusted.clone()
	for v := known.Next(role) - 1; v > known.Version(role); v-- {
		if r.folder.readInto(&found, role, v) != nil {
			continue
		}
		n, err := tufrepo.CountSignatures(trusted.set.Files[tufrepo.Targets], role, found.set.Files[role])
		if err == nil && n.Done() {
			return v, found.info[role].Targets
		}
	}
	return 0, nil
}
