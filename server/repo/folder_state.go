// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"landed/manifests/tufrepo"
)

// leap is how far the timestamp leaps if newer metadata lies in the folder and the timestamp
// cannot be read: more than a server publishes between two copies of its database.
const leap = 1000

// readFolder is the newest state that the folder holds whole, starting from s. Without anything
// newer it is s. If the timestamp cannot be read, or what it names cannot, the newest snapshot
// that is there with all its files counts, under a timestamp that is signed here.
func (w *Writer) readFolder(ctx context.Context, s State) (State, error) {
	r, at := w.repo, s.info[tufrepo.Timestamp].Version+leap
	lies := s.clone()
	err := r.folder.readInto(&lies, tufrepo.Timestamp, 0)
	if err == nil {
		at = lies.info[tufrepo.Timestamp].Version
		if at <= s.info[tufrepo.Timestamp].Version {
			return s, nil
		}
		found, fault := r.folder.follow(lies, lies.info[tufrepo.Timestamp].Files[tufrepo.Snapshot].Version)
		if fault == nil {
			return found, nil
		}
		err = fault
	}
	for v := (*r.highest.Load())[tufrepo.Snapshot]; v > s.info[tufrepo.Snapshot].Version; v-- {
		found, fault := r.folder.follow(s, v)
		if fault != nil {
			err = errors.Join(err, fault)
			continue
		}
		r.cfg.Log.ErrorContext(ctx, "the feed folder is damaged; its newest snapshot that is whole is taken up",
			"snapshot", v, "err", err)
		info := found.info[tufrepo.Timestamp]
		info.Version = at
		found.info[tufrepo.Timestamp] = info
		return found, r.online.timestamp(&found, r.Now())
	}
	r.cfg.Log.WarnContext(ctx, "the feed folder lacks a timestamp that can be read; it is written again from the "+
		"database", "err", err)
	return s, nil
}

// follow is s with the newer roots of the folder, snapshot v, and all that it lists.
func (f folder) follow(s State, v int64) (State, error) {
	found := s.clone()
	for f.readInto(&found, tufrepo.Root, found.info[tufrepo.Root].Version+1) == nil {
	}
	if err := f.readInto(&found, tufrepo.Snapshot, v); err != nil {
		return s, err
	}
	for role, listed := range found.info[tufrepo.Snapshot].Files {
		if listed.Version == s.info[role].Version {
			continue
		}
		if err := f.readInto(&found, role, listed.Version); err != nil {
			return s, err
		}
	}
	return found, nil
}

// readInto makes a file of the folder the newest of role in s.
func (f folder) readInto(s *State, role string, version int64) error {
	name := tufrepo.MetadataFile(role, version)
	doc, err := f.read(name)
	if err != nil {
		return err
	}
	if doc == nil {
		return fmt.Errorf("the feed folder lacks %s", name)
	}
	info, err := tufrepo.Read(doc)
	if err == nil && role != tufrepo.Timestamp && info.Version != version {
		err = fmt.Errorf("it holds version %d", info.Version)
	}
	if err != nil {
		return fmt.Errorf("%s in the feed folder: %w", name, err)
	}
	if role == tufrepo.Root {
		s.set.Roots = append(s.set.Roots, doc)
	}
	return s.put(role, doc)
}

// versions are the highest numbers in the names of the metadata files, by role.
func (f folder) versions() (map[string]int64, error) {
	d, err := f.at().Open(metadataDir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	highest := map[string]int64{}
	for _, name := range names {
		number, role, _ := strings.Cut(strings.TrimSuffix(name, ".json"), ".")
		v, err := strconv.ParseInt(number, 10, 64)
		if err == nil && tufrepo.CheckRole(role) == nil && tufrepo.MetadataFile(role, v) == name {
			highest[role] = max(highest[role], v)
		}
	}
	return highest, err
}
