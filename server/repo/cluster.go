// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"maps"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Cluster is what a Repo asks of the other replicas on its database.
type Cluster interface {
	// Attach gives it the Repo, before anything else is asked of it.
	Attach(r *Repo)
	// Exclusive runs fn while no other replica publishes. Under the context that fenced makes of another one nothing is
	// stored once somebody else took the right to publish.
	Exclusive(ctx context.Context, fn func(fenced func(context.Context) context.Context) error) error
	// Floor is the highest version of the timestamp that any replica ever had. Busy while one that lives has a higher one
	// than is stored: it takes up what the database lost.
	Floor(ctx context.Context, stored int64) (int64, error)
	// Release waits until each replica that lives has the files of a version, then lets all of them serve it.
	Release(ctx context.Context, version int64) error
}

// DatabaseBehind is the code of what cannot be done while the database knows less than was served.
const DatabaseBehind = "database_behind"

// Replica is what a Repo has and serves of what the replicas of its database publish.
type Replica struct{ *Repo }

// Replica is the part of r in what the replicas of its database publish.
func (r *Repo) Replica() Replica { return Replica{r} }

// Position is the version of the newest timestamp whose files this replica has, and that of the one that it serves.
func (r Replica) Position() (prepared, served int64) {
	if s := r.served.Load(); s != nil {
		served = s.Version(tufrepo.Timestamp)
	}
	if s := r.prepared.Load(); s != nil {
		prepared = s.Version(tufrepo.Timestamp)
	}
	return max(prepared, served), served
}

// Follow brings this replica up: it serves what was released, and has the files of what is stored. Conflict
// (database_behind) if it has more than is stored.
func (r Replica) Follow(ctx context.Context) error { return r.follow(ctx, false) }

// follow writes everything again if anew.
func (r Replica) follow(ctx context.Context, anew bool) error {
	r.following.Lock()
	defer r.following.Unlock()
	at, err := r.feed(ctx)
	if err != nil || at.Stored == 0 {
		return err
	}
	prepared, served := r.Position()
	if prepared > at.Stored {
		return fleet.Errorf(fleet.Conflict, DatabaseBehind, "the database knows timestamp %d and this server %d: it went back; "+
			"what it lost is taken up from the feed", at.Stored, prepared)
	}
	if at.Released > served || anew && served > 0 {
		if err := r.bring(ctx, max(at.Released, served), locked.writeFiles); err != nil {
			return err
		}
	}
	again := anew || at.Released > served // what was prepared beside the older one is beside this one now
	if prepared, served = r.Position(); at.Stored > prepared || again && at.Stored > served {
		return r.bring(ctx, at.Stored, locked.prepare)
	}
	return nil
}

// Mend writes again what is missing in the folder.
func (r Replica) Mend(ctx context.Context) error {
	return r.writer.alone(func(w *Writer) error {
		if !w.lacks() && !w.lags(ctx) {
			return nil
		}
		return w.heal(ctx)
	})
}

func (r Replica) feed(ctx context.Context) (f fleet.Feed, err error) {
	err = r.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		f, err = tx.Members().Feed(ctx)
		return err
	})
	return f, err
}

// bring writes the folder as a version of the feed was.
func (r Replica) bring(ctx context.Context, version int64, write func(locked, context.Context, State) error) error {
	s, err := r.at(ctx, version)
	if err != nil {
		return err
	}
	unlock, err := r.folder.lock()
	if err != nil {
		return err
	}
	defer func() { _ = unlock() }()
	l := locked{&r.writer}
	if err = write(l, ctx, s); err != nil && l.madeRoom(err) {
		err = write(l, ctx, s)
	}
	if err != nil {
		return notWritten(err)
	}
	return nil
}

// at is the state in which a version of the timestamp was published.
func (r Replica) at(ctx context.Context, version int64) (State, error) {
	for _, p := range []*State{r.prepared.Load(), r.loaded.Load()} {
		if p != nil && p.Version(tufrepo.Timestamp) == version {
			return *p, nil
		}
	}
	s, err := r.State(ctx)
	if err != nil || s.Version(tufrepo.Timestamp) == version {
		return s, err
	}
	was := s.clone()
	was.at = maps.Clone(s.at)
	err = r.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		put := func(role string, version int64) error {
			if role != tufrepo.Timestamp && was.Version(role) == version {
				return nil
			}
			m, err := tx.Metadata().Get(ctx, role, version)
			if err != nil {
				return err
			}
			was.at[role] = m.At
			return was.put(role, m.Bytes)
		}
		if err := put(tufrepo.Timestamp, version); err != nil {
			return err
		}
		if err := put(tufrepo.Snapshot, was.info[tufrepo.Timestamp].Files[tufrepo.Snapshot].Version); err != nil {
			return err
		}
		listed := was.info[tufrepo.Snapshot].Files
		for role := range s.set.Files {
			if _, is := listed[role]; !is && role != tufrepo.Snapshot && role != tufrepo.Timestamp {
				delete(was.set.Files, role) // it came later
				delete(was.info, role)
			}
		}
		for role, f := range listed {
			if err := put(role, f.Version); err != nil {
				return err
			}
		}
		return nil
	})
	return was, err
}

// released has the replicas serve what is stored, once all of them have it. The error is [fleet.Pending].
func (w *Writer) released(ctx context.Context, version int64) error {
	r := w.repo.Replica()
	own := r.Follow(ctx) // the others write theirs meanwhile
	if own != nil {
		r.cfg.Log.ErrorContext(ctx, "this server has no part in a publication: it could not write its feed folder", "err", own)
	}
	if err := r.cfg.Cluster.Release(w.fence(ctx), version); err != nil {
		return notWritten(err)
	}
	if own = r.Follow(ctx); own != nil {
		return notWritten(own)
	}
	return nil
}

// healed is heal for whoever may publish: what is stored and was not released is.
func (w *Writer) healed(ctx context.Context) error {
	err := w.heal(ctx)
	if err != nil || w.repo.cfg.Cluster == nil {
		return err
	}
	at, err := w.repo.Replica().feed(ctx)
	if err == nil && at.Stored > at.Released {
		err = w.heard(w.released(ctx, at.Stored))
	}
	return err
}

// above is s with the numbers that the database does not know: up to floor, the timestamp was given away, and with each
// of them at most one of every other role.
func (s State) above(floor int64) State {
	beyond := floor - s.Version(tufrepo.Timestamp)
	if beyond <= 0 {
		return s
	}
	s.highest = maps.Clone(s.highest)
	if s.highest == nil {
		s.highest = map[string]int64{}
	}
	for role, info := range s.info {
		if signedHere(role) {
			s.highest[role] = max(s.highest[role], info.Version+beyond)
		}
	}
	return s
}
