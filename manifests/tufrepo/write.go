// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"landed/internal/format"
)

// RoleKeys says who signs a role, and how many of them must.
type RoleKeys struct {
	Keys      []Key `json:"keys"`
	Threshold int   `json:"threshold"`
}

// RootSpec is what a root says: the keys of the four top-level roles.
type RootSpec struct {
	Version   int64
	Expires   time.Time
	Root      RoleKeys
	Targets   RoleKeys
	Snapshot  RoleKeys
	Timestamp RoleKeys
}

// ModelKeys says who signs for one model: Builds what may ever be installed (offline),
// Offers what is offered now (online).
type ModelKeys struct {
	Role   string
	Builds RoleKeys
	Offers RoleKeys
}

// Target is one file that a role vouches for.
type Target struct {
	Path   string
	Length int64           // bytes, 1 or more
	SHA256 string          // 64 lower-case hex digits
	Custom json.RawMessage // a JSON object, or nil
}

// RoleFile is one metadata file as the next role up lists it. Length 0 and SHA256 "" mean
// that only the version is listed.
type RoleFile struct {
	Version int64
	Length  int64
	SHA256  string
}

// TreeHead is a Merkle tree (RFC 6962, 2.1) over rows of the server, as it stood at one size.
type TreeHead struct {
	Tree string // "audit", "reports", "records"; a name as of a model
	Size int64  // leaves, 1 or more
	Root string // 64 lower-case hex digits
}

// NewRoot writes unsigned root metadata. Expires is cut to whole seconds, here and below.
func NewRoot(s RootSpec) ([]byte, error) {
	keys := map[string]Key{}
	return unsigned(wireRoot{
		header:     newHeader(Root, s.Version, s.Expires),
		Consistent: true,
		Keys:       keys,
		Roles: map[string]wireRole{
			Root:      s.Root.list(keys),
			Targets:   s.Targets.list(keys),
			Snapshot:  s.Snapshot.list(keys),
			Timestamp: s.Timestamp.list(keys),
		},
	})
}

// NewTargets writes the unsigned top-level targets metadata, which only delegates: two
// terminating roles with paths of their own for each model, and one for each kind of outsiders. Whoever writes the next
// one of a feed gives the outsiders of the last again.
func NewTargets(version int64, expires time.Time, models []ModelKeys, outsiders ...OutsiderKeys) ([]byte, error) {
	d := wireDelegations{Keys: map[string]Key{}, Roles: []wireDelegatedRole{}}
	delegate := func(name string, who RoleKeys) {
		r := who.list(d.Keys)
		d.Roles = append(d.Roles, wireDelegatedRole{name, r.KeyIDs, r.Threshold, true, []string{Pattern(name)}})
	}
	for _, m := range models {
		delegate(m.Role, m.Builds)
		delegate(OffersRole(m.Role), m.Offers)
	}
	for _, o := range outsiders {
		delegate(o.Role, o.Who)
	}
	w := wireTargets{newHeader(Targets, version, expires), map[string]wireTarget{}, &d}
	if len(d.Roles) == 0 {
		w.Delegations = nil // clients differ in what they make of an empty list
	}
	return unsigned(w)
}

// NewRole writes unsigned metadata of a delegated role: a model's builds, or its offers.
func NewRole(version int64, expires time.Time, targets []Target) ([]byte, error) {
	w := wireTargets{newHeader(Targets, version, expires), map[string]wireTarget{}, nil}
	for _, t := range targets {
		if _, twice := w.Targets[t.Path]; twice {
			return nil, fmt.Errorf("target %s is listed twice", t.Path)
		}
		w.Targets[t.Path] = wireTarget{t.Length, wireHashes{t.SHA256}, t.Custom}
	}
	return unsigned(w)
}

// NewSnapshot writes unsigned snapshot metadata. files is keyed by role: "targets", "armani",
// "armani-offers". Beyond 256 roles length and hash are left out, to keep it small.
// heads are of the trees over what the server stores; TUF clients pass over them.
func NewSnapshot(version int64, expires time.Time, files map[string]RoleFile, heads ...TreeHead) ([]byte, error) {
	w := wireMeta{header: newHeader(Snapshot, version, expires), Meta: map[string]wireMetaFile{}}
	for _, h := range heads {
		if w.Heads == nil {
			w.Heads = map[string]wireHead{}
		}
		w.Heads[h.Tree] = wireHead{h.Size, h.Root}
	}
	for role, f := range files {
		if len(files) > hashedRoles {
			f.Length, f.SHA256 = 0, ""
		}
		w.Meta[role+".json"] = f.wire()
	}
	return unsigned(w)
}

// NewTimestamp writes unsigned timestamp metadata.
func NewTimestamp(version int64, expires time.Time, snapshot RoleFile) ([]byte, error) {
	return unsigned(wireMeta{header: newHeader(Timestamp, version, expires),
		Meta: map[string]wireMetaFile{Snapshot + ".json": snapshot.wire()}})
}

// FileOf is the entry for a metadata file: its version, length and hash.
func FileOf(doc []byte) (RoleFile, error) {
	info, err := Read(doc)
	if err != nil {
		return RoleFile{}, err
	}
	return RoleFile{info.Version, int64(len(doc)), format.SHA256(doc)}, nil
}

func (f RoleFile) wire() wireMetaFile {
	w := wireMetaFile{Version: f.Version, Length: f.Length}
	if f.SHA256 != "" {
		w.Hashes = &wireHashes{f.SHA256}
	}
	return w
}

func newHeader(kind string, version int64, expires time.Time) header {
	return header{kind, specVersion, version, expires.UTC().Truncate(time.Second).Format(time.RFC3339)}
}

// list adds the keys to the table and returns their ids.
func (r RoleKeys) list(table map[string]Key) wireRole {
	w := wireRole{KeyIDs: []string{}, Threshold: r.Threshold}
	for _, k := range r.Keys {
		id := k.ID()
		table[id] = k
		w.KeyIDs = append(w.KeyIDs, id)
	}
	return w
}

// unsigned wraps signed in an envelope without signatures, and reads it back: what Read would
// refuse is never written.
func unsigned(signed any) ([]byte, error) {
	body, err := marshal(signed)
	if err != nil {
		return nil, err
	}
	doc, err := marshal(envelope{[]wireSignature{}, body})
	if err != nil {
		return nil, err
	}
	if _, err := Read(doc); err != nil {
		return nil, errors.Join(errors.New("this metadata may not be written"), err)
	}
	return doc, nil
}
