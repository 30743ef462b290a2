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
	if err := f.root.MkdirAll(path.Dir(stored), 0o755); err != nil {
		return err
	}
	if err := f.links.LinkTo(ctx, blob.Ref(t.SHA256), filepath.Join(f.dir, filepath.FromSlash(stored))); err != nil {
		return fmt.Errorf("put %s into the feed: %w", t.Path, err)
	}
	return f.step(stored)
}

// write makes a metadata file appear whole: a temporary file, made durable, then renamed.
// sync makes the name durable too.
func (f folder) write(name string, doc []byte) error {
	name = path.Join(metadataDir, name)
	if have, err := f.root.ReadFile(name); err == nil && bytes.Equal(have, doc) {
		return nil
	}
	temp := path.Join(metadataDir, ".next-"+path.Base(name))
	if err := f.writeWhole(temp, doc); err != nil {
		return err
	}
	if err := f.step(temp); err != nil {
		return err
	}
	if err := f.root.Rename(temp, name); err != nil {
		return err
	}
	return f.step(name)
}

func (f folder) writeWhole(name string, doc []byte) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(doc)
	return errors.Join(err, file.Sync(), file.Close())
}

// sync makes the names in the metadata folder durable.
func (f folder) sync() error {
	d, err := f.root.Open(metadataDir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

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
