// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Bundle is signed offline metadata by file name ("1.root.json", "1.targets.json",
// "1.armani.json"): what the first ceremony, a new model or a change of keys makes, and what
// the signers keep as the state they trust.
type Bundle struct {
	Schema int               `json:"schema"` // 1
	Files  map[string][]byte `json:"files"`
	// Names are those of the people who hold keys, by key id; nothing follows from them. Older files have none.
	Names map[string]string `json:"names,omitempty"`
}

// ParseBundle reads a bundle of at most 32 MiB: strictly, its metadata too.
func ParseBundle(text []byte) (Bundle, error) {
	var b Bundle
	if err := readFile(text, "bundle", maxBundle, &b); err != nil {
		return Bundle{}, err
	}
	_, err := b.Set()
	if err := errors.Join(schemaIs(b.Schema), checkNames(b.Names), err); err != nil {
		return Bundle{}, fmt.Errorf("bundle: %w", err)
	}
	return b, nil
}

// Bytes marshals b; ParseBundle gives it again.
func (b Bundle) Bytes() []byte {
	if b.Files == nil {
		b.Files = map[string][]byte{}
	}
	return writeFile(b)
}

// Set is the bundle as a set: all roots, and the newest file of every other role.
func (b Bundle) Set() (Set, error) { return setOf(b.Files) }

// Bundle is the offline part of s, for people to keep: all roots, targets, builds of models.
func (s Set) Bundle() (Bundle, error) {
	b := Bundle{Schema: 1, Files: map[string][]byte{}}
	put := func(role string, text []byte) error {
		info, err := Read(text)
		b.Files[MetadataFile(role, info.Version)] = text
		return err
	}
	var faults []error
	for _, r := range s.Roots {
		faults = append(faults, put(Root, r))
	}
	for role, text := range s.Files {
		if _, isOffers := ModelRole(role); !isOffers && role != Snapshot && role != Timestamp {
			faults = append(faults, put(role, text))
		}
	}
	return b, errors.Join(faults...)
}

// setOf sorts files, given by name, into a set. A name must be that of its content.
func setOf(files map[string][]byte) (Set, error) {
	s := Set{Files: map[string][]byte{}}
	newest := map[string]int64{}
	roots := map[int64][]byte{}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		role, err := roleOfFile(name, files[name])
		if err != nil {
			faults = append(faults, fmt.Errorf("file %.100q: %w", name, err))
			continue
		}
		info, _ := Read(files[name])
		if role == Root {
			roots[info.Version] = files[name]
		} else if info.Version > newest[role] {
			newest[role], s.Files[role] = info.Version, files[name]
		}
	}
	for _, v := range slices.SortedFunc(maps.Keys(roots), cmp.Compare[int64]) {
		s.Roots = append(s.Roots, roots[v])
	}
	return s, errors.Join(faults...)
}
