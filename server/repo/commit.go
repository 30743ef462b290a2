// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// commit publishes e upon prev: it signs the offers roles, a new snapshot if a role changed, and a
// new timestamp, runs the whole workflow of a client over the result, stores it in one
// transaction, and writes the folder.
//
// Once the transaction is through, the publication stands: a folder that could not be
// written is written by the next publication, the next Renew or at the next start. stored says so.
func (l locked) commit(ctx context.Context, prev State, e Edit) (stored bool, err error) {
	r, now := l.repo, l.repo.Now()
	ctx, whole := r.cfg.Spans.Begin(ctx, "publish")
	whole.Figure("roles", len(e.Roles)+len(e.Offers))
	defer func() { whole.End(err) }()
	next, err := l.sign(ctx, prev, e, now)
	if err != nil {
		return false, err
	}
	if err := l.accept(ctx, prev, next, now); err != nil {
		return false, err
	}
	if err := r.cfg.Spans.Do(ctx, "publish.save", func(ctx context.Context) error {
		return r.save(l.fence(ctx), prev, next, e, now)
	}); err != nil {
		return false, err
	}
	remember(r, prev, next, now)
	r.cfg.Log.InfoContext(ctx, "published", "roles", e.Names(), "roots", len(e.Roots),
		"snapshot", next.Version(tufrepo.Snapshot), "timestamp", next.Version(tufrepo.Timestamp))
	return true, l.write(ctx, next)
}

// sign makes what follows prev.
func (l locked) sign(ctx context.Context, prev State, e Edit, now time.Time) (next State, err error) {
	r := l.repo
	ctx, step := r.cfg.Spans.Begin(ctx, "publish.sign")
	defer func() { step.End(err) }()
	e.heads = headsOf(ctx, r.cfg)
	if next, err = r.online.compose(prev, e, now); err != nil {
		return next, err
	}
	return next, next.clockFault(now)
}

// accept refuses what handsets would not accept, or would not find.
func (l locked) accept(ctx context.Context, prev, next State, now time.Time) (err error) {
	ctx, step := l.repo.cfg.Spans.Begin(ctx, "publish.check")
	defer func() { step.End(err) }()
	if err := check(prev, next, now); err != nil {
		return &fleet.Error{Kind: fleet.Conflict, Code: wouldBreak,
			Msg: fmt.Sprintf("nothing was published, because a handset would not accept it: %v", err)}
	}
	return contentIsHere(ctx, l.repo.cfg.Blobs, prev, next)
}

// The codes of what is refused for what it is.
const (
	wouldBreak     = "would_break_clients"
	contentMissing = "content_missing"
)

func check(prev, next State, now time.Time) error {
	if !prev.Started() {
		return next.set.Check(now)
	}
	return tufrepo.CheckNext(prev.set, next.set, now)
}

// clockFault says if now lies before the time at which people signed, as far as that can be told:
// they sign for no longer than tufrepo.MaxLife. A server whose clock forgot the date would sign
// what has expired for everybody else; while it signs nothing, what is published stays good.
func (s State) clockFault(now time.Time) error {
	for _, role := range append([]string{tufrepo.Root, tufrepo.Targets}, s.Models()...) {
		limit := tufrepo.MaxLife(role)
		if signed := s.info[role].Expires.Add(-limit); now.Before(signed) {
			return fleet.Errorf(fleet.Conflict, "clock_behind", "nothing was published: the clock of the server says %s, "+
				"but %s was "+
				"signed on %s or later (it is valid until %s, and nobody signs for more than %d days); set the clock",
				now.Format(time.DateTime), role, signed.Format(time.DateOnly), s.info[role].Expires.Format(time.DateOnly),
				limit/day)
		}
	}
	return nil
}

// save stores what next has beyond prev. The versions of prev are looked at again in the
// transaction: whoever published meanwhile wins, and this publication is tried again.
func (r *Repo) save(ctx context.Context, prev, next State, e Edit, now time.Time) error {
	return r.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		latest, err := tx.Metadata().Latest(ctx, tufrepo.Timestamp)
		if err != nil && !fleet.Is(err, fleet.NotFound) {
			return err
		}
		if latest.Version != prev.info[tufrepo.Timestamp].Version {
			return errOvertaken
		}
		for _, doc := range e.Roots {
			if err := put(ctx, tx, tufrepo.Root, doc, now); err != nil {
				return err
			}
		}
		for _, role := range slices.Sorted(maps.Keys(next.set.Files)) {
			if prev.info[role].Version == next.info[role].Version && prev.set.Files[role] != nil {
				continue
			}
			at := now
			if before, is := e.at[role]; is {
				at = before
			}
			if err := put(ctx, tx, role, next.set.Files[role], at); err != nil {
				return err
			}
		}
		if e.Record == nil {
			return nil
		}
		return e.Record(tx)
	})
}

func put(ctx context.Context, tx fleet.Tx, role string, doc []byte, now time.Time) error {
	info, err := tufrepo.Read(doc)
	if err != nil {
		return err
	}
	return tx.Metadata().Put(ctx, fleet.Metadata{Role: role, Version: info.Version, Bytes: doc, Expires: info.Expires,
		At: now})
}

// errOvertaken says that somebody else published between the reading and the saving.
var errOvertaken = fleet.Errorf(fleet.Busy, "overtaken", "somebody else published at the same moment; try again")

// headsOf are those of the server's trees. Nothing waits for them: a halt is published without, and the next snapshot
// has them.
func headsOf(ctx context.Context, cfg Config) []tufrepo.TreeHead {
	if cfg.Heads == nil {
		return nil
	}
	all, err := cfg.Heads(ctx)
	if err != nil {
		cfg.Log.ErrorContext(ctx, "the heads of the trees over audit and reports are not published this time", "err", err)
	}
	return all
}
