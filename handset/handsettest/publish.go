// SPDX-License-Identifier: Apache-2.0

package handsettest

import (
	"cmp"
	"maps"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
)

// Publish writes every role anew, then snapshot and timestamp.
func (s *Server) Publish() {
	now := s.Now()
	var models []tufrepo.ModelKeys
	s.roles = map[string]tufrepo.RoleFile{}
	for role := range s.Devices {
		if !s.Retired[role] {
			models = append(models, tufrepo.ModelKeys{Role: role, Builds: keys(2, s.BuildsKeys...),
				Offers: keys(1, s.OffersKey)})
		}
		doc := must(tufrepo.NewRole(s.next(role), now.AddDate(0, 5, 0), s.Packages[role]))
		s.putRole(role, s.sign(role, doc, s.BuildsKeys[:2]...))
		s.putOffers(role)
	}
	doc := must(tufrepo.NewTargets(s.next("targets"), now.AddDate(0, 5, 0), models, s.Outsiders...))
	s.putRole("targets", s.sign("targets", doc, s.TargetsKeys[:2]...))
	s.putSnapshot()
}

// PublishOffers writes the offers of one model anew, then snapshot and timestamp: what most publications are.
func (s *Server) PublishOffers(role string) {
	s.putOffers(role)
	s.putSnapshot()
}

func (s *Server) putOffers(role string) {
	text := offers.Document{Schema: 1, Model: s.Devices[role], Channel: cmp.Or(s.Channel, "stable"),
		Mirrors: s.Mirrors, Offers: s.Offers[role]}.Bytes()
	if s.AlterOffers != nil {
		text = s.AlterOffers(text)
	}
	path := tufrepo.OffersPath(role, "stable")
	s.PutTarget(tufrepo.StoredTarget(path, hash(text)), text)
	name := tufrepo.OffersRole(role)
	doc := must(tufrepo.NewRole(s.next(name), s.Now().AddDate(0, 0, 7),
		[]tufrepo.Target{{Path: path, Length: int64(len(text)), SHA256: hash(text)}}))
	s.putRole(name, s.sign(name, doc, s.OffersKey))
}

func (s *Server) putSnapshot() {
	doc := must(tufrepo.NewSnapshot(s.next("snapshot"), s.Now().AddDate(0, 0, 7), s.roles))
	s.Put(tufrepo.MetadataFile("snapshot", s.Versions["snapshot"]), s.sign("snapshot", doc, s.SnapshotKey))
	s.Renew()
}

// Renew writes a new timestamp over the newest snapshot.
func (s *Server) Renew() {
	snapshot := s.File(tufrepo.MetadataFile("snapshot", s.Versions["snapshot"]))
	doc := must(tufrepo.NewTimestamp(s.next("timestamp"), s.Now().Add(s.TimestampLife),
		tufrepo.RoleFile{Version: s.Versions["snapshot"], Length: int64(len(snapshot)), SHA256: hash(snapshot)}))
	s.Put("timestamp.json", s.sign("timestamp", doc, s.TimestampKey))
}

func (s *Server) next(role string) int64 {
	s.Versions[role]++
	return s.Versions[role]
}

func (s *Server) putRole(role string, doc []byte) {
	s.Put(tufrepo.MetadataFile(role, s.Versions[role]), doc)
	s.roles[role] = tufrepo.RoleFile{Version: s.Versions[role], Length: int64(len(doc)), SHA256: hash(doc)}
}

// Put, File and PutTarget change what is served.
func (s *Server) Put(name string, doc []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metadata[name] = doc
}

// File is one metadata file as served, nil if there is none.
func (s *Server) File(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metadata[name]
}

// Files is a copy of all metadata files by name.
func (s *Server) Files() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.metadata)
}

// Restore serves these metadata files and no others.
func (s *Server) Restore(files map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metadata = maps.Clone(files)
}

// PutTarget serves content under a stored name (dir/HASH.name).
func (s *Server) PutTarget(stored string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets[stored] = content
}
