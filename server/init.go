// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/store"
)

// The names in a data folder.
const (
	databaseFile = "landed.db"
	onlineFile   = "online.json"      // public halves of the online keys, for otasign init
	nextFile     = "online-next.json" // those that are to replace them, for otasign rotate
	keysDir      = "keys"
	blobsDir     = "blobs"
	feedDir      = "feed"
	otaKeysDir   = "ota-keys"
)

// Init makes a data folder: the database, the three online keys, online.json for otasign, a
// folder per channel for pinned OTA certificates, and the first admin's token, whose secret
// it returns: it cannot be shown again. A folder that holds keys already is refused.
func Init(ctx context.Context, dir, admin string, now func() time.Time) (secret string, err error) {
	if entries, err := os.ReadDir(filepath.Join(dir, keysDir)); len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is a data folder already; choose another, or go on with \"otad serve\"", dir)
	}
	for _, d := range []string{blobsDir, feedDir, otaKeysDir + "/stable", otaKeysDir + "/beta", otaKeysDir + "/lab"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return "", err
		}
	}
	if secret, err = AddToken(ctx, dir, admin, fleet.RoleAdmin, now); err != nil {
		return "", err
	}
	// The keys come last and all at once: they are what makes a data folder.
	aside, err := os.MkdirTemp(dir, "new-keys-")
	if err != nil {
		return "", err
	}
	online, err := makeKeys(aside)
	if err == nil {
		err = WriteWhole(filepath.Join(dir, onlineFile), online.Bytes(), 0o644)
	}
	if err == nil {
		err = moveTo(aside, filepath.Join(dir, keysDir))
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(aside))
	}
	return secret, nil
}

// AddToken adds a token to the database of a data folder, also beside a running server, and
// returns its secret.
func AddToken(ctx context.Context, dir, name string, role fleet.Role, now func() time.Time) (secret string, err error) {
	secret, t, err := auth.NewToken(name, role, now())
	if err != nil {
		return "", err
	}
	db, err := store.Open(ctx, filepath.Join(dir, databaseFile), now)
	if err != nil {
		return "", err
	}
	return secret, errors.Join(auth.Add(ctx, db, t, "otad"), db.Close())
}
