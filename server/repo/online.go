// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"landed/manifests/tufrepo"
)

// online makes the roles that this server signs itself.
type online struct {
	keys   keyring
	expiry Expiry
}

// compose is prev with e, and with the online roles that follow from it.
func (o *online) compose(prev State, e Edit, now time.Time) (State, error) {
	next, err := prev.With(e)
	if err != nil {
		return prev, err
	}
	for _, role := range slices.Sorted(maps.Keys(e.Offers)) {
		doc, err := tufrepo.NewRole(next.Next(role), now.Add(o.expiry.Offers), e.Offers[role])
		if err := o.sign(&next, role, doc, err); err != nil {
			return prev, err
		}
	}
	if e.changesRoles() || e.Fresh || next.set.Files[tufrepo.Snapshot] == nil {
		if err := o.snapshot(&next, now, e.heads); err != nil {
			return prev, err
		}
	}
	return next, o.timestamp(&next, now)
}

func (o *online) snapshot(s *State, now time.Time, heads []tufrepo.TreeHead) error {
	files := map[string]tufrepo.RoleFile{}
	for role := range s.set.Files {
		if role == tufrepo.Snapshot || role == tufrepo.Timestamp {
			continue
		}
		files[role] = s.entry(role)
	}
	doc, err := tufrepo.NewSnapshot(s.Next(tufrepo.Snapshot), now.Add(o.expiry.Snapshot), files, heads...)
	return o.sign(s, tufrepo.Snapshot, doc, err)
}

func (o *online) timestamp(s *State, now time.Time) error {
	doc, err := tufrepo.NewTimestamp(s.Next(tufrepo.Timestamp), now.Add(o.expiry.Timestamp), s.entry(tufrepo.Snapshot))
	return o.sign(s, tufrepo.Timestamp, doc, err)
}

// entry is how a list names the newest file of role. It was read already, so it is not read
// again: with 200 models that would be most of the time of a publication.
func (s State) entry(role string) tufrepo.RoleFile {
	doc := s.set.Files[role]
	return tufrepo.RoleFile{Version: s.info[role].Version, Length: int64(len(doc)), SHA256: Digest(doc)}
}

// Digest is the SHA-256 as metadata writes it.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// sign makes doc, if it could be written, the newest of role in s, a clone.
func (o *online) sign(s *State, role string, doc []byte, err error) error {
	if err != nil {
		return fmt.Errorf("next %s: %w", role, err)
	}
	key, err := o.keys.signer(*s, role)
	if err != nil {
		return err
	}
	if doc, err = tufrepo.Sign(doc, key); err != nil {
		return fmt.Errorf("sign %s: %w", role, err)
	}
	return s.put(role, doc)
}
