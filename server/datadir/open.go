// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/store"
)

// Open opens the database of the folder. One that is not there is not made: a folder whose disk is not mounted, or whose
// restore was cut off, must not become a server that knows of nothing.
func (d Dir) Open(ctx context.Context, now func() time.Time) (store.Database, error) {
	return d.OpenAt(ctx, "", now)
}

// OpenAt is Open with the database at an address of store.Open; "" is what the folder says.
func (d Dir) OpenAt(ctx context.Context, address string, now func() time.Time) (db store.Database, err error) {
	if address == "" {
		if address, err = d.Address(); err != nil {
			return nil, err
		}
	}
	if err := d.whole(); err != nil {
		return nil, err
	}
	db, err = store.Open(ctx, address, now)
	if e, ok := errors.AsType[*fleet.Error](err); ok && e.Code == store.Missing {
		aside := "look where it went"
		if all, _ := filepath.Glob(d.Database() + ".before-*"); len(all) > 0 {
			aside = filepath.Base(all[len(all)-1]) + " lies beside it, with what belongs to it: put that back (mv)"
		}
		return nil, fmt.Errorf("%w; %s, or bring a backup back (otad restore FILE --force). Only otad init makes a new one, in an "+
			"empty folder", err, aside)
	}
	return db, err
}

// Knows refuses a database that knows of no publication beside a feed of one: it is another one, or was made anew, and
// nobody could halt what handsets are offered.
func (d Dir) Knows(ctx context.Context, v fleet.Viewer) error {
	names, err := d.published()
	if err != nil || len(names) == 0 {
		return err
	}
	return v.View(ctx, func(tx fleet.Tx) error {
		_, err := tx.Metadata().Latest(ctx, tufrepo.Root)
		if !fleet.Is(err, fleet.NotFound) {
			return err
		}
		return fleet.Errorf(fleet.Conflict, "database_empty", "%s holds what was published (%s and others), and the database beside it "+
			"knows of no publication: it is not the one that belongs to this feed. Put that back, or bring a backup back (otad restore "+
			"FILE --force); to begin anew for other handsets, move the feed folder away", d.Feed(), names[0])
	})
}

// published are the files of metadata in the feed folder.
func (d Dir) published() ([]string, error) {
	return fs.Glob(os.DirFS(d.Feed()), "metadata/*.json")
}

// restoring is what a folder holds in .restoring from the moment at which a restore begins to move its database until the
// restored one is in its place.
type restoring struct {
	File   string `json:"file"`   // the backup, as it was named
	Before string `json:"before"` // what the files that were there are called from then on, after their names
}

// cutOff is the restore that did not come to its end; nil if there is none.
func (d Dir) cutOff() (*restoring, error) {
	text, err := os.ReadFile(d.path(restoringFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m restoring
	if err := json.Unmarshal(text, &m); err != nil || !strings.HasPrefix(m.Before, ".before-") || strings.ContainsAny(m.Before, `/\`) {
		return nil, fmt.Errorf("%s does not say which restore was cut off: move it and what lies beside it with \".before-\" in its "+
			"name away, and run the restore again", d.path(restoringFile))
	}
	return &m, nil
}

// whole refuses a folder whose restore was cut off.
func (d Dir) whole() error {
	m, err := d.cutOff()
	if err == nil && m != nil {
		err = m.words(d)
	}
	return err
}

func (m restoring) words(d Dir) error {
	return fleet.Errorf(fleet.Conflict, "restore_unfinished", "a restore of %s into %s was cut off, and the database is not whole: run "+
		"it again (otad restore %[1]s --data %[2]s); what was here before is kept with %s after its names", m.File, d, m.Before)
}

func (r restorer) mark(m restoring) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return durable.WriteFile(r.path(restoringFile), append(text, '\n'), 0o600)
}

// unmark says that the restored database is in its place.
func (r restorer) unmark() error {
	if err := os.Remove(r.path(restoringFile)); err != nil {
		return err
	}
	return durable.SyncFolder(string(r.Dir))
}
