// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"landed/server/blob"
)

// draft is a temporary file without a name, where the system allows that: it is gone with its process.
type draft struct {
	blob.Temp
	store *Store
}

// Create implements blob.Store.
func (s *Store) Create(ctx context.Context) (blob.Draft, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("begin draft: %w", err)
	}
	f, err := os.CreateTemp(s.tempDir, "landed-draft-*")
	if err != nil {
		return nil, fmt.Errorf("begin draft: %w", blob.WithNoSpace(err))
	}
	_ = os.Remove(f.Name()) // refused where an open file must have a name; then Abort does it
	return &draft{Temp: blob.Temp{File: f}, store: s}, nil
}

// Commit implements blob.Draft. A store says yes to an upload when the object is durable.
func (d *draft) Commit(ctx context.Context, ref blob.Ref) (blob.Info, error) {
	if err := errors.Join(d.Usable(), ctx.Err(), ref.Check()); err != nil {
		return blob.Info{}, fmt.Errorf("commit draft: %w", err)
	}
	// Most contents that are there already are found before gigabytes are sent in vain.
	old, err := d.store.Stat(ctx, ref)
	if errors.Is(err, blob.ErrNotFound) {
		old, err = d.upload(ctx, ref)
	}
	if err != nil {
		return blob.Info{}, fmt.Errorf("commit %s: %w", ref, err)
	}
	if old.Size != d.Size() {
		return blob.Info{}, fmt.Errorf("commit %s: %w: %d bytes are stored under it and %d were sent; check the store, "+
			"as one of the two is damaged",
			ref, blob.ErrMismatch, old.Size, d.Size())
	}
	_ = d.Abort()
	return old, nil
}

// Abort implements blob.Draft.
func (d *draft) Abort() error {
	done, err := d.Close()
	if !done {
		return nil
	}
	if rm := os.Remove(d.File.Name()); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	if err != nil {
		return fmt.Errorf("abort draft: %w", err)
	}
	return nil
}
