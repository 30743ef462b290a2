// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/server/fleet"
	"landed/server/store"
)

// packer puts what belongs to a folder into a backup, and unpacker takes it out.
type (
	packer   struct{ Dir }
	unpacker struct{ Dir }
)

// BackupOptions says what goes into a backup beside the database, the certificates and the published metadata.
type BackupOptions struct {
	Keys     bool // the online keys: whoever has the file can sign as this server then
	Packages bool // the contents of packages; they can be uploaded again
	Alone    bool // control without the reports: for a folder whose reports are lost or damaged
}

// about is the first entry of a backup.
type about struct {
	Schema   int       `json:"schema"`
	At       time.Time `json:"at"`
	Keys     bool      `json:"keys"`
	Packages bool      `json:"packages"`
}

const aboutFile = "backup.json"

// The schemas of a backup: of a program that kept everything in one database file, of two files, and of control alone.
const (
	schemaOfOne     = 1
	schemaOfTwo     = 2
	schemaOfControl = 3
)

// Backup writes a data folder to one file, a tar archive that appears whole, readable by its owner alone; it may run
// beside the server. A file that is there already is refused.
func (d Dir) Backup(ctx context.Context, file string, o BackupOptions, now func() time.Time) (err error) {
	if _, err := os.Lstat(file); err == nil {
		return errors.New(file + " is there already; choose another name")
	}
	if err := d.onServer("a backup"); err != nil {
		return err
	}
	aside, err := os.MkdirTemp(filepath.Dir(file), ".backup-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(aside)
	db, err := d.Open(ctx, now)
	if err != nil {
		return err
	}
	made := filepath.Join(aside, "made.tar")
	out, err := os.OpenFile(made, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	w := tar.NewWriter(out)
	err = packer{d}.pack(ctx, w, db, filepath.Join(aside, databaseFile), o, now().UTC())
	if err = errors.Join(err, db.Close(), w.Close()); err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return durable.Rename(made, file)
}

// pack writes what a backup has to w; fresh is where the copy of the database is made. The feed comes before it, so that the
// database of a backup knows all that its feed says, whatever is published meanwhile.
func (d packer) pack(ctx context.Context, w *tar.Writer, db store.Database, fresh string, o BackupOptions, at time.Time) error {
	schema, copies := schemaOfTwo, map[string]string{databaseFile: fresh, reportsFile: store.ReportsFile(fresh)}
	if o.Alone {
		schema = schemaOfControl
		delete(copies, reportsFile)
	}
	text, err := json.Marshal(about{schema, at, o.Keys, o.Packages})
	if err == nil {
		err = w.WriteHeader(&tar.Header{Name: aboutFile, Mode: 0o600, Size: int64(len(text)), ModTime: at})
	}
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = d.addAll(ctx, w, feedDir+"/metadata")
	}
	if err == nil {
		err = copied(db.Copy(ctx, fresh), o)
	}
	for _, name := range slices.Sorted(maps.Keys(copies)) {
		if err == nil {
			err = addFile(w, copies[name], name)
		}
	}
	for _, name := range d.backedUp(o) {
		if err == nil {
			err = d.addAll(ctx, w, name)
		}
	}
	return err
}

// copied is the error of a copy of the database, as far as it matters for o.
func copied(err error, o BackupOptions) error {
	e, ok := errors.AsType[*fleet.Error](err)
	if !ok || e.Code != store.Unavailable {
		return err
	}
	if o.Alone {
		return nil
	}
	return fmt.Errorf("%w. Nothing was written; a backup without them is better than none: otad backup --without-reports FILE", err)
}

// backedUp is what a backup has beside the feed and the database.
func (d packer) backedUp(o BackupOptions) []string {
	names := []string{onlineFile, nextFile, otaKeysDir}
	if o.Keys {
		names = append(names, keysDir)
	}
	if o.Packages {
		names = append(names, blobsDir+"/blobs")
	}
	return names
}

// addAll adds a file or folder of d; one that is not there is left out.
func (d packer) addAll(ctx context.Context, w *tar.Writer, name string) error {
	return filepath.WalkDir(d.path(filepath.FromSlash(name)), func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		below, err := filepath.Rel(string(d.Dir), p)
		if err != nil || !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		if err := addFile(w, p, filepath.ToSlash(below)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil // replaced or removed meanwhile
	})
}

func addFile(w *tar.Writer, file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: path.Clean(name), Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: info.ModTime()}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.CopyN(w, f, info.Size())
	return err
}
