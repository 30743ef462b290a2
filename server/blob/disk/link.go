// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"landed/internal/durable"
	"landed/server/blob"
)

// LinkTo implements blob.Linker by a hard link.
func (s *Store) LinkTo(ctx context.Context, ref blob.Ref, path string) error {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return fmt.Errorf("link content: %w", err)
	}
	content := filepath.Join(s.root.Name(), filepath.FromSlash(name(ref)))
	if _, err := os.Lstat(content); err != nil {
		return fmt.Errorf("link content %s: %w", ref, asNotFound(err))
	}
	if err := errors.Join(link(content, path), durable.SyncFolder(filepath.Dir(path))); err != nil {
		if errors.Is(err, syscall.EXDEV) {
			return fmt.Errorf("link content %s to %s: put the store and the folder on the same file system (%w; %w)", ref,
				path, errors.ErrUnsupported, err)
		}
		return fmt.Errorf("link content %s: %w", ref, blob.WithNoSpace(err))
	}
	return nil
}

// link makes path a further name of the file, replacing what was there in one step.
func link(file, path string) error {
	err := os.Link(file, path)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	beside := filepath.Join(filepath.Dir(path), ".link-"+rand.Text())
	if err := os.Link(file, beside); err != nil {
		return err
	}
	// rename(2) does nothing, and keeps both names, if they are names of one file already.
	err = os.Rename(beside, path)
	if rm := os.Remove(beside); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}
