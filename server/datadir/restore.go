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
	Reports bool      // they were in the backup
	Records string    // what is wrong with the records of the database by the key of the folder; "" if nothing is
	Missing []string  // packages whose content is not in the folder: SHA-256 and name
	Aside   string    // where the database lies that was there before; "" if there was none
	Head    map[fleet.Tree]int64
}

// Restore brings a backup back into a data folder. A folder with anything in it is refused unless force is set: then the
// database, and whatever its -wal and -shm hold, is moved aside and not deleted, and other files that are there stay as
// they are, the feed above all: handsets have seen it. No server may run on the folder. One that is cut off while it moves
// files leaves a folder that nothing opens, until it is run again, with any backup.
func (d Dir) Restore(ctx context.Context, file string, force bool, now func() time.Time) (done Restored, err error) {
	return restorer{d, func(string) {}}.restore(ctx, file, force, now)
}

// restorer restores. It tells each file that it put into another place; tests end the process there.
type restorer struct {
	Dir
	moved func(name string)
}

func (r restorer) restore(ctx context.Context, file string, force bool, now func() time.Time) (done Restored, err error) {
	entries, err := os.ReadDir(string(r.Dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return done, err
	}
	before, err := r.cutOff()
	if err != nil {
		return done, err
	}
	if len(entries) > 0 && !force && before == nil {
		return done, fmt.Errorf("%s is not empty; choose another folder, or say --force: its database is moved aside then, and "+
			"its feed and keys stay", r.Dir)
	}
	in, err := os.Open(file)
	if err != nil {
		return done, err
	}
	defer in.Close()
	if err := os.MkdirAll(string(r.Dir), 0o755); err != nil {
		return done, err
	}
	unlock, err := r.Lock()
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := r.onServer("to restore a backup"); err != nil {
		return done, err
	}
	fresh := r.path(freshFile)
	defer os.Remove(fresh)
	defer os.Remove(store.ReportsFile(fresh))
	two := false
	if done.At, two, done.Reports, err = (unpacker{r.Dir}).unpackBackup(in, fresh, false); err != nil {
		return done, fmt.Errorf("%s: %w; the database of the folder was not touched", file, err)
	}
	if before == nil {
		before = &restoring{File: file, Before: asideName(r.Dir, now())}
	}
	if err := r.mark(*before); err != nil { // from here to unmark nobody opens what lies there
		return done, err
	}
	r.moved(restoringFile)
	if done.Aside, err = r.moveAside(before.Before); err != nil {
		return done, err
	}
	if err := r.put(fresh, two, restored{filepath.Base(file), done.At}); err != nil {
		return done, err
	}
	return done, unpacker{r.Dir}.look(ctx, &done, now)
}

// put has the fresh files in the places of the database, and says that they are.
func (r restorer) put(fresh string, two bool, what restored) error {
	if two {
		if err := durable.Rename(store.ReportsFile(fresh), r.path(reportsFile)); err != nil {
			return err
		}
		r.moved(reportsFile)
	}
	if err := durable.Rename(fresh, r.Database()); err != nil {
		return err
	}
	r.moved(databaseFile)
	if err := r.note(what); err != nil { // before anybody may open it
		return err
	}
	r.moved(restoredFile)
	if err := r.unmark(); err != nil {
		return err
	}
	r.moved(restoringFile)
	return nil
}

// unpackBackup writes the database to fresh, its reports beside that, and unless only these are wanted, every other file
// that is not there yet to its place. two says that the reports were a file of their own, reports that there are any.
func (d unpacker) unpackBackup(in io.Reader, fresh string, only bool) (at time.Time, two, reports bool, err error) {
	r := readArchive(in)
	var a about
	for first := true; ; first = false {
		h, err := r.Next()
		two, reports = a.Schema == schemaOfTwo, a.Schema != schemaOfControl
		if errors.Is(err, io.EOF) && r.seen[databaseFile] && r.seen[reportsFile] == two {
			return a.At, two, reports, nil
		}
		if err != nil {
			return at, two, reports, fmt.Errorf("it is no whole backup of otad: %w", err)
		}
		switch {
		case first:
			if json.NewDecoder(io.LimitReader(r, 4096)).Decode(&a) != nil || a.Schema < schemaOfOne || a.Schema > schemaOfControl {
				return at, two, reports, errors.New("it is no backup that otad backup of this version wrote")
			}
		case h.Name == reportsFile && !two:
			err = errors.New("it is no whole backup of otad: it has reports of which it does not speak")
		case h.Name == databaseFile:
			err = writeNew(fresh, r, 0o600, true)
		case h.Name == reportsFile:
			err = writeNew(store.ReportsFile(fresh), r, 0o600, true)
		case !only && !exists(d.path(filepath.FromSlash(h.Name))):
			err = writeNew(d.path(filepath.FromSlash(h.Name)), r, fs.FileMode(h.Mode).Perm(), false)
		}
		if err != nil {
			return at, two, reports, err
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
// played into the restored one. What an earlier try of the same restore has put there is removed: what was there before that
// is aside already. The name of control is returned, "" if there was nothing.
func (r restorer) moveAside(before string) (aside string, err error) {
	for _, name := range []string{r.Database(), r.path(reportsFile)} {
		again := exists(name+before) && exists(name)
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if again {
				err = os.Remove(name + suffix)
			} else {
				err = os.Rename(name+suffix, name+before+suffix)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
			if err == nil {
				r.moved(filepath.Base(name) + suffix)
			}
		}
		if exists(name + before) {
			aside = r.Database() + before
		}
	}
	return aside, durable.SyncFolder(string(r.Dir))
}

// asideName is what to put after the names of files that are moved aside, so that none of them replaces another.
func asideName(d Dir, now time.Time) string {
	first := ".before-" + now.UTC().Format("20060102T150405Z")
	name := first
	for n := 2; exists(d.Database()+name) || exists(d.path(reportsFile)+name); n++ {
		name = fmt.Sprintf("%s.%d", first, n)
	}
	return name
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// look opens what was restored, and says what it lacks.
func (d unpacker) look(ctx context.Context, done *Restored, now func() time.Time) error {
	db, err := d.Open(ctx, now)
	if err != nil {
		return err
	}
	done.Head = map[fleet.Tree]int64{}
	folders, err := keyFolders(d.path(keysDir))
	if err != nil {
		return errors.Join(err, db.Close())
	}
	_, err = loadSet(folders[len(folders)-1])
	done.Keys = err == nil
	if done.Records, err = restoredRecords(ctx, db); err != nil {
		return errors.Join(err, db.Close())
	}
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

// restoredRecords says what is wrong with the records of a restored database, by the key of the folder.
func restoredRecords(ctx context.Context, db store.Database) (string, error) {
	faults, err := db.CheckRecords(ctx)
	if err != nil || len(faults) == 0 {
		return "", err
	}
	if len(faults) > 1 {
		return fmt.Sprintf("%s (and %d more, which otad fsck names)", faults[0], len(faults)-1), nil
	}
	return faults[0], nil
}
