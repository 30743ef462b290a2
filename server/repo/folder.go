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
	"strings"
	"sync/atomic"
	"time"

	"landed/internal/durable"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
)

const (
	metadataDir = "metadata"
	targetsDir  = "targets"
	offersDir   = "offers/" // below targetsDir
)

// folder is the feed as files, so that any file server can serve it.
type folder struct {
	dir   string
	root  *atomic.Pointer[os.Root]
	blobs blob.Store
	links blob.Linker             // nil if contents are no local files: then metadata and offers documents are written
	step  func(done string) error // after each write; tests end the process here

	patience time.Duration // with whoever holds the lock
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
	f := folder{dir: dir, root: &atomic.Pointer[os.Root]{}, blobs: blobs, links: links, patience: lockWait,
		step: func(string) error { return nil }}
	f.root.Store(root)
	return f, nil
}

func (f folder) Close() error { return f.at().Close() }

func (f folder) at() *os.Root { return f.root.Load() }

// ensure makes the folder again if somebody took it away, and looks into the one that lies there now.
func (f folder) ensure() error {
	for _, d := range []string{metadataDir, targetsDir} {
		if err := os.MkdirAll(filepath.Join(f.dir, d), 0o755); err != nil {
			return err
		}
	}
	if f.isThere() == nil {
		return nil
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return err
	}
	return f.root.Swap(root).Close()
}

// isThere says if what lies at the path of the folder is what was opened.
func (f folder) isThere() error {
	mine, err := f.at().Stat(".")
	if err != nil {
		return err
	}
	there, err := os.Stat(f.dir)
	if err == nil && !os.SameFile(mine, there) {
		err = fmt.Errorf("%s is another folder than the one that was opened", f.dir)
	}
	return err
}

// fault says why a file server could not serve the folder, or this server not write it; nil if all is well. begun is
// whether something was published.
func (f folder) fault(begun bool) error {
	if err := f.isThere(); err != nil {
		return err
	}
	if _, err := f.at().Stat(path.Join(metadataDir, tufrepo.MetadataFile(tufrepo.Timestamp, 0))); err != nil && begun {
		return err
	}
	probe, err := durable.CreateIn(f.at(), metadataDir, 0o600)
	if err == nil {
		probe.Discard()
	}
	return err
}

// keeps says if a target lies in the folder. Offers documents always do: one that was published a moment ago has to be
// there for a client that is on its way through the older metadata. Whatever else is in no local file comes from the store.
func (f folder) keeps(t tufrepo.Target) bool {
	return f.links != nil || strings.HasPrefix(t.Path, offersDir)
}

// link makes target appear, if it is not there yet, as a further name of its content.
func (f folder) link(ctx context.Context, t tufrepo.Target) error {
	if !f.keeps(t) {
		return nil
	}
	stored := path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256))
	if info, err := f.at().Stat(stored); err == nil && info.Size() == t.Length {
		return nil
	}
	return f.linkAnew(ctx, t)
}

// linkAnew puts the content in the place of whatever lies there.
func (f folder) linkAnew(ctx context.Context, t tufrepo.Target) error {
	if !f.keeps(t) {
		return nil
	}
	if f.links == nil {
		return f.copyIn(ctx, t)
	}
	if err := f.sound(ctx, t); err != nil {
		return err
	}
	return f.linkAs(ctx, t, path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256)))
}

// linkAs makes name a name of the content of t.
func (f folder) linkAs(ctx context.Context, t tufrepo.Target, name string) error {
	if err := f.at().MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	if err := f.links.LinkTo(ctx, blob.Ref(t.SHA256), filepath.Join(f.dir, filepath.FromSlash(name))); err != nil {
		return fmt.Errorf("put %s into the feed: %w", t.Path, err)
	}
	return f.step(name)
}

// copyIn writes a small document that lies in a store over the network. While that gives no answer it is left out, for the
// store may still be asked when somebody wants it, and no timestamp waits for it.
func (f folder) copyIn(ctx context.Context, t tufrepo.Target) error {
	text, err := stored(ctx, f.blobs, t)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return err
	case err != nil:
		return nil
	case Digest(text) != t.SHA256:
		return fmt.Errorf("the content of %s has other bytes than were signed: %w", t.Path, blob.ErrNotFound)
	}
	dir, name := path.Split(path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256)))
	if err := f.at().MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return f.writeIn(path.Clean(dir), name, text)
}

// write makes a metadata file appear whole. sync makes its name durable.
func (f folder) write(name string, doc []byte) error {
	if have, err := f.at().ReadFile(path.Join(metadataDir, name)); err == nil && bytes.Equal(have, doc) {
		return nil
	}
	return f.writeIn(metadataDir, name, doc)
}

func (f folder) writeIn(dir, name string, doc []byte) error {
	file, err := durable.CreateIn(f.at(), dir, 0o644)
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
	return f.step(path.Join(dir, name))
}

// sync makes the names in the metadata folder durable.
func (f folder) sync() error { return durable.SyncFolderIn(f.at(), metadataDir) }

// read is a metadata file of the folder, nil if it is not there.
func (f folder) read(name string) ([]byte, error) {
	doc, err := f.at().ReadFile(path.Join(metadataDir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return doc, err
}

// holds says what is wrong with a target in the folder. Its bytes are those of the content,
// as it is a further name of it: only presence and length are looked at.
func (f folder) holds(t tufrepo.Target) error {
	if !f.keeps(t) {
		return nil
	}
	stored := path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256))
	info, err := f.at().Stat(stored)
	if err != nil {
		return fmt.Errorf("%s is not in the feed folder; start the server, it puts it there again: %w", stored, err)
	}
	if info.Size() != t.Length {
		return fmt.Errorf("%s has %d bytes, %d are signed; delete it and start the server", stored, info.Size(), t.Length)
	}
	return nil
}

// lockWait bounds how long a publication waits for another process.
const lockWait = 10 * time.Second

// lock keeps other processes from writing the folder. The kernel lets go of it when the process ends, however it ends.
// The file lies beside the folder, which others may read, and is not theirs to open. Where there is no such lock, run one
// server per data folder.
func (f folder) lock() (unlock func() error, err error) {
	path := filepath.Clean(f.dir) + ".lock"
	unlock, err = durable.LockWithin(path, f.patience)
	if errors.Is(err, durable.ErrLocked) {
		err = &fleet.Error{Kind: fleet.Busy, Code: "feed_locked", Err: err,
			Msg: fmt.Sprintf("another process has held the lock of the feed folder (%s) for %s, so nothing was published; see "+
				"which (lslocks), end it or wait for it, then try again", filepath.Base(path), f.patience)}
	}
	return unlock, err
}

// sweep removes what a process left that was cut off while it wrote, and the lock file of older programs, which
// whoever could read the feed could hold.
func (f folder) sweep() error {
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	err = durable.Sweep(filepath.Join(f.dir, metadataDir))
	roles, _ := filepath.Glob(filepath.Join(f.dir, targetsDir, offersDir, "*"))
	for _, dir := range roles {
		err = errors.Join(err, durable.Sweep(dir))
	}
	return errors.Join(err, os.RemoveAll(filepath.Join(f.dir, ".lock")), unlock())
}
