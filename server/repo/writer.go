// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Writer is the right to publish. There is one, and one goroutine has it at a time.
type Writer struct {
	repo    *Repo
	written int64          // version of the timestamp that the folder holds; without a cluster
	alarmed map[string]int // by role, the last step that was told

	unlinked atomic.Bool // it was told that the folder takes no links

	losing sync.Mutex
	lost   map[string]bool // published files that are not in the folder, by their names there: content that is gone, or a fault

	fenced func(context.Context) context.Context // while this process may publish, with a cluster
}

// locked is a Writer while the folder is locked too, against other processes: whoever has the lock
// finds in the folder what the database says.
type locked struct{ *Writer }

// Change says what to publish upon s. It may be asked again, if another process was faster.
type Change func(s State) (Edit, error)

// Exclusive runs fn while nobody else of this process publishes, nor another replica: for changes that are decided,
// stored and published as one. Within it, only the Writer may be used to publish.
func (r *Repo) Exclusive(ctx context.Context, fn func(w *Writer) error) error {
	if r.cfg.Cluster == nil || r.cfg.ReadOnly {
		return r.writer.alone(fn)
	}
	return r.writer.alone(func(w *Writer) error {
		return r.cfg.Cluster.Exclusive(ctx, func(fenced func(context.Context) context.Context) error {
			w.fenced = fenced
			defer func() { w.fenced = nil }()
			return fn(w)
		})
	})
}

// alone runs fn while nobody else of this process publishes.
func (w *Writer) alone(fn func(w *Writer) error) error {
	w.repo.publishing.Lock()
	defer w.repo.publishing.Unlock()
	return fn(w)
}

// fence is ctx, under which nothing is stored once another replica publishes.
func (w *Writer) fence(ctx context.Context) context.Context {
	if w.fenced == nil {
		return ctx
	}
	return w.fenced(ctx)
}

// Publish loads the state, lets change say what to publish upon it, and commits. An edit without
// content publishes nothing, but what was published before is brought into the folder if it is not there yet.
func (r *Repo) Publish(ctx context.Context, change Change) error {
	return r.Exclusive(ctx, func(w *Writer) error {
		err := w.Publish(ctx, change)
		if err == nil && w.lags(ctx) {
			err = w.healed(ctx)
		}
		return err
	})
}

// attempts bounds how often a publication is begun anew, when somebody else was faster or room was made.
const attempts = 5

// Publish is Repo.Publish for whoever is the writer already, without a look at the folder. An error of the kind
// [fleet.Pending] says that the publication is stored, and not in the feed yet.
func (w *Writer) Publish(ctx context.Context, change Change) error {
	var asked error // what change found: that is no fault of a publication
	err := w.lock(func(l locked) error {
		for attempt := 1; ; attempt++ {
			prev, err := l.state(ctx)
			if err != nil {
				return err
			}
			e, err := change(prev)
			if err == nil && len(e.Roots)+len(e.Roles) > 0 && w.repo.cfg.Frozen != nil {
				err = w.repo.cfg.Frozen(ctx)
			}
			if asked = err; err == nil && e.empty() {
				return nil
			}
			stored := false
			if err == nil {
				stored, err = l.commit(ctx, prev, e)
			}
			again := errors.Is(err, errOvertaken) || err != nil && l.madeRoom(err)
			if stored || !again || attempt == attempts {
				return err
			}
		}
	})
	if asked != nil && !fleet.Is(asked, fleet.NoSpace) && !fleet.Is(asked, fleet.Damaged) {
		return err
	}
	return w.heard(err)
}

// state is what is published, to be published upon.
func (w *Writer) state(ctx context.Context) (State, error) {
	s, err := w.repo.State(ctx)
	if err == nil {
		s.restored, err = restoredAt(ctx, w.repo.cfg.Store)
	}
	if err != nil || w.repo.cfg.Cluster == nil {
		return s, err
	}
	floor, err := w.repo.cfg.Cluster.Floor(ctx, s.Version(tufrepo.Timestamp))
	return s.above(floor), err
}

// lock runs fn with the folder locked. With a cluster that is its writing alone: the others are kept away by a lease, and
// what they publish must be followed while one waits for it.
func (w *Writer) lock(fn func(l locked) error) error {
	if w.repo.cfg.Cluster != nil {
		return fn(locked{w})
	}
	unlock, err := w.repo.folder.lock()
	if err != nil {
		return err
	}
	return errors.Join(fn(locked{w}), unlock())
}
