// SPDX-License-Identifier: Apache-2.0

// Package disk keeps content in a folder, one file each, for a server with its own disk.
//
//	blobs/ab/abcdef…   committed content, named by its SHA-256; read-only files
//	tmp/…              drafts, each locked by the process that writes it
//
// It promises what package blob asks, on any file system with hard links and an honest fsync. No name
// can lead out of the folder: every access goes through an [os.Root]. Files are never changed in
// place. It refuses file systems without hard links, when the first draft is committed.
//
// Several processes may use one folder at a time. Content that somebody puts into blobs by hand under
// a proper name is content; files with other names are left alone and not listed.
package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"

	"landed/internal/durable"
	"landed/server/blob"
)

const (
	blobsDir = "blobs"
	tmpDir   = "tmp"
)

// Store is a blob.Store and a blob.Linker on a folder.
type Store struct {
	root *os.Root
}

var (
	_ blob.Store   = (*Store)(nil)
	_ blob.Linker  = (*Store)(nil)
	_ blob.Content = (*Content)(nil)
)

// Open opens the store in the folder dir, makes it if it is missing, and removes the drafts that
// processes left behind when they ended without a word. Drafts being written now are not touched.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("open content folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open content folder: %w", err)
	}
	s := &Store{root: root}
	if err := errors.Join(s.layOut(), s.sweep()); err != nil {
		root.Close()
		return nil, fmt.Errorf("open content folder %s: %w", dir, blob.WithNoSpace(err))
	}
	return s, nil
}

// Close gives back the handle of the folder. Contents that are open stay open.
func (s *Store) Close() error { return s.root.Close() }

// Content is an open file. It embeds the *os.File so that net/http can use sendfile.
type Content struct {
	*os.File
	size int64
}

// Size is the number of bytes.
func (c *Content) Size() int64 { return c.size }

// Open implements blob.Store; what it gives is a *Content.
func (s *Store) Open(ctx context.Context, ref blob.Ref) (blob.Content, error) {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return nil, fmt.Errorf("open content: %w", err)
	}
	f, err := s.root.Open(name(ref))
	if err != nil {
		return nil, fmt.Errorf("open content %s: %w", ref, asNotFound(err))
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open content %s: %w", ref, err)
	}
	return &Content{f, fi.Size()}, nil
}

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, ref blob.Ref) (blob.Info, error) {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return blob.Info{}, fmt.Errorf("look up content: %w", err)
	}
	fi, err := s.root.Stat(name(ref))
	if err != nil {
		return blob.Info{}, fmt.Errorf("look up content %s: %w", ref, asNotFound(err))
	}
	return blob.Info{Ref: ref, Size: fi.Size()}, nil
}

// Delete implements blob.Store. Files that LinkTo made keep the bytes, and the space, of the content.
func (s *Store) Delete(ctx context.Context, ref blob.Ref) error {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return fmt.Errorf("delete content: %w", err)
	}
	if err := s.root.Remove(name(ref)); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("delete content %s: %w", ref, err)
	}
	return durable.SyncFolderIn(s.root, path.Dir(name(ref)))
}

// List implements blob.Store.
func (s *Store) List(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for _, shard := range shards() {
			infos, err := s.listShard(shard)
			if err := cmp.Or(ctx.Err(), err); err != nil {
				yield(blob.Info{}, fmt.Errorf("list content: %w", err))
				return
			}
			for _, info := range infos {
				if !yield(info, nil) {
					return
				}
			}
		}
	}
}

// listShard reads one folder whole: with a million contents that is some 4,000 names.
func (s *Store) listShard(shard string) ([]blob.Info, error) {
	f, err := s.root.Open(path.Join(blobsDir, shard))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var infos []blob.Info
	for _, e := range entries {
		ref, err := blob.ParseRef(e.Name())
		if err != nil || string(ref[:2]) != shard || !e.Type().IsRegular() {
			continue
		}
		fi, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted since the folder was read
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, blob.Info{Ref: ref, Size: fi.Size()})
	}
	slices.SortFunc(infos, func(a, b blob.Info) int { return cmp.Compare(a.Ref, b.Ref) })
	return infos, nil
}

func name(ref blob.Ref) string { return path.Join(blobsDir, string(ref[:2]), string(ref)) }

func asNotFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return blob.ErrNotFound
	}
	return err
}

// shards are the 256 folders below blobs, in order: they keep each folder short.
func shards() []string {
	const hex = "0123456789abcdef"
	var all []string
	for _, a := range hex {
		for _, b := range hex {
			all = append(all, string(a)+string(b))
		}
	}
	return all
}
