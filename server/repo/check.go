// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"landed/server/blob"
)

// Check reads every published file again: each metadata file in the folder, and each target
// in the blob store and in the folder, against the digest that was signed. It returns every
// fault; progress, if not nil, is told the path of each file before it is read.
func (r *Repo) Check(ctx context.Context, progress func(path string)) (faults []string, err error) {
	err = r.writer.alone(func(w *Writer) error {
		faults, err = w.check(ctx, progress)
		return err
	})
	return faults, err
}

func (w *Writer) check(ctx context.Context, progress func(path string)) ([]string, error) {
	r := w.repo
	s, faults, err := w.checkMetadata(ctx)
	if err != nil || !s.Started() {
		return faults, err
	}
	if err := s.set.Check(r.Now()); err != nil {
		faults = append(faults, fmt.Sprintf("the published metadata as a whole: %v", err))
	}
	var further furtherNames
	for _, t := range s.Targets() {
		if progress != nil {
			progress(t.Path)
		}
		if err := blob.Verify(ctx, r.cfg.Blobs, blob.Ref(t.SHA256)); err != nil {
			if ctx.Err() != nil {
				return faults, ctx.Err()
			}
			faults = append(faults, fmt.Sprintf("%s: %v", t.Path, err))
		}
		if err := r.folder.holds(t); err != nil {
			faults = append(faults, err.Error())
			continue
		}
		further.look(r.folder, t)
	}
	return slices.Concat(faults, further.faults(), w.checkShelf(ctx, s)), nil
}

// checkMetadata holds the metadata in the folder against what is published now. While it looks,
// nobody publishes: beside a running server there are no differences that are none.
func (w *Writer) checkMetadata(ctx context.Context) (s State, faults []string, err error) {
	err = w.lock(func(l locked) error {
		if s, err = l.repo.State(ctx); err != nil || !s.Started() {
			return err
		}
		files := s.files()
		for _, name := range slices.Sorted(maps.Keys(files)) {
			have, err := l.repo.folder.read(name)
			if err != nil || string(have) != string(files[name]) {
				faults = append(faults, fmt.Sprintf("metadata/%s in the feed folder is not what was signed (%d bytes, wanted %d); "+
					"start the server, it writes it again", name, len(have), len(files[name])))
			}
		}
		return nil
	})
	return s, faults, err
}
