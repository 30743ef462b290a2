// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"landed/internal/durable"
	"landed/manifests/tufrepo"
)

// Renewal says where RenewKeys has put the new keys.
type Renewal struct {
	Folder string // of the private keys
	Public string // the file with their public halves, for otasign rotate --online
	Made   bool   // false: they were made before, and wait for a root that names them
}

// RenewKeys makes a new set of online keys beside those in use, also beside a running server,
// and writes their public halves to online-next.json. The server goes on with the old keys
// until a root and targets that name the new ones are imported, and signs with the new ones
// from that publication on. As long as any new key waits for that, no further set is made.
func RenewKeys(ctx context.Context, dir string, now func() time.Time) (Renewal, error) {
	listed, err := ListKeys(ctx, dir, now)
	if err != nil {
		return Renewal{}, err
	}
	keys := filepath.Join(dir, keysDir)
	folders, err := keyFolders(keys)
	if err != nil {
		return Renewal{}, err
	}
	newest := folders[len(folders)-1]
	r := Renewal{Folder: newest, Public: filepath.Join(dir, nextFile)}
	hasModels := slices.ContainsFunc(listed, func(k OnlineKey) bool { return k.Role == offersUse && k.State == KeySigns })
	for _, k := range listed {
		if filepath.Dir(k.File) == newest && k.State == KeyWaits && (hasModels || k.Role != offersUse) {
			return r, writePublic(newest, r.Public)
		}
	}
	if err := writePublic(newest, filepath.Join(dir, onlineFile)); err != nil {
		return r, err
	}
	number := 2
	if newest != keys {
		if number, err = strconv.Atoi(filepath.Base(newest)); err != nil {
			return r, err
		}
		number++
	}
	// Made aside and moved into place as a whole: a set of which a key is missing keeps a
	// server from starting.
	aside, err := os.MkdirTemp(keys, "new-")
	if err != nil {
		return r, err
	}
	r.Folder, r.Made = filepath.Join(keys, strconv.Itoa(number)), true
	if _, err := makeKeys(aside); err != nil {
		return r, errors.Join(err, os.RemoveAll(aside))
	}
	if err := durable.Rename(aside, r.Folder); err != nil {
		return r, errors.Join(err, os.RemoveAll(aside))
	}
	return r, writePublic(r.Folder, r.Public)
}

// writePublic writes the public halves of a set of keys.
func writePublic(folder, path string) error {
	set, err := loadSet(folder)
	if err != nil {
		return err
	}
	online := tufrepo.OnlineKeys{
		Schema: 1, Snapshot: set.Snapshot.Key(), Timestamp: set.Timestamp.Key(), Offers: set.Offers.Key(),
	}
	return durable.WriteFile(path, online.Bytes(), 0o644)
}
