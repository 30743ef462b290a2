// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"landed/manifests/tufrepo"
)

// dropUnpublished is the trusted state less what it has beyond the feed, and says what that is. A change
// that was made here and never published would stand in the way of everything that is published
// later: two people replaced keys at once, or the server refused what was made on an old state.
//
// The first root must be common to both, so nobody is led into another trust; and an old copy
// would give up what is published, so the feed must be whole and of today.
func dropUnpublished(p RefreshParams) (tufrepo.Set, []string, error) {
	kept := tufrepo.Set{Roots: commonRoots(p.Trusted.Roots, p.Seen.Roots), Files: map[string][]byte{}}
	if len(kept.Roots) == 0 {
		return kept, nil, errors.New("the copy and what you trust have no root in common; it belongs to another trust, " +
			"and nothing can be given up for it")
	}
	var words []string
	for _, text := range p.Trusted.Roots[len(kept.Roots):] {
		if info, err := tufrepo.Read(text); err == nil {
			words = append(words, fmt.Sprintf("root: version %d, which was made here, is given up.", info.Version))
		}
	}
	for _, role := range slices.Sorted(maps.Keys(p.Trusted.Files)) {
		mine, err := tufrepo.Read(p.Trusted.Files[role])
		theirs, errTheirs := tufrepo.Read(p.Seen.Files[role])
		same, _ := tufrepo.SameStatement(p.Trusted.Files[role], p.Seen.Files[role])
		if err == nil && (errTheirs != nil || theirs.Version < mine.Version || theirs.Version == mine.Version && !same) {
			words = append(words, fmt.Sprintf("%s: version %d, which was made here, is given up.", role, mine.Version))
			continue
		}
		kept.Files[role] = p.Trusted.Files[role]
	}
	if len(words) == 0 {
		return p.Trusted, nil, nil
	}
	timestamp, err := tufrepo.Read(p.Seen.Files[tufrepo.Timestamp])
	if err != nil || !timestamp.Expires.After(p.Now) {
		return kept, nil, fmt.Errorf("your trust file has more than the copy. To give that up, "+
			"bring a copy of the whole feed (its metadata folder) made today, "+
			"since an old one cannot tell what was published meanwhile. It would be given up:\n%w", joined(words))
	}
	return kept, words, nil
}

// commonRoots is the part of the trusted chain that seen has too, byte for byte, or goes on from.
func commonRoots(trusted, seen [][]byte) [][]byte {
	theirs := map[int64]string{}
	for _, text := range seen {
		if info, err := tufrepo.Read(text); err == nil {
			theirs[info.Version] = string(text)
		}
	}
	n := 0
	for i, text := range trusted {
		info, err := tufrepo.Read(text)
		if err != nil {
			break
		}
		if other, ok := theirs[info.Version]; ok {
			if other != string(text) {
				break
			}
			n = i + 1
		}
	}
	return trusted[:n]
}

func joined(words []string) error {
	var list []error
	for _, w := range words {
		list = append(list, errors.New(w))
	}
	return errors.Join(list...)
}
