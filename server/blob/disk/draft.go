// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"landed/internal/durable"
	"landed/server/blob"
)

// draft is a file in tmp, locked as long as it is open.
type draft struct {
	blob.Temp
	store *Store
	name  string
}

// Create implements blob.Store.
func (s *Store) Create(ctx context.Context) (blob.Draft, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("begin draft: %w", err)
	}
	for {
		name := path.Join(tmpDir, rand.Text())
		f, err := s.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, fmt.Errorf("begin draft: %w", blob.WithNoSpace(err))
		}
		if durable.TryLockFile(f) == nil && s.stillThere(name) {
			return &draft{blob.Temp{File: f}, s, name}, nil
		}
		// A sweep of another process came between the two calls and took the file for a leftover.
		f.Close()
	}
}

// Commit implements blob.Draft.
func (d *draft) Commit(ctx context.Context, ref blob.Ref) (blob.Info, error) {
	if err := errors.Join(d.Usable(), ctx.Err(), ref.Check()); err != nil {
		return blob.Info{}, fmt.Errorf("commit draft: %w", err)
	}
	if err := seal(d.File); err != nil {
		return blob.Info{}, d.Spoil(fmt.Errorf("commit %s: %w", ref, blob.WithNoSpace(err)))
	}
	fresh, err := d.store.publish(d.name, name(ref))
	if err != nil { // the file may have its final name already, so nothing may be appended to it
		return blob.Info{}, d.Spoil(fmt.Errorf("commit %s: %w", ref, blob.WithNoSpace(err)))
	}
	if !fresh {
		old, err := d.store.Stat(ctx, ref)
		if err != nil {
			return blob.Info{}, fmt.Errorf("commit %s: %w", ref, err)
		}
		if old.Size != d.Size() {
			return blob.Info{}, fmt.Errorf("commit %s: %w: %d bytes are stored under it and %d were sent; check the store, "+
				"as one of the two is damaged",
				ref, blob.ErrMismatch, old.Size, d.Size())
		}
	}
	info := blob.Info{Ref: ref, Size: d.Size()}
	// The content is there for good. A temporary name that stays behind is swept at the next start.
	_ = d.Abort()
	return info, nil
}

// Abort implements blob.Draft.
func (d *draft) Abort() error {
	done, err := d.Close()
	if !done {
		return nil
	}
	if err := errors.Join(err, d.store.root.Remove(d.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("abort draft: %w", err)
	}
	return nil
}

// sweep removes drafts whose process is gone: their lock went with it.
func (s *Store) sweep() error {
	dir, err := s.root.Open(tmpDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := s.sweepOne(path.Join(tmpDir, n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a draft left over from before: %w", err)
		}
	}
	return nil
}

func (s *Store) sweepOne(name string) error {
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if durable.TryLockFile(f) != nil {
		return nil
	}
	return s.root.Remove(name)
}

func (s *Store) stillThere(name string) bool {
	_, err := s.root.Lstat(name)
	return err == nil
}
