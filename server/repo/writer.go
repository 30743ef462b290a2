// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
)

// Writer is the right to publish. There is one, and one goroutine has it at a time.
type Writer struct {
	repo    *Repo
	written int64           // version of the timestamp that the folder holds
	alarmed map[string]int  // by role, the last step that was told
	lost    map[string]bool // paths of published targets whose content is gone
}

// locked is a Writer while the folder is locked too, against other processes: whoever has the lock
// finds in the folder what the database says.
type locked struct{ *Writer }

// Change says what to publish upon s. It may be asked again, if another process was faster.
type Change func(s State) (Edit, error)

// Exclusive runs fn while nobody else of this process publishes: for changes that are decided,
// stored and published as one. Within it, only the Writer may be used to publish.
func (r *Repo) Exclusive(fn func(w *Writer) error) error {
	r.publishing.Lock()
	defer r.publishing.Unlock()
	return fn(&r.writer)
}

// Publish loads the state, lets change say what to publish upon it, and commits. An edit without
// content publishes nothing.
func (r *Repo) Publish(ctx context.Context, change Change) error {
	return r.Exclusive(func(w *Writer) error { return w.Publish(ctx, change) })
}

// Publish is Repo.Publish for whoever is the writer already.
func (w *Writer) Publish(ctx context.Context, change Change) error {
	return w.lock(func(l locked) error {
		for attempt := 0; ; attempt++ {
			prev, err := l.repo.State(ctx)
			if err != nil {
				return err
			}
			e, err := change(prev)
			if err != nil || e.empty() {
				return err
			}
			err = l.commit(ctx, prev, e)
			if !errors.Is(err, errOvertaken) || attempt == 4 {
				return err
			}
		}
	})
}

// lock runs fn with the folder locked.
func (w *Writer) lock(fn func(l locked) error) error {
	unlock, err := w.repo.folder.lock()
	if err != nil {
		return err
	}
	return errors.Join(fn(locked{w}), unlock())
}
