// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/server/fleet"
	"landed/server/store"
)

// Restored says what a restore brought back, and what it did not.
type Restored struct {
	At      time.Time // of the backup: what came later is not in it
	Keys    bool      // the folder has online keys
	Missing []string  // packages whose content is not in the folder: SHA-256 and name
	Aside   string    // where the database lies that was there before; "" if there was none
	Head    map[fleet.Tree]int64
}

// Restore brings a backup back into a data folder. A folder with anything in it is refused unless force is set: then the
// database, and whatever its -wal and -shm hold, is moved aside and not deleted, and other files that are there stay as
// they are, the feed above all: handsets have seen it. No server may run on the folder.
func (d Dir) Restore(ctx context.Context, file string, force bool, now func() time.Time) (done Restored, err error) {
	entries, err := os.ReadDir(string(d))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return done, err
	}
	if len(entries) > 0 && !force {
		return done, fmt.Errorf("%s is not empty; choose another folder, or say --force: its database is moved aside then, and "+
			"its feed and keys stay", d)
	}
	in, err := os.Open(file)
	if err != nil {
		return done, err
	}
	defer in.Close()
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return done, err
	}
	unlock, err := d.Lock()
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := d.onServer("to restore a backup"); err != nil {
		return done, err
	}
	fresh := filepath.Join(string(d), ".restoring.db")
	defer os.Remove(fresh)
	defer os.Remove(store.ReportsFile(fresh))
	two := false
	if done.At, two, err = d.unpackBackup(in, fresh); err != nil {
		return done, fmt.Errorf("%s: %w; the database of the folder was not touched", file, err)
	}
	if done.Aside, err = d.moveAside(now()); err != nil {
		return done, err
	}
	if two { // first: control without its reports would miss them, and reports without control are taken for nobody's
		if err := durable.Rename(store.ReportsFile(fresh), d.path(reportsFile)); err != nil {
			return done, err
		}
	}
	if err := durable.Rename(fresh, d.Database()); err != nil {
		return done, err
	}
	return done, d.look(ctx, &done, now)
}

// unpackBackup writes the database to fresh, its reports beside that, and every other file that is not there yet to its
// place. two says that the reports were a file of their own.
func (d Dir) unpackBackup(in io.Reader, fresh string) (at time.Time, two bool, err error) {
	r := readArchive(in)
	var a about
	for first := true; ; first = false {
		h, err := r.Next()
		two = a.Schema == schemaOfTwo
		if errors.Is(err, io.EOF) && r.seen[databaseFile] && r.seen[reportsFile] == two {
			return a.At, two, nil
		}
		if err != nil {
			return at, two, fmt.Errorf("it is no whole backup of otad: %w", err)
		}
		switch {
		case first:
			if json.NewDecoder(io.LimitReader(r, 4096)).Decode(&a) != nil ||
				a.Schema != schemaOfOne && a.Schema != schemaOfTwo {
				return at, two, errors.New("it is no backup that otad backup of this version wrote")
			}
		case h.Name == databaseFile, h.Name == reportsFile:
			place := fresh
			if h.Name == reportsFile {
				place = store.ReportsFile(fresh)
			}
			if err := writeNew(place, r, 0o600, true); err != nil {
				return at, two, err
			}
		default:
			place := d.path(filepath.FromSlash(h.Name))
			if _, err := os.Lstat(place); err == nil {
				continue
			}
			if err := writeNew(place, r, fs.FileMode(h.Mode).Perm(), false); err != nil {
				return at, two, err
			}
		}
	}
}

func backupName(name string) bool {
	for _, top := range []string{onlineFile, nextFile, databaseFile, reportsFile} {
		if name == top {
			return true
		}
	}
	for _, top := range []string{otaKeysDir + "/", feedDir + "/metadata/", keysDir + "/", blobsDir + "/blobs/"} {
		if strings.HasPrefix(name, top) {
			return true
		}
	}
	return false
}

func writeNew(place string, r io.Reader, mode fs.FileMode, replace bool) error {
	folder := fs.FileMode(0o755)
	if filepath.Base(filepath.Dir(place)) == keysDir || mode&0o077 == 0 {
		folder = 0o700
	}
	if err := os.MkdirAll(filepath.Dir(place), folder); err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if replace {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(place, flags, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// moveAside takes the files of the database and what belongs to them out of the way: a -wal of another database would be
// played into the restored one. The name of control is returned.
func (d Dir) moveAside(now time.Time) (aside string, err error) {
	before := ".before-" + now.UTC().Format("20060102T150405Z")
	aside = d.Database() + before
	moved := false
	for _, name := range []string{d.Database(), d.path(reportsFile)} {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			err := os.Rename(name+suffix, name+before+suffix)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
			moved = moved || err == nil
		}
	}
	if !moved {
		return "", nil
	}
	return aside, durable.SyncFolder(string(d))
}

// look opens what was restored, and says what it lacks.
func (d Dir) look(ctx context.Context, done *Restored, now func() time.Time) error {
	db, err := store.Open(ctx, d.Database(), now)
	if err != nil {
		return err
	}
	done.Head = map[fleet.Tree]int64{}
	keys, _ := os.ReadDir(d.path(keysDir))
	done.Keys = len(keys) > 0
	err = db.View(ctx, func(tx fleet.Tx) error {
		for _, tree := range fleet.Trees() {
			h, _, err := tx.Seals().Latest(ctx, tree)
			if err != nil {
				return err
			}
			done.Head[tree] = h.Size
		}
		all, err := tx.Packages().List(ctx)
		seen := map[string]bool{}
		for _, p := range all {
			place := filepath.Join(d.Blobs(), "blobs", p.SHA256[:2], p.SHA256)
			if info, err := os.Stat(place); (err != nil || info.Size() != p.Size) && !seen[p.SHA256] {
				done.Missing = append(done.Missing, p.SHA256+"  "+p.Name)
			}
			seen[p.SHA256] = true
		}
		return err
	})
	return errors.Join(err, db.Close())
}
