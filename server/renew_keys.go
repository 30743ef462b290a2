// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/store"
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
	listed, err := Keys(ctx, dir, now)
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
	if err := moveTo(aside, r.Folder); err != nil {
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
	online := tufrepo.OnlineKeys{Schema: 1, Snapshot: set.Snapshot.Key(), Timestamp: set.Timestamp.Key(), Offers: set.Offers.Key()}
	return WriteWhole(path, online.Bytes(), 0o644)
}

// KeyState says what an online key is for.
type KeyState string

// The states of an online key.
const (
	KeySigns    KeyState = "signs"    // the published root or targets name it
	KeyWaits    KeyState = "waits"    // it is newer than the one that is named
	KeyReplaced KeyState = "replaced" // a newer one is named; it signs nothing any more
)

// offersUse stands for the offers roles of all models, which have one key.
const offersUse = "offers"

// OnlineKey is one private key in the data folder.
type OnlineKey struct {
	File  string
	ID    string // the key id of its public half
	Role  string // snapshot, timestamp or offers
	State KeyState
}

// Keys lists the online keys of a data folder, oldest first, also beside a running server.
func Keys(ctx context.Context, dir string, now func() time.Time) ([]OnlineKey, error) {
	folders, err := keyFolders(filepath.Join(dir, keysDir))
	if err != nil {
		return nil, err
	}
	sets, err := loadKeys(filepath.Join(dir, keysDir))
	if err != nil {
		return nil, err
	}
	named, err := namedKeys(ctx, dir, now)
	if err != nil {
		return nil, err
	}
	var list []OnlineKey
	for i, set := range sets {
		for _, k := range keysOf(set) {
			k.File = filepath.Join(folders[i], k.Role+".pem")
			list = append(list, k)
		}
	}
	isNewer := map[string]bool{} // by role, that a newer key is named
	for i := len(list) - 1; i >= 0; i-- {
		k := &list[i]
		switch {
		case isNewer[k.Role]:
			k.State = KeyReplaced
		case named[k.ID]:
			k.State, isNewer[k.Role] = KeySigns, true
		default:
			k.State = KeyWaits
		}
	}
	return list, nil
}

func keysOf(set repo.OnlineKeys) []OnlineKey {
	return []OnlineKey{
		{Role: tufrepo.Snapshot, ID: set.Snapshot.Key().ID()},
		{Role: tufrepo.Timestamp, ID: set.Timestamp.Key().ID()},
		{Role: offersUse, ID: set.Offers.Key().ID()},
	}
}

// namedKeys are the ids of the keys that the published root and targets name for the server.
func namedKeys(ctx context.Context, dir string, now func() time.Time) (named map[string]bool, err error) {
	if _, err := os.Stat(filepath.Join(dir, databaseFile)); err != nil {
		return nil, fmt.Errorf("%s is no data folder; otad init makes one: %w", dir, err)
	}
	db, err := store.Open(ctx, filepath.Join(dir, databaseFile), now)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	named = map[string]bool{}
	err = db.View(ctx, func(tx fleet.Tx) error {
		var keys []tufrepo.Key
		for _, role := range []string{tufrepo.Root, tufrepo.Targets} {
			published, err := tx.Metadata().Latest(ctx, role)
			if fleet.Is(err, fleet.NotFound) {
				return errors.New("no root is published yet: the keys that otad init made are still to be used; give their online.json to otasign init")
			}
			if err != nil {
				return err
			}
			info, err := tufrepo.Read(published.Bytes)
			if err != nil {
				return fmt.Errorf("published %s: %w", role, err)
			}
			if info.Root != nil {
				keys = append(append(keys, info.Root.Snapshot.Keys...), info.Root.Timestamp.Keys...)
			}
			for _, m := range info.Models {
				keys = append(keys, m.Offers.Keys...)
			}
		}
		for _, k := range keys {
			named[k.ID()] = true
		}
		return nil
	})
	return named, err
}
