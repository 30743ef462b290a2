// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"landed/internal/durable"
	"landed/manifests/tufrepo"
	"landed/server/blob"
)

const (
	metadataDir = "metadata"
	targetsDir  = "targets"
)

// folder is the feed as files, so that any file server can serve it.
type folder struct {
	dir   string
	root  *os.Root
	blobs blob.Store
	links blob.Linker             // nil if contents are no local files: then only metadata is written
	step  func(done string) error // after each write; tests end the process here
}

func openFolder(dir string, blobs blob.Store) (folder, error) {
	for _, d := range []string{metadataDir, targetsDir} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return folder{}, err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return folder{}, err
	}
	links, _ := blobs.(blob.Linker)
	return folder{dir: dir, root: root, blobs: blobs, links: links, step: func(string) error { return nil }}, nil
}

func (f folder) Close() error { return f.root.Close() }

// link makes target appear, if it is not there yet, as a further name of its content.
func (f folder) link(ctx context.Context, t tufrepo.Target) error {
	if f.links == nil {
		return nil
	}
	stored := path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256))
	if info, err := f.root.Stat(stored); err == nil && info.Size() == t.Length {
		return nil
	}
	return f.linkAnew(ctx, t)
}

// linkAnew puts the content in the place of whatever lies there.
func (f folder) linkAnew(ctx context.Context, t tufrepo.Target) error {
	if f.links == nil {
		return nil
	}
	if err := f.sound(ctx, t); err != nil {
		return err
	}
	stored := path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256))
	if err := f.root.MkdirAll(path.Dir(stored), 0o755); err != nil {
		return err
	}
	if err := f.links.LinkTo(ctx, blob.Ref(t.SHA256), filepath.Join(f.dir, filepath.FromSlash(stored))); err != nil {
		return fmt.Errorf("put %s into the feed: %w", t.Path, err)
	}
	return f.step(stored)
}

// write makes a metadata file appear whole. sync makes its name durable.
func (f folder) write(name string, doc []byte) error {
	if have, err := f.root.ReadFile(path.Join(metadataDir, name)); err == nil && bytes.Equal(have, doc) {
		return nil
	}
	file, err := durable.CreateIn(f.root, metadataDir, 0o644)
	if err != nil {
		return err
	}
	defer file.Discard()
	if _, err := file.Write(doc); err != nil {
		return err
	}
	if err := file.Seal(); err != nil {
		return err
	}
	if err := f.step(file.Temp()); err != nil {
		return err
	}
	if err := file.Replace(name); err != nil {
		return err
	}
	return f.step(path.Join(metadataDir, name))
}

// sync makes the names in the metadata folder durable.
func (f folder) sync() error { return durable.SyncFolderIn(f.root, metadataDir) }

// read is a metadata file of the folder, nil if it is not there.
func (f folder) read(name string) ([]byte, error) {
	doc, err := f.root.ReadFile(path.Join(metadataDir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return doc, err
}

// holds says what is wrong with a target in the folder. Its bytes are those of the content,
// as it is a further name of it: only presence and length are looked at.
func (f folder) holds(t tufrepo.Target) error {
	if f.links == nil {
		return nil
	}
	stored := path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256))
	info, err := f.root.Stat(stored)
	if err != nil {
		return fmt.Errorf("%s is not in the feed folder; start the server, it puts it there again: %w", stored, err)
	}
	if info.Size() != t.Length {
		return fmt.Errorf("%s has %d bytes, %d are signed; delete it and start the server", stored, info.Size(), t.Length)
	}
	return nil
}

// lock keeps other processes from writing the folder. The kernel lets go of it when the process ends, however it ends.
// Where there is no such lock, run one server per data folder.
func (f folder) lock() (unlock func() error, err error) {
	return durable.Lock(filepath.Join(f.dir, ".lock"))
}

// sweep removes what a process left that was cut off while it wrote.
func (f folder) sweep() error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	return errors.Join(durable.Sweep(filepath.Join(f.dir, metadataDir)), unlock())
}
