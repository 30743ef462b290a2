// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"landed/manifests/tufrepo"
	"landed/server/blob"
)

// heal writes what the folder lacks of the published state. It is the same walk as that of a
// publication, so it may run at any time.
func (p *Publisher) heal(ctx context.Context) error {
	unlock, err := p.folder.lock()
	if err != nil {
		return err
	}
	defer unlock()
	s, err := p.load(ctx)
	if err != nil || !s.started() {
		return err
	}
	return p.writeLocked(ctx, s)
}

// writeLocked makes the folder say what s says, the newest state. Another process may publish at
// the same time: the lock of the folder is held, so that the folder never goes back.
func (p *Publisher) writeLocked(ctx context.Context, s state) error {
	if err := p.writeFiles(ctx, s); err != nil {
		return fmt.Errorf("the publication stands in the database, but the feed folder could not be written; it will be tried again: %w", err)
	}
	p.written = s.info[tufrepo.Timestamp].Version
	return nil
}

// writeFiles makes the folder say what s says, in the order in which a client can follow at any
// moment: payloads, roots, roles, snapshot, and the timestamp as the point of no return.
func (p *Publisher) writeFiles(ctx context.Context, s state) error {
	targets := s.targets()
	if err := p.linkAll(ctx, targets); err != nil {
		return err
	}
	for i, doc := range s.set.Roots {
		if err := p.folder.write(tufrepo.MetadataFile(tufrepo.Root, s.firstRoot()+int64(i)), doc); err != nil {
			return err
		}
	}
	for _, role := range slices.Sorted(maps.Keys(s.set.Files)) {
		if role == tufrepo.Snapshot || role == tufrepo.Timestamp {
			continue
		}
		if err := p.folder.write(tufrepo.MetadataFile(role, s.info[role].Version), s.set.Files[role]); err != nil {
			return err
		}
	}
	for _, role := range []string{tufrepo.Snapshot, tufrepo.Timestamp} {
		if err := p.folder.sync(); err != nil {
			return err
		}
		if err := p.folder.write(tufrepo.MetadataFile(role, s.info[role].Version), s.set.Files[role]); err != nil {
			return err
		}
	}
	if err := p.folder.sync(); err != nil {
		return err
	}
	p.announce(s, targets)
	return nil
}

// announce tells the feed handler what is served now.
func (p *Publisher) announce(s state, targets []tufrepo.Target) {
	if p.cfg.Published == nil {
		return
	}
	stored := make(map[string]bool, len(targets))
	for _, t := range targets {
		stored[tufrepo.StoredTarget(t.Path, t.SHA256)] = true
	}
	p.cfg.Published(s.files(), func(path string) bool { return stored[path] })
}

// Check reads every published file again: each metadata file in the folder, and each target
// in the blob store and in the folder, against the digest that was signed. It returns every
// fault; progress, if not nil, is told the path of each file before it is read.
func (p *Publisher) Check(ctx context.Context, progress func(path string)) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, faults, err := p.checkFolder(ctx)
	if err != nil || !s.started() {
		return faults, err
	}
	if err := s.set.Check(p.now()); err != nil {
		faults = append(faults, fmt.Sprintf("the published metadata as a whole: %v", err))
	}
	for _, t := range s.targets() {
		if progress != nil {
			progress(t.Path)
		}
		if err := blob.Verify(ctx, p.cfg.Blobs, blob.Ref(t.SHA256)); err != nil {
			if ctx.Err() != nil {
				return faults, ctx.Err()
			}
			faults = append(faults, fmt.Sprintf("%s: %v", t.Path, err))
		}
		if err := p.folder.holds(t); err != nil {
			faults = append(faults, err.Error())
		}
	}
	return faults, nil
}

// checkFolder holds the metadata in the folder against what is published now. While it looks,
// nobody publishes: beside a running server there are no differences that are none.
func (p *Publisher) checkFolder(ctx context.Context) (s state, faults []string, err error) {
	unlock, err := p.folder.lock()
	if err != nil {
		return s, nil, err
	}
	defer unlock()
	if s, err = p.load(ctx); err != nil || !s.started() {
		return s, nil, err
	}
	files := s.files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		have, err := p.folder.read(name)
		if err != nil || string(have) != string(files[name]) {
			faults = append(faults, fmt.Sprintf("metadata/%s in the feed folder is not what was signed (%d bytes, wanted %d); start the server, it writes it again", name, len(have), len(files[name])))
		}
	}
	return s, faults, nil
}
