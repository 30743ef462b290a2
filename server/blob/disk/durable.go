// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"landed/internal/durable"
)

// All that makes a change survive a power cut is in this file. Three rules: the bytes of a file are
// synced before it gets its name; a folder is synced after a name in it changed; and nobody is told
// of a success before both.

// layOut makes all folders at once and syncs their parents, so that a commit need not ask whether the
// folder it uses is itself durable.
func (s *Store) layOut() error {
	dirs := []string{tmpDir, blobsDir}
	for _, shard := range shards() {
		dirs = append(dirs, path.Join(blobsDir, shard))
	}
	for _, d := range dirs {
		if err := s.root.Mkdir(d, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return errors.Join(durable.SyncFolderIn(s.root, blobsDir), durable.SyncFolderIn(s.root, "."),
		durable.SyncFolder(filepath.Dir(s.root.Name())))
}

// publish gives the synced file tmp its final name, durably. If the name is taken it leaves what is
// there and reports fresh == false. A hard link is used, and not a rename, because a rename would
// silently replace what is there.
func (s *Store) publish(tmp, final string) (fresh bool, err error) {
	err = s.root.Link(tmp, final)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	// Also when the name was taken: whoever took it may not have synced yet.
	return err == nil, durable.SyncFolderIn(s.root, path.Dir(final))
}

// seal makes the file read-only and syncs its bytes. After a failed fsync the kernel may have dropped
// pages and call the next fsync a success, so the file cannot be used any more.
func seal(f *os.File) error {
	if err := f.Chmod(0o444); err != nil {
		return err
	}
	return f.Sync()
}
