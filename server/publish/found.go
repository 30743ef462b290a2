// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"landed/manifests/tufrepo"
)

// unseen is how far the timestamp leaps if newer metadata lies in the folder and the timestamp
// cannot be read: more than a server publishes between two copies of its database.
const unseen = 1000

// readFolder is the newest state that the folder holds whole, starting from s. Without anything
// newer it is s. If the timestamp cannot be read, or what it names cannot, the newest snapshot
// that is there with all its files counts, under a timestamp that is signed here.
func (p *Publisher) readFolder(ctx context.Context, s state) (state, error) {
	at := s.info[tufrepo.Timestamp].Version + unseen
	lies := s.clone()
	err := p.folder.take(&lies, tufrepo.Timestamp, 0)
	if err == nil {
		at = lies.info[tufrepo.Timestamp].Version
		if at <= s.info[tufrepo.Timestamp].Version {
			return s, nil
		}
		found, fault := p.follow(lies, lies.info[tufrepo.Timestamp].Files[tufrepo.Snapshot].Version)
		if fault == nil {
			return found, nil
		}
		err = fault
	}
	for v := p.floor[tufrepo.Snapshot]; v > s.info[tufrepo.Snapshot].Version; v-- {
		found, fault := p.follow(s, v)
		if fault != nil {
			err = errors.Join(err, fault)
			continue
		}
		p.cfg.Log.ErrorContext(ctx, "the feed folder is damaged; its newest snapshot that is whole is taken up", "snapshot", v, "err", err)
		info := found.info[tufrepo.Timestamp]
		info.Version = at
		found.info[tufrepo.Timestamp] = info
		return found, p.timestamp(&found, p.now())
	}
	p.cfg.Log.WarnContext(ctx, "the feed folder lacks a timestamp that can be read; it is written again from the database", "err", err)
	return s, nil
}

// follow is s with the newer roots of the folder, snapshot v, and all that it lists.
func (p *Publisher) follow(s state, v int64) (state, error) {
	found := s.clone()
	for p.folder.take(&found, tufrepo.Root, found.info[tufrepo.Root].Version+1) == nil {
	}
	if err := p.folder.take(&found, tufrepo.Snapshot, v); err != nil {
		return s, err
	}
	for role, f := range found.info[tufrepo.Snapshot].Files {
		if f.Version == s.info[role].Version {
			continue
		}
		if err := p.folder.take(&found, role, f.Version); err != nil {
			return s, err
		}
	}
	return found, nil
}

// take makes a file of the folder the newest of role in s.
func (f folder) take(s *state, role string, version int64) error {
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
	return s.take(role, doc)
}

// versions are the highest numbers in the names of the metadata files, by role.
func (f folder) versions() (map[string]int64, error) {
	d, err := f.root.Open(metadataDir)
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

// next is the version that role gets now: above what is published, and above every file that
// lay in the folder at the start, for handsets may have seen it. A number that no server comes to
// is somebody's slip, and is passed over.
func (p *Publisher) next(s state, role string) int64 {
	published := s.info[role].Version
	if floor := p.floor[role]; floor > published && floor < published+tufrepo.MaxJump {
		return floor + 1
	}
	return published + 1
}

// overtaken says if an online role is published below the number of a file in the folder.
func (p *Publisher) overtaken(s state) bool {
	for role := range s.info {
		if _, isOffers := tufrepo.ModelRole(role); (isOffers || role == tufrepo.Snapshot) && p.next(s, role) > s.info[role].Version+1 {
			return true
		}
	}
	return false
}
