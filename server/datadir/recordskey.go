// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/server/fleet"
	"landed/server/store"
)

// The key of the MACs of records and of the audit trail: 64 hex digits, readable by their owner alone. Who has it and the
// database can write what nobody tells from what the server wrote. It is made aside, and gets its name once the database is
// written with it.
const (
	recordsKey     = keysDir + "/records.key"
	recordsKeyNext = recordsKey + ".new"
)

// The trail says when a key was begun with.
const actionRecordsKey = "records.key"

// keeper has the key of the records of a folder.
type keeper struct{ Dir }

// recordsKey reads the key; nil if there is none. next says that the database may not be written with it yet.
func (d keeper) recordsKey() (key store.Key, next bool, err error) {
	for _, name := range []string{recordsKey, recordsKeyNext} {
		key, err = readRecordsKey(d.path(name))
		if !errors.Is(err, fs.ErrNotExist) {
			return key, name == recordsKeyNext, err
		}
	}
	return nil, false, nil
}

func readRecordsKey(file string) (store.Key, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %o); run chmod 600 on it, and think about making another one (otad "+
			"keys records)", file, info.Mode().Perm())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != store.KeySize {
		return nil, fmt.Errorf("%s is no key of records; wanted %d hex digits. Put it back from where you keep the keys", file,
			2*store.KeySize)
	}
	return key, nil
}

// makeRecordsKey makes a key in a new file.
func makeRecordsKey(file string) (store.Key, error) {
	key := make(store.Key, store.KeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	return key, durable.WriteNew(file, []byte(hex.EncodeToString(key)+"\n"), 0o600)
}

// KeyRecords has the database of a folder of an older program, which is open, be written with a key that it makes: the
// trail says so, and the rows that are there are recorded again. In a folder that has its key it does nothing. A database that
// is written with a key is refused without it: another server may have it.
func (d Dir) KeyRecords(ctx context.Context, db store.Database, now time.Time) error {
	key, next, err := keeper{d}.recordsKey()
	if err != nil || key != nil && !next {
		return err
	}
	if key == nil {
		is, err := db.Keyed(ctx)
		if err != nil {
			return err
		}
		if is {
			return fleet.Errorf(fleet.Conflict, store.CodeKeyMissing, "the records of %s are written with a key, and %s is not there: "+
				"put it back, from the folder of another server of this database or from where you keep the keys. If it is lost, "+
				"make another one: otad keys records --data %s --reason WHY", d, d.path(recordsKey), d)
		}
		if key, err = makeRecordsKey(d.path(recordsKeyNext)); err != nil {
			return err
		}
	}
	return keeper{d}.begin(ctx, db, key, fleet.AuditEntry{At: now, Actor: "landed", Action: actionRecordsKey, Subject: "records",
		Reason: "this folder had no key yet; what was written before is covered by the heads of the trees alone"})
}

// begin has the database be written with the key that lies aside, and gives that its name.
func (d keeper) begin(ctx context.Context, db store.Database, key store.Key, line fleet.AuditEntry) error {
	if err := db.RecordAnew(ctx, key, line); err != nil {
		return err
	}
	return durable.Rename(d.path(recordsKeyNext), d.path(recordsKey))
}

// RenewRecordsKey makes another key for the records of a folder that no server uses, when the one that they were written
// with is lost, became known, or is not the one of the database that was restored. An old one is kept aside. Whatever was
// written before is covered by the heads of the trees alone from then on; by and reason stand on the trail.
func (d Dir) RenewRecordsKey(ctx context.Context, by, reason string, now func() time.Time) (aside string, err error) {
	if strings.TrimSpace(reason) == "" || strings.ContainsAny(reason, "\r\n") || len(reason) > 1000 {
		return "", fleet.Errorf(fleet.Invalid, "reason_missing", "say in one line why another key is needed; it is kept in the audit trail")
	}
	unlock, err := d.Lock()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	db, err := d.Open(ctx, now)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := os.Remove(d.path(recordsKeyNext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	aside = d.path(recordsKey) + ".before-" + now().UTC().Format("20060102T150405Z")
	if err := durable.Rename(d.path(recordsKey), aside); errors.Is(err, fs.ErrNotExist) {
		aside = ""
	} else if err != nil {
		return "", err
	}
	key, err := makeRecordsKey(d.path(recordsKeyNext))
	if err != nil {
		return aside, err
	}
	return aside, keeper{d}.begin(ctx, db, key, fleet.AuditEntry{At: now(), Actor: by, Action: actionRecordsKey, Subject: "records",
		Reason: reason})
}
