// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"landed/manifests/tufrepo"
	"landed/server/blob"
)

// Content is one content of the store, and the files of the feed that are names of it.
type Content struct {
	repo   *Repo
	sha256 string
}

// Content speaks of the content with a SHA-256.
func (r *Repo) Content(sha256 string) Content { return Content{r, sha256} }

// SetAside takes damaged content out of the feed, under each name that it has there, and of the store, so that nobody is given
// it. What is published of it is missing then, and is told as lost, until the same bytes are stored again.
func (c Content) SetAside(ctx context.Context) error {
	r, sha256 := c.repo, c.sha256
	return r.writer.alone(func(w *Writer) error {
		s, err := r.State(ctx)
		if err != nil {
			return err
		}
		for _, t := range s.Targets() {
			if t.SHA256 == sha256 {
				if err := r.folder.unlink(t); err != nil {
					return err
				}
			}
		}
		var left []error // which keep nobody from what is done for handsets
		for _, f := range (Shelf{r}).namesOf(sha256) {
			left = append(left, beside{r.folder}.unlink(f))
		}
		if err := blob.SetAside(ctx, r.cfg.Blobs, blob.Ref(sha256)); err != nil {
			return errors.Join(append(left, err)...)
		}
		return errors.Join(append(left, w.heal(ctx))...)
	})
}

// LinkAgain makes every published file of a content a name of what the store has: a file of its own, with the same
// length and other bytes, is replaced.
func (c Content) LinkAgain(ctx context.Context) error {
	r, sha256 := c.repo, c.sha256
	return r.writer.alone(func(w *Writer) error {
		s, err := r.State(ctx)
		if err != nil {
			return err
		}
		for _, t := range s.Targets() {
			if t.SHA256 == sha256 {
				if err := r.folder.linkAnew(ctx, t); err != nil {
					return err
				}
			}
		}
		for _, f := range (Shelf{r}).namesOf(sha256) {
			if err := (beside{r.folder}).put(ctx, f); err != nil { // which keeps nobody from uploading
				r.cfg.Log.WarnContext(ctx, "a further name of a package is not there again; the next tick tries", "path", f.Path, "err", err)
			}
		}
		return nil
	})
}

// Length is that of a published target, by its stored path below targets.
func (r *Repo) Length(stored string) (length int64, published bool) {
	all := r.lengths.Load()
	if all == nil {
		return 0, false
	}
	length, published = (*all)[stored]
	return length, published
}

func (f folder) unlink(t tufrepo.Target) error {
	if !f.keeps(t) {
		return nil
	}
	err := f.at().Remove(path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// sound sets content aside whose length is not the one that is signed; it is not found then.
func (f folder) sound(ctx context.Context, t tufrepo.Target) error {
	info, err := f.blobs.Stat(ctx, blob.Ref(t.SHA256))
	if err != nil || info.Size == t.Length {
		return err
	}
	if err := errors.Join(f.unlink(t), blob.SetAside(ctx, f.blobs, blob.Ref(t.SHA256))); err != nil {
		return err
	}
	return fmt.Errorf("the content of %s has %d bytes, wanted %d, and was set aside: %w", t.Path, info.Size, t.Length,
		blob.ErrNotFound)
}
