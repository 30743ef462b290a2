// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"landed/manifests/tufrepo"
)

// maxFeedFile bounds metadata that is read whole.
const maxFeedFile = 4 << 20

// VerifyFeed checks a whole feed in a folder as a client would, from its oldest root, and that
// every listed target is there with its length and hash. The folder holds metadata/ and
// targets/. trusted, if not nil, must be where the feed's roots begin. It returns the set, and
// all faults.
func VerifyFeed(folder fs.FS, trusted *tufrepo.Set, now time.Time) (tufrepo.Set, error) {
	metadata, err := fs.Sub(folder, "metadata")
	if err != nil {
		return tufrepo.Set{}, err
	}
	set, err := ReadMetadata(metadata)
	if err != nil {
		return set, err
	}
	faults := []error{set.Check(now)}
	if trusted != nil {
		for _, words := range older(*trusted, set, "the feed") {
			faults = append(faults, errors.New(words))
		}
	}
	for _, role := range slices.Sorted(maps.Keys(set.Files)) {
		info, err := tufrepo.Read(set.Files[role])
		if err != nil {
			continue // Check has said so
		}
		for _, t := range info.Targets {
			faults = append(faults, verifyTarget(folder, t))
		}
	}
	return set, errors.Join(faults...)
}

// ReadMetadata reads the metadata/ of a feed, given as that folder: all roots, timestamp.json,
// and of the other roles the versions that the newest snapshot lists. It judges nothing.
func ReadMetadata(metadata fs.FS) (tufrepo.Set, error) {
	set := tufrepo.Set{Files: map[string][]byte{}}
	read := func(name string) []byte {
		text, err := readAtMost(metadata, name)
		if err != nil {
			return nil
		}
		return text
	}
	first, err := oldestRoot(metadata)
	if err != nil {
		return set, err
	}
	for v := first; len(set.Roots) <= tufrepo.MaxRoots; v++ {
		root := read(tufrepo.MetadataFile(tufrepo.Root, v))
		if root == nil {
			break
		}
		set.Roots = append(set.Roots, root)
	}
	put := func(role string, f tufrepo.RoleFile) tufrepo.Info {
		if text := read(tufrepo.MetadataFile(role, f.Version)); text != nil {
			set.Files[role] = text
			info, _ := tufrepo.Read(text)
			return info
		}
		return tufrepo.Info{}
	}
	timestamp := put(tufrepo.Timestamp, tufrepo.RoleFile{})
	snapshot := put(tufrepo.Snapshot, timestamp.Files[tufrepo.Snapshot])
	for role, f := range snapshot.Files {
		put(role, f)
	}
	return set, nil
}

// oldestRoot finds the lowest N of N.root.json.
func oldestRoot(metadata fs.FS) (int64, error) {
	entries, err := fs.ReadDir(metadata, ".")
	if err != nil {
		return 0, fmt.Errorf("this is no feed: %w", err)
	}
	lowest := int64(0)
	for _, e := range entries {
		var v int64
		if n, ok := strings.CutSuffix(e.Name(), ".root.json"); ok {
			if _, err := fmt.Sscanf(n, "%d", &v); err == nil && v > 0 && (lowest == 0 || v < lowest) {
				lowest = v
			}
		}
	}
	if lowest == 0 {
		return 0, errors.New("this is no feed: metadata/ holds no N.root.json")
	}
	return lowest, nil
}

func readAtMost(folder fs.FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFeedFile))
}

func verifyTarget(folder fs.FS, t tufrepo.Target) error {
	name := path.Join("targets", tufrepo.StoredTarget(t.Path, t.SHA256))
	f, err := folder.Open(name)
	if err != nil {
		return fmt.Errorf("target %s: %w", t.Path, err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, t.Length+1))
	if err != nil {
		return fmt.Errorf("target %s: %w", t.Path, err)
	}
	if n != t.Length || hex.EncodeToString(h.Sum(nil)) != t.SHA256 {
		return fmt.Errorf("target %s: the file has other bytes than those that were signed", t.Path)
	}
	return nil
}

// VerifyBundle checks a signed offline state: every signature and threshold, and that nothing
// has expired.
func VerifyBundle(b tufrepo.Bundle, trusted *tufrepo.Set, now time.Time) (tufrepo.Set, error) {
	set, err := b.Set()
	if err != nil {
		return set, err
	}
	faults := []error{set.CheckOffline(now)}
	if trusted != nil {
		for _, words := range older(*trusted, set, "the new state") {
			faults = append(faults, errors.New(words))
		}
	}
	return set, errors.Join(faults...)
}
