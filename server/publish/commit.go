// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// edit is what a publication changes.
type edit struct {
	roots [][]byte          // signed roots that follow the newest one
	roles map[string][]byte // signed metadata by role: targets, models, offers
	fresh bool              // renew the snapshot even if no role changed
	// record writes what else belongs to the publication, in its transaction.
	record func(tx fleet.Tx) error
}

// commit publishes e upon prev: it signs a new snapshot if a role changed, and a new
// timestamp, runs the whole workflow of a client over the result, stores it in one
// transaction, and writes the folder. p.mu and the lock of the folder are held.
//
// Once the transaction is through, the publication stands: a folder that could not be
// written is written by the next Renew or at the next start.
func (p *Publisher) commit(ctx context.Context, prev state, e edit) (state, error) {
	now := p.now()
	next, err := p.compose(prev, e, now)
	if err != nil {
		return prev, err
	}
	if err := next.clockFault(now); err != nil {
		return prev, err
	}
	if err := p.check(prev, next, now); err != nil {
		return prev, &fleet.Error{Kind: fleet.Conflict, Code: "would_break_clients", Msg: fmt.Sprintf("nothing was published, because a handset would not accept it: %v", err)}
	}
	if err := p.present(ctx, prev, next); err != nil {
		return prev, err
	}
	if err := p.save(ctx, prev, next, e, now); err != nil {
		return prev, err
	}
	p.remember(prev, next, now)
	p.cfg.Log.InfoContext(ctx, "published", "roles", slices.Sorted(maps.Keys(e.roles)), "roots", len(e.roots), "snapshot", next.info[tufrepo.Snapshot].Version, "timestamp", next.info[tufrepo.Timestamp].Version)
	return next, p.writeLocked(ctx, next)
}

func (p *Publisher) check(prev, next state, now time.Time) error {
	if !prev.started() {
		return next.set.Check(now)
	}
	return tufrepo.CheckNext(prev.set, next.set, now)
}

// clockFault says if now lies before the time at which people signed, as far as that can be told:
// they sign for no longer than tufrepo.MaxLife. A server whose clock forgot the date would sign
// what has expired for everybody else; while it signs nothing, what is published stays good.
func (s state) clockFault(now time.Time) error {
	for _, role := range append([]string{tufrepo.Root, tufrepo.Targets}, s.models()...) {
		limit := tufrepo.MaxLife(role)
		if signed := s.info[role].Expires.Add(-limit); now.Before(signed) {
			return fleet.Errorf(fleet.Conflict, "clock_behind", "nothing was published: the clock of the server says %s, but %s was signed on %s or later (it is valid until %s, and nobody signs for more than %d days); set the clock",
				now.Format(time.DateTime), role, signed.Format(time.DateOnly), s.info[role].Expires.Format(time.DateOnly), limit/day)
		}
	}
	return nil
}

// compose is prev with e, and with the online roles that follow from it.
func (p *Publisher) compose(prev state, e edit, now time.Time) (state, error) {
	next := prev.clone()
	if err := next.apply(e); err != nil {
		return prev, err
	}
	if len(e.roles) > 0 || e.fresh || next.set.Files[tufrepo.Snapshot] == nil || len(e.roots) > 0 {
		if err := p.snapshot(&next, now); err != nil {
			return prev, err
		}
	}
	return next, p.timestamp(&next, now)
}

func (p *Publisher) snapshot(s *state, now time.Time) error {
	files := map[string]tufrepo.RoleFile{}
	for role := range s.set.Files {
		if role == tufrepo.Snapshot || role == tufrepo.Timestamp {
			continue
		}
		files[role] = s.entry(role)
	}
	doc, err := tufrepo.NewSnapshot(p.next(*s, tufrepo.Snapshot), now.Add(p.cfg.Expiry.Snapshot), files)
	return p.sign(s, tufrepo.Snapshot, doc, err)
}

func (p *Publisher) timestamp(s *state, now time.Time) error {
	doc, err := tufrepo.NewTimestamp(p.next(*s, tufrepo.Timestamp), now.Add(p.cfg.Expiry.Timestamp), s.entry(tufrepo.Snapshot))
	return p.sign(s, tufrepo.Timestamp, doc, err)
}

// entry is how a list names the newest file of role. It was read already, so it is not read
// again: with 200 models that would be most of the time of a publication.
func (s state) entry(role string) tufrepo.RoleFile {
	doc := s.set.Files[role]
	return tufrepo.RoleFile{Version: s.info[role].Version, Length: int64(len(doc)), SHA256: digest(doc)}
}

// digest is the SHA-256 as metadata writes it.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// sign takes doc, if it could be written, as the newest of role in s.
func (p *Publisher) sign(s *state, role string, doc []byte, err error) error {
	if err != nil {
		return fmt.Errorf("next %s: %w", role, err)
	}
	key, err := p.signer(*s, role)
	if err != nil {
		return err
	}
	if doc, err = tufrepo.Sign(doc, key); err != nil {
		return fmt.Errorf("sign %s: %w", role, err)
	}
	return s.take(role, doc)
}

// save stores what next has beyond prev. The versions of prev are looked at again in the
// transaction: whoever published meanwhile wins, and this publication is tried again.
func (p *Publisher) save(ctx context.Context, prev, next state, e edit, now time.Time) error {
	return p.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		latest, err := tx.Metadata().Latest(ctx, tufrepo.Timestamp)
		if err != nil && !fleet.Is(err, fleet.NotFound) {
			return err
		}
		if latest.Version != prev.info[tufrepo.Timestamp].Version {
			return errOvertaken
		}
		for _, doc := range e.roots {
			if err := put(ctx, tx, tufrepo.Root, doc, now); err != nil {
				return err
			}
		}
		for _, role := range slices.Sorted(maps.Keys(next.set.Files)) {
			if prev.info[role].Version == next.info[role].Version && prev.set.Files[role] != nil {
				continue
			}
			if err := put(ctx, tx, role, next.set.Files[role], now); err != nil {
				return err
			}
		}
		if e.record == nil {
			return nil
		}
		return e.record(tx)
	})
}

func put(ctx context.Context, tx fleet.Tx, role string, doc []byte, now time.Time) error {
	info, err := tufrepo.Read(doc)
	if err != nil {
		return err
	}
	return tx.Metadata().Put(ctx, fleet.Metadata{Role: role, Version: info.Version, Bytes: doc, Expires: info.Expires, At: now})
}

// errOvertaken says that somebody else published between load and save.
var errOvertaken = fleet.Errorf(fleet.Busy, "overtaken", "somebody else published at the same moment; try again")

// publish loads the state, lets change say what to publish upon it, and commits. If another
// process was faster, it does so again. An edit without content publishes nothing.
// Meanwhile the folder is locked: whoever has the lock finds in the folder what the database says.
func (p *Publisher) publish(ctx context.Context, change func(s state) (edit, error)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.publishLocked(ctx, change)
}

func (p *Publisher) publishLocked(ctx context.Context, change func(s state) (edit, error)) error {
	unlock, err := p.folder.lock()
	if err != nil {
		return err
	}
	defer unlock()
	for attempt := 0; ; attempt++ {
		prev, err := p.load(ctx)
		if err != nil {
			return err
		}
		e, err := change(prev)
		if err != nil {
			return err
		}
		if len(e.roles) == 0 && len(e.roots) == 0 && !e.fresh && e.record == nil {
			return nil
		}
		_, err = p.commit(ctx, prev, e)
		if err != errOvertaken || attempt == 4 {
			return err
		}
	}
}
