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
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/server/fleet"
	"landed/server/store"
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
	at := now().UTC()
	if err := errors.Join(copied(db.Copy(ctx, filepath.Join(aside, databaseFile)), o), db.Close()); err != nil {
		return err
	}
	schema, files := schemaOfTwo, []string{databaseFile, reportsFile}
	if o.Alone {
		schema, files = schemaOfControl, files[:1]
	}
	made := filepath.Join(aside, "made.tar")
	out, err := os.OpenFile(made, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	text, err := json.Marshal(about{schema, at, o.Keys, o.Packages})
	if err == nil {
		err = w.WriteHeader(&tar.Header{Name: aboutFile, Mode: 0o600, Size: int64(len(text)), ModTime: at})
	}
	if err == nil {
		_, err = w.Write(text)
	}
	for _, name := range files {
		if err == nil {
			err = addFile(w, filepath.Join(aside, name), name)
		}
	}
	for _, name := range d.backedUp(o) {
		if err == nil {
			err = d.addAll(ctx, w, name)
		}
	}
	if err = errors.Join(err, w.Close()); err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return durable.Rename(made, file)
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

func (d Dir) backedUp(o BackupOptions) []string {
	names := []string{onlineFile, nextFile, otaKeysDir, feedDir + "/metadata"}
	if o.Keys {
		names = append(names, keysDir)
	}
	if o.Packages {
		names = append(names, blobsDir+"/blobs")
	}
	return names
}

// addAll adds a file or folder of d; one that is not there is left out.
func (d Dir) addAll(ctx context.Context, w *tar.Writer, name string) error {
	return filepath.WalkDir(d.path(filepath.FromSlash(name)), func(p string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		below, err := filepath.Rel(string(d), p)
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
