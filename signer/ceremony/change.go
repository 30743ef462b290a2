// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"landed/manifests/tufrepo"
)

func targetsOf(s tufrepo.Set) (tufrepo.Info, error) {
	text, ok := s.Files[tufrepo.Targets]
	if !ok {
		return tufrepo.Info{}, errors.New("the trusted state has no targets")
	}
	return tufrepo.Read(text)
}

// nextVersion follows what is trusted and is above what was used up. A model that was retired
// and comes back goes on with its numbers.
func nextVersion(s tufrepo.Set, role string, above map[string]int64) int64 {
	info, err := tufrepo.Read(s.Files[role])
	if err != nil {
		info.Version = 0
	}
	return max(info.Version, above[role]) + 1
}

// newRequest wraps staged metadata for signing, with a summary in words.
func newRequest(title string, trusted tufrepo.Set, staged map[string][]byte, now time.Time) (tufrepo.Request, error) {
	if err := tufrepo.CheckStaged(trusted, staged, now); err != nil {
		return tufrepo.Request{}, err
	}
	bundle, err := trusted.Bundle()
	if err != nil {
		return tufrepo.Request{}, err
	}
	r := tufrepo.Request{Schema: 1, Title: title, Created: now.UTC().Truncate(time.Second),
		Summary: tufrepo.Diff(trusted, trusted.With(staged)), Trusted: bundle.Files}
	h := sha256.New()
	for _, role := range slices.Sorted(maps.Keys(staged)) {
		h.Write(staged[role])
		r.Roles = append(r.Roles, tufrepo.RequestRole{Role: role, Metadata: staged[role]})
	}
	r.ID = hex.EncodeToString(h.Sum(nil)[:16])
	return r, nil
}

// FindKey finds the one key of the roles that who means: its holder's name, as names has it by
// key id, or the first 8 or more digits of the key id.
func FindKey(trusted tufrepo.Set, roles []string, who string, names map[string]string) (string, error) {
	var found, held []string
	for _, role := range roles {
		for _, k := range keysOf(trusted, role) {
			id := k.ID()
			if name := names[id]; name != "" && !slices.Contains(held, name) {
				held = append(held, name)
			}
			if (names[id] == who || (len(who) >= 8 && strings.HasPrefix(id, who))) && !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	switch {
	case len(found) == 0:
		return "", fmt.Errorf("%q means 0 keys of %s; wanted the first 8 or more digits of a key id, "+
			"or a holder whose .pub file is here: %s", who, strings.Join(roles, ", "), strings.Join(held, ", "))
	case len(found) > 1:
		return "", fmt.Errorf("%q means %d keys of %s. Root, targets and models have keys of their own: "+
			"take them out with one command for each, one upon the other; or give the first 8 or more digits of the key id",
			who, len(found), strings.Join(roles, ", "))
	}
	return found[0], nil
}

// keysOf lists the keys that sign role in the newest state.
func keysOf(s tufrepo.Set, role string) []tufrepo.Key {
	var list []tufrepo.Key
	if n := len(s.Roots); n > 0 {
		if info, err := tufrepo.Read(s.Roots[n-1]); err == nil {
			list = map[string][]tufrepo.Key{tufrepo.Root: info.Root.Root.Keys, tufrepo.Targets: info.Root.Targets.Keys,
				tufrepo.Snapshot: info.Root.Snapshot.Keys, tufrepo.Timestamp: info.Root.Timestamp.Keys}[role]
		}
	}
	if targets, err := targetsOf(s); err == nil {
		for _, m := range targets.Models {
			if m.Role == role {
				list = append(list, m.Builds.Keys...)
			}
			if role == Offers {
				list = append(list, m.Offers.Keys...)
			}
		}
		list = append(list, targets.OutsidersOf(role).Keys...)
	}
	return list
}
