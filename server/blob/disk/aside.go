// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"landed/internal/durable"
	"landed/server/blob"
)

// damagedDir holds what SetAside took out, each under its SHA-256; a later one replaces it.
const damagedDir = "damaged"

var _ blob.Asider = (*Store)(nil)

// SetAside implements blob.Asider.
func (s *Store) SetAside(ctx context.Context, ref blob.Ref) error {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return fmt.Errorf("set content aside: %w", err)
	}
	if err := s.root.MkdirAll(damagedDir, 0o750); err != nil {
		return fmt.Errorf("set content aside: %w", blob.WithNoSpace(err))
	}
	err := s.root.Rename(name(ref), path.Join(damagedDir, string(ref)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = durable.SyncFolderIn(s.root, path.Dir(name(ref)))
	}
	if err != nil {
		return fmt.Errorf("set content %s aside: %w", ref, err)
	}
	return nil
}
