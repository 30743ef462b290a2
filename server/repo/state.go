// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"landed/manifests/tufrepo"
)

// State is what is published, as the database has it, or what would be published. It never changes.
type State struct {
	set     tufrepo.Set
	info    map[string]tufrepo.Info // by role, what set.Files say
	at      map[string]time.Time    // by role, when it was published
	more    map[string][]byte       // by file name, further files that are served, of what is not published yet
	highest map[string]int64        // by role, the highest version that a file of the folder had at the start

	restored time.Time // when the database last went back to an older state; known to whoever publishes
}

// Set is the metadata itself. It must not be changed.
func (s State) Set() tufrepo.Set { return s.set }

// Info is what the newest metadata of a role says; zero if there is none.
func (s State) Info(role string) tufrepo.Info { return s.info[role] }

// Version is that of the newest metadata of a role; 0 if there is none.
func (s State) Version(role string) int64 { return s.info[role].Version }

// At is when the newest metadata of a role was published; zero if there is none.
func (s State) At(role string) time.Time { return s.at[role] }

// Started says if a first root and targets are published.
func (s State) Started() bool { return len(s.set.Roots) > 0 && s.set.Files[tufrepo.Targets] != nil }

// Models are the roles of the models that the top-level targets delegates.
func (s State) Models() []string {
	var roles []string
	for _, m := range s.info[tufrepo.Targets].Models {
		roles = append(roles, m.Role)
	}
	return roles
}

// Delegates says if the top-level targets delegates the role of a model.
func (s State) Delegates(role string) bool { return slices.Contains(s.Models(), role) }

// Retired says if role is that of a model that was given up: its last files are still listed.
func (s State) Retired(role string) bool {
	topLevel := role == tufrepo.Targets || role == tufrepo.Snapshot || role == tufrepo.Timestamp
	return s.set.Files[role] != nil && !topLevel && !s.Delegates(role)
}

// Target finds what a role lists under path.
func (s State) Target(role, path string) (tufrepo.Target, bool) {
	targets := s.info[role].Targets
	i := slices.IndexFunc(targets, func(t tufrepo.Target) bool { return t.Path == path })
	if i < 0 {
		return tufrepo.Target{}, false
	}
	return targets[i], true
}

// Targets are those of every role.
func (s State) Targets() []tufrepo.Target {
	var all []tufrepo.Target
	for _, role := range slices.Sorted(maps.Keys(s.set.Files)) {
		if role != tufrepo.Snapshot && role != tufrepo.Timestamp {
			all = append(all, s.info[role].Targets...)
		}
	}
	return all
}

// FirstRoot is the version of the oldest root: they are kept without a gap.
func (s State) FirstRoot() int64 {
	return s.info[tufrepo.Root].Version - int64(len(s.set.Roots)) + 1
}

// Next is the version that role gets now: above what is published, and above every file that lay
// in the folder at the start, for handsets may have seen it. A number that no server comes to is
// somebody's slip, and is passed over. After a restore it is also above all that may have been published since the backup.
func (s State) Next(role string) int64 {
	published := s.info[role].Version
	next := published + s.passes(role) + 1
	if seen := s.highest[role]; seen >= next && seen < published+tufrepo.MaxJump {
		return seen + 1
	}
	return next
}

// overtaken says if an online role is published below the number of a file in the folder.
func (s State) overtaken() bool {
	for role := range s.info {
		model, _ := tufrepo.ModelRole(role)
		if signedHere(role) && !s.Retired(model) && role != tufrepo.Timestamp && s.Next(role) > s.info[role].Version+1 {
			return true
		}
	}
	return false
}

// With is s with the roots and the signed roles of e.
func (s State) With(e Edit) (State, error) {
	next := s.clone()
	for _, doc := range e.Roots {
		next.set.Roots = append(next.set.Roots, doc)
		if err := next.put(tufrepo.Root, doc); err != nil {
			return s, err
		}
	}
	for role, doc := range e.Roles {
		if err := next.put(role, doc); err != nil {
			return s, err
		}
	}
	return next, nil
}

// put makes doc the newest of role, in a clone that nobody else has yet.
func (s *State) put(role string, doc []byte) error {
	info, err := tufrepo.Read(doc)
	if err != nil {
		return fmt.Errorf("published %s: %w", role, err)
	}
	s.info[role] = info
	if role != tufrepo.Root {
		s.set.Files[role] = doc
	}
	return nil
}

// clone is a copy to be changed without touching s.
func (s State) clone() State {
	return State{
		set:  s.set.With(nil),
		info: maps.Clone(s.info), at: s.at, highest: s.highest, restored: s.restored,
	}
}

// files is the metadata that is served now, by file name.
func (s State) files() map[string][]byte {
	files := maps.Clone(s.more)
	if files == nil {
		files = map[string][]byte{}
	}
	for role, doc := range s.set.Files {
		files[tufrepo.MetadataFile(role, s.info[role].Version)] = doc
	}
	for i, doc := range s.set.Roots {
		files[tufrepo.MetadataFile(tufrepo.Root, s.FirstRoot()+int64(i))] = doc
	}
	return files
}
