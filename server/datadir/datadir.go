// SPDX-License-Identifier: Apache-2.0

// Package datadir is the data folder of a server: what lies where, the online keys, and the lock
// that keeps a second server out.
//
//	landed.db         the database: control online.json       public halves of the online keys
//	landed-reports.db and what handsets say online-next.json  those that are to replace them
//	keys/             the online keys       ota-keys/CHANNEL/ pinned OTA certificates
//	keys/records.key  by which records and the audit trail are the server's
//	keys/tally.key    of which the keys of the daily tallies are made
//	tally/            a tally on its way
//	blobs/            packages              .serving          locked while a server runs
//	feed/             the feed as files      database          where the database is, if not here
//
// Parties: whoever runs a server makes the folder and renews its keys, through package otad; package
// server reads it. It promises that a folder has all its keys or is none, that no key is ever
// overwritten, and that keys are never readable by others. It refuses to go on with a key that is
// missing, unreadable, or open to others, and says what to do.
package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"landed/internal/durable"
	"landed/manifests/tufrepo"
	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/store"
)

// Dir is the path of a data folder.
type Dir string

// Database is the path of the SQLite database: of its control file. The reports lie beside it.
func (d Dir) Database() string { return d.path(databaseFile) }

// Blobs is the path of the folder for package contents.
func (d Dir) Blobs() string { return d.path(blobsDir) }

// Feed is the path of the folder that any file server can serve.
func (d Dir) Feed() string { return d.path(feedDir) }

// Tallies is the path of the folder in which a tally is made.
func Tallies(d Dir) string { return d.path(talliesDir) }

func (d Dir) path(name string) string { return filepath.Join(string(d), name) }

// Lock keeps a second server from the same data folder: figures and reports have one writer. It is
// given back when the process ends, however it ends.
func (d Dir) Lock() (unlock func() error, err error) {
	unlock, err = durable.TryLock(d.path(lockFile))
	if errors.Is(err, durable.ErrLocked) {
		return nil, fmt.Errorf("another otad serves %s already; end it first, or give this one a data folder of its own", d)
	}
	return unlock, err
}

// The names in a data folder.
const (
	lockFile      = ".serving"
	databaseFile  = "landed.db"
	reportsFile   = "landed-reports.db" // as store.ReportsFile has it
	onlineFile    = "online.json"       // public halves of the online keys, for otasign init
	nextFile      = "online-next.json"  // those that are to replace them, for otasign rotate
	restoringFile = ".restoring"        // while a restore moves the database
	restoredFile  = ".restored"         // what was restored, until a server has it on its trail
	freshFile     = ".restoring.db"     // what it brings, until it is in its place
	keysDir       = "keys"
	blobsDir      = "blobs"
	feedDir       = "feed"
	otaKeysDir    = "ota-keys"
	talliesDir    = "tally"
)

// Init makes a data folder: the database, the three online keys and the one of records, online.json for otasign, a
// folder per channel for pinned OTA certificates, and the first admin's token, whose secret
// it returns: it cannot be shown again. A folder that holds keys already is refused, and so is one with a feed that was
// published, or with a restore that was cut off: they want the database that belongs to them. It alone makes a database.
func Init(ctx context.Context, dir, admin string, now func() time.Time) (secret string, err error) {
	return InitOn(ctx, dir, "", admin, now)
}

// InitOn is Init with the database at an address of store.Open, which the folder remembers; "" is the one in the folder.
func InitOn(ctx context.Context, dir, address, admin string, now func() time.Time) (secret string, err error) {
	if entries, err := os.ReadDir(filepath.Join(dir, keysDir)); len(entries) > 0 || err != nil &&
		!errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is a data folder already; choose another, or go on with \"otad serve\"", dir)
	}
	if err := Dir(dir).isNew(); err != nil {
		return "", err
	}
	for _, d := range []string{blobsDir, feedDir, otaKeysDir + "/stable", otaKeysDir + "/beta", otaKeysDir + "/lab"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return "", err
		}
	}
	if address == "" {
		address = Dir(dir).Database()
	} else if err := Dir(dir).keepAddress(address); err != nil {
		return "", err
	}
	// The keys get their place last and all at once: they are what makes a data folder.
	aside, err := os.MkdirTemp(dir, "new-keys-")
	if err != nil {
		return "", err
	}
	key, err := makeRecordsKey(filepath.Join(aside, filepath.Base(recordsKey)))
	if err == nil {
		secret, err = beginDatabase(ctx, address, key, admin, now)
	}
	var online tufrepo.OnlineKeys
	if err == nil {
		online, err = makeKeys(aside)
	}
	if err == nil {
		err = durable.WriteFile(filepath.Join(dir, onlineFile), online.Bytes(), 0o644)
	}
	if err == nil {
		err = durable.Rename(aside, filepath.Join(dir, keysDir))
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(aside))
	}
	return secret, nil
}

// beginDatabase makes the database, with the first token.
func beginDatabase(ctx context.Context, address string, key store.Key, admin string, now func() time.Time) (string, error) {
	db, err := store.Make(ctx, address, now, store.WithKey(key))
	if err != nil {
		return "", err
	}
	return addToken(ctx, db, admin, fleet.RoleAdmin, now)
}

// AddToken adds a token to the database of a data folder, also beside a running server, and
// returns its secret.
func AddToken(ctx context.Context, dir, name string, role fleet.Role, now func() time.Time) (secret string, err error) {
	db, err := Dir(dir).Open(ctx, now)
	if err != nil {
		return "", err
	}
	return addToken(ctx, db, name, role, now)
}

// addToken adds a token to db, and closes it.
func addToken(ctx context.Context, db store.Database, name string, role fleet.Role, now func() time.Time) (string, error) {
	secret, t, err := auth.NewToken(name, role, now())
	if err == nil {
		err = auth.Add(ctx, db, t, "otad")
	}
	return secret, errors.Join(err, db.Close())
}

// isNew refuses a folder in which a server ran.
func (d Dir) isNew() error {
	if err := d.whole(); err != nil {
		return err
	}
	names, err := d.published()
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%s holds a feed that was published (%s and others): bring the backup of its database back (otad restore FILE "+
			"--force), or choose an empty folder", d, names[0])
	}
	return err
}
