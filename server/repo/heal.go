// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Heal writes what the folder lacks of the published state. It is the same walk as that of a
// publication, so it may run at any time.
func (r *Repo) Heal(ctx context.Context) error {
	return r.Exclusive(func(w *Writer) error { return w.heal(ctx) })
}

func (w *Writer) heal(ctx context.Context) error {
	return w.heard(w.lock(func(l locked) error {
		s, err := l.repo.State(ctx)
		if err != nil || !s.Started() {
			return err
		}
		return l.write(ctx, s)
	}))
}

// write makes the folder say what s says, the newest state. Another process may publish at the
// same time; under the lock the folder never goes back. The error is [fleet.Pending]: what is stored stands.
func (l locked) write(ctx context.Context, s State) (err error) {
	ctx, step := l.repo.cfg.Spans.Begin(ctx, "publish.write")
	defer func() { step.End(err) }()
	err = l.writeFiles(ctx, s)
	if err != nil && l.madeRoom(err) {
		err = l.writeFiles(ctx, s)
	}
	if err != nil {
		return &fleet.Error{Kind: fleet.Pending, Code: NotPublished, Err: err,
			Msg: fmt.Sprintf("the publication is stored, and the feed folder could not be written (%s), so handsets do not see "+
				"it yet; the server tries again by itself, and to send it again is safe", Why(err))}
	}
	l.written = s.Version(tufrepo.Timestamp)
	return nil
}

// writeFiles makes the folder say what s says, in the order in which a client can follow at any
// moment: payloads, roots, roles, snapshot, and the timestamp as the point of no return.
func (l locked) writeFiles(ctx context.Context, s State) error {
	f, targets := l.repo.folder, s.Targets()
	if err := f.ensure(); err != nil {
		return err
	}
	known, lost := l.listed(s), map[string]bool{}
	if err := l.linkAll(ctx, targets, known, lost); err != nil {
		return err
	}
	write := func(name string, doc []byte) error {
		err := f.write(name, doc)
		if err != nil && l.leaves(ctx, err, known[name], lost, name, path.Join(metadataDir, name), Digest(doc)) {
			return nil
		}
		return err
	}
	for i, doc := range s.set.Roots {
		if err := write(tufrepo.MetadataFile(tufrepo.Root, s.FirstRoot()+int64(i)), doc); err != nil {
			return err
		}
	}
	for _, role := range slices.Sorted(maps.Keys(s.set.Files)) {
		if role == tufrepo.Snapshot || role == tufrepo.Timestamp {
			continue
		}
		if err := write(tufrepo.MetadataFile(role, s.info[role].Version), s.set.Files[role]); err != nil {
			return err
		}
	}
	l.lost = lost
	for _, role := range []string{tufrepo.Snapshot, tufrepo.Timestamp} {
		if err := f.sync(); err != nil {
			return err
		}
		if err := f.write(tufrepo.MetadataFile(role, s.info[role].Version), s.set.Files[role]); err != nil {
			return err
		}
	}
	if err := f.sync(); err != nil {
		return err
	}
	l.announce(s, targets)
	return nil
}

// announce tells the feed handler what is served now.
func (w *Writer) announce(s State, targets []tufrepo.Target) {
	defer w.repo.served.Store(&s)
	lengths := make(map[string]int64, len(targets))
	for _, t := range targets {
		lengths[tufrepo.StoredTarget(t.Path, t.SHA256)] = t.Length
	}
	w.repo.lengths.Store(&lengths)
	if w.repo.cfg.Published == nil {
		return
	}
	w.repo.cfg.Published(s.files(), func(path string) bool {
		_, published := lengths[path]
		return published
	})
}
