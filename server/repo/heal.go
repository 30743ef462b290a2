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
	return r.writer.alone(func(w *Writer) error { return w.heal(ctx) })
}

func (w *Writer) heal(ctx context.Context) error {
	if w.repo.cfg.Cluster != nil {
		return w.heard(w.repo.Replica().follow(ctx, true))
	}
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
	if l.repo.cfg.Cluster != nil {
		return l.released(ctx, s.Version(tufrepo.Timestamp))
	}
	err = l.writeFiles(ctx, s)
	if err != nil && l.madeRoom(err) {
		err = l.writeFiles(ctx, s)
	}
	if err != nil {
		return notWritten(err)
	}
	l.written = s.Version(tufrepo.Timestamp)
	return nil
}

func notWritten(err error) error {
	if fleet.Is(err, fleet.Pending) {
		return err
	}
	return &fleet.Error{Kind: fleet.Pending, Code: NotPublished, Err: err,
		Msg: fmt.Sprintf("the publication is stored, and the feed folder could not be written (%s), so handsets do not see "+
			"it yet; the server tries again by itself, and to send it again is safe", Why(err))}
}

// placing puts one state into the folder: known were listed before, and lost are those of them that could not be put there.
type placing struct {
	l     locked
	known listed
	lost  map[string]bool
}

func (l locked) placing(s State) placing { return placing{l, l.listed(s), map[string]bool{}} }

// write makes a metadata file appear, or leaves it out.
func (p placing) write(ctx context.Context, name string, doc []byte) error {
	err := p.l.repo.folder.write(name, doc)
	if err != nil && p.l.leaves(ctx, err, p.known[name], p.lost, name, path.Join(metadataDir, name), Digest(doc)) {
		return nil
	}
	return err
}

// done remembers what was left out.
func (p placing) done() {
	p.l.losing.Lock()
	defer p.l.losing.Unlock()
	p.l.Writer.lost = p.lost
}

// writeFiles makes the folder say what s says, in the order in which a client can follow at any
// moment: payloads, roles, snapshot, roots, and the timestamp as the point of no return. The files for the updaters of others
// follow it: they are names that change their content, and say what the timestamp leads to. No handset waits for them.
func (l locked) writeFiles(ctx context.Context, s State) error {
	f, targets := l.repo.folder, s.Targets()
	if err := f.ensure(); err != nil {
		return err
	}
	p := l.placing(s)
	if err := p.roles(ctx, s, targets); err != nil {
		return err
	}
	for i, doc := range s.set.Roots {
		if err := p.write(ctx, tufrepo.MetadataFile(tufrepo.Root, s.FirstRoot()+int64(i)), doc); err != nil {
			return err
		}
	}
	p.done()
	if err := f.sync(); err != nil {
		return err
	}
	if err := f.write(tufrepo.MetadataFile(tufrepo.Timestamp, 0), s.set.Files[tufrepo.Timestamp]); err != nil {
		return err
	}
	if err := f.sync(); err != nil {
		return err
	}
	l.announce(s, targets)
	shelved := Shelf{l.repo}.give(ctx, s) // before anybody hears that this server is not behind
	l.repo.served.Store(&s)
	l.shelve(ctx, shelved)
	return nil
}

// prepare writes what nobody looks for before he has a timestamp or a root that leads there.
func (l locked) prepare(ctx context.Context, s State) error {
	targets := s.Targets()
	if err := l.repo.folder.ensure(); err != nil {
		return err
	}
	p := l.placing(s)
	if err := p.roles(ctx, s, targets); err != nil {
		return err
	}
	p.done()
	if err := l.repo.folder.sync(); err != nil {
		return err
	}
	if served := l.repo.served.Load(); served != nil {
		l.announce(served.beside(s), append(targets, served.Targets()...))
	}
	l.repo.prepared.Store(&s)
	return nil
}

// beside is s, of which all is served, with the roles of next, of which no client hears yet.
func (s State) beside(next State) State {
	both := s.clone()
	both.more = map[string][]byte{}
	for role, doc := range next.set.Files {
		if role != tufrepo.Timestamp {
			both.more[tufrepo.MetadataFile(role, next.info[role].Version)] = doc
		}
	}
	return both
}

// roles writes payloads, roles and the snapshot.
func (p placing) roles(ctx context.Context, s State, targets []tufrepo.Target) error {
	if err := p.l.linkAll(ctx, targets, p.known, p.lost); err != nil {
		return err
	}
	for _, role := range slices.Sorted(maps.Keys(s.set.Files)) {
		if role == tufrepo.Snapshot || role == tufrepo.Timestamp {
			continue
		}
		if err := p.write(ctx, tufrepo.MetadataFile(role, s.info[role].Version), s.set.Files[role]); err != nil {
			return err
		}
	}
	f := p.l.repo.folder
	if err := f.sync(); err != nil {
		return err
	}
	return f.write(tufrepo.MetadataFile(tufrepo.Snapshot, s.info[tufrepo.Snapshot].Version), s.set.Files[tufrepo.Snapshot])
}

// announce tells the feed handler what is served now.
func (w *Writer) announce(s State, targets []tufrepo.Target) {
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
