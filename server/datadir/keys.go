// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"landed/internal/durable"
	"landed/manifests/tufrepo"
)

// The online keys are Ed25519, PKCS#8 in PEM, one file each, readable by their owner alone.
const (
	snapshotKey  = "snapshot.pem"
	timestampKey = "timestamp.pem"
	offersKey    = "offers.pem"
)

type onlineKey struct {
	private ed25519.PrivateKey
	public  tufrepo.Key
}

func (k onlineKey) Key() tufrepo.Key                    { return k.public }
func (k onlineKey) Sign(message []byte) ([]byte, error) { return ed25519.Sign(k.private, message), nil }

func newOnlineKey(private ed25519.PrivateKey) (onlineKey, error) {
	public, err := tufrepo.NewKey(private.Public())
	return onlineKey{private, public}, err
}

// makeKeys makes the three keys in dir, and returns their public halves. It never replaces one.
func makeKeys(dir string) (tufrepo.OnlineKeys, error) {
	online := tufrepo.OnlineKeys{Schema: 1}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return online, err
	}
	places := map[string]*tufrepo.Key{
		snapshotKey: &online.Snapshot, timestampKey: &online.Timestamp, offersKey: &online.Offers,
	}
	for name, to := range places {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return online, err
		}
		k, err := newOnlineKey(private)
		if err != nil {
			return online, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			return online, err
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := durable.WriteNew(filepath.Join(dir, name), text, 0o600); err != nil {
			return online, err
		}
		*to = k.public
	}
	return online, nil
}

// KeySet is one set of online keys.
type KeySet struct{ Snapshot, Timestamp, Offers tufrepo.Signer }

// Keys reads every set of keys, oldest first. Which of them signs is for the published root to say.
func (d Dir) Keys() ([]KeySet, error) { return loadKeys(d.path(keysDir)) }

// loadKeys reads every set of keys, oldest first: the first lies in dir, those of "otad keys
// renew" in dir/2, dir/3, … Which of them signs is for the published root to say. A set that was
// removed as a whole is not missed as long as another is there.
func loadKeys(dir string) ([]KeySet, error) {
	folders, err := keyFolders(dir)
	if err != nil {
		return nil, err
	}
	var sets []KeySet
	var faults []error
	for _, folder := range folders {
		set, err := loadSet(folder)
		sets, faults = append(sets, set), append(faults, err)
	}
	return sets, errors.Join(faults...)
}

// keyFolders lists the folders that hold a set of keys, oldest first: dir itself unless it has
// none and another has.
func keyFolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var numbers []int
	first := false
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n >= 2 && e.IsDir() {
			numbers = append(numbers, n)
		}
		first = first || filepath.Ext(e.Name()) == ".pem"
	}
	slices.Sort(numbers)
	var folders []string
	if first || len(numbers) == 0 {
		folders = append(folders, dir)
	}
	for _, n := range numbers {
		folders = append(folders, filepath.Join(dir, strconv.Itoa(n)))
	}
	return folders, nil
}

func loadSet(dir string) (KeySet, error) {
	var keys KeySet
	var faults []error
	places := map[string]*tufrepo.Signer{
		snapshotKey: &keys.Snapshot, timestampKey: &keys.Timestamp, offersKey: &keys.Offers,
	}
	for name, to := range places {
		k, err := loadKey(filepath.Join(dir, name))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		*to = k
	}
	return keys, errors.Join(faults...)
}

func loadKey(path string) (onlineKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return onlineKey{}, fmt.Errorf("%s is not there; "+
			"run \"otad init\" once for a new data folder, or put the key back", path)
	}
	if err != nil {
		return onlineKey{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return onlineKey{}, fmt.Errorf("%s can be read by others (mode %o); "+
			"run chmod 600 on it, and think about replacing the key", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return onlineKey{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return onlineKey{}, fmt.Errorf("%s is no PEM file", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return onlineKey{}, fmt.Errorf("%s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return onlineKey{}, fmt.Errorf("%s holds a %T; wanted Ed25519", path, key)
	}
	return newOnlineKey(private)
}
