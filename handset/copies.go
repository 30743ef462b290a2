// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

const (
	offersFile    = "offers.json"
	snapshotFile  = "snapshot.json"
	timestampFile = "timestamp.json"
)

// copies are the documents of the feed that lie on this handset: trusted metadata, which nothing older may follow, and
// the offers. Each can be fetched again.
type copies struct {
	dir      string
	volatile bool
	waiting  map[string][]byte // metadata by file name, verified but not on the disk yet
}

func newCopies(cfg Config) *copies {
	return &copies{dir: cfg.Dir, volatile: cfg.Volatile, waiting: map[string][]byte{}}
}

// folder is where go-tuf looks for metadata, and keeps them.
func (k *copies) folder() string { return filepath.Join(k.dir, "metadata") }

// keep puts metadata that were verified outside go-tuf where it looks for them next time. A volatile client writes them
// only before go-tuf works on them again.
func (k *copies) keep(name string, text []byte) { k.waiting[name] = text }

// settle writes what keep was given, unless that has time.
func (k *copies) settle() error {
	if k.volatile {
		return nil
	}
	return k.write()
}

func (k *copies) write() error {
	for name, text := range k.waiting {
		if err := replaceFile(filepath.Join(k.folder(), name), text); err != nil {
			return err
		}
		delete(k.waiting, name)
	}
	return nil
}

// root is the newest root that this handset has verified, or the one it was sold with, also where the copy has become
// one that its own keys did not sign.
func (k *copies) root(sold []byte) []byte {
	stored, err := os.ReadFile(filepath.Join(k.folder(), "root.json"))
	if err != nil {
		return sold
	}
	if bytes.Equal(stored, sold) {
		return stored
	}
	kept, err := metadata.Root().FromBytes(stored)
	first, err2 := metadata.Root().FromBytes(sold)
	if err != nil || err2 != nil || kept.Signed.Version < first.Signed.Version {
		return sold
	}
	if _, err := trustedmetadata.New(stored); err != nil {
		return sold
	}
	return stored
}

// dropUnreadable removes what is no metadata of its role, as after a power cut that left half a file: go-tuf takes an
// unreadable copy for a fatal fault, and would never poll again.
func (k *copies) dropUnreadable() {
	names, _ := fs.Glob(os.DirFS(k.folder()), "*.json")
	for _, name := range names {
		path := filepath.Join(k.folder(), name)
		if text, err := os.ReadFile(path); err == nil && readable(name, text) != nil {
			_ = os.Remove(path)
		}
	}
}

// readable says if go-tuf will take a file for metadata of the role that it is named after.
func readable(name string, text []byte) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%s makes no sense: %v", name, fault)
		}
	}()
	switch name {
	case "root.json":
		_, err = metadata.Root().FromBytes(text)
	case timestampFile:
		var t *metadata.Metadata[metadata.TimestampType]
		if t, err = metadata.Timestamp().FromBytes(text); err == nil && t.Signed.Meta[snapshotFile] == nil {
			err = fmt.Errorf("%s lists no %s", name, snapshotFile)
		}
	case snapshotFile:
		_, err = metadata.Snapshot().FromBytes(text)
	default:
		_, err = metadata.Targets().FromBytes(text)
	}
	return err
}

// offers is the offers document that was fetched last, nil if there is none.
func (k *copies) offers() []byte {
	text, _ := os.ReadFile(filepath.Join(k.dir, offersFile))
	return text
}

func (k *copies) keepOffers(text []byte) error {
	return replaceFile(filepath.Join(k.dir, offersFile), text)
}

// replaceFile replaces a file all at once, but leaves the flushing to the operating system: for copies of
// what the feed can give again.
func replaceFile(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
