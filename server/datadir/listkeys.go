// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

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

// ListKeys lists the online keys of a data folder, oldest first, also beside a running server.
func ListKeys(ctx context.Context, dir string, now func() time.Time) ([]OnlineKey, error) {
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

func keysOf(set KeySet) []OnlineKey {
	return []OnlineKey{
		{Role: tufrepo.Snapshot, ID: set.Snapshot.Key().ID()},
		{Role: tufrepo.Timestamp, ID: set.Timestamp.Key().ID()},
		{Role: offersUse, ID: set.Offers.Key().ID()},
	}
}

// namedKeys are the ids of the keys that the published root and targets name for the server.
func namedKeys(ctx context.Context, dir string, now func() time.Time) (named map[string]bool, err error) {
	db, err := Dir(dir).Open(ctx, now)
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
				return errors.New("no root is published yet: the keys that otad init made are still to be used; " +
					"give their online.json to otasign init")
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
