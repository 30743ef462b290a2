// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"landed/manifests/tufrepo"
)

// RefreshParams is what brings a keyholder's trusted state up to date. While people were away,
// others signed releases and replaced keys: a change that is built on an older state would
// take those releases back.
type RefreshParams struct {
	Now     time.Time
	Trusted tufrepo.Set // what the keyholder holds
	// Seen is what is published now: the metadata of a feed, or only its offline part, as a
	// request or the trust file of somebody else has it.
	Seen   tufrepo.Set
	Signed map[string]int64 // by role, the highest version that the keyholder's keys have signed
	// Unpublished says that what was signed beyond Seen never was published, nor will be. What
	// Trusted has of it is given up; that wants Seen to be a whole feed that is not out of date.
	Unpublished bool
}

// Refresh is the newest offline state that follows from the trusted one: every root in the
// chain signed by those before it, targets by the newest root, each model by its targets; of
// a whole feed the server's roles too. It refuses to go back, behind Trusted and behind Signed,
// and then returns all faults. Metadata that has expired is taken, as people renew it from
// there, and a note says so; so is a feed whose timestamp has expired, which may be an old copy.
func Refresh(p RefreshParams) (tufrepo.Set, []string, error) {
	if len(p.Trusted.Roots) == 0 || len(p.Seen.Roots) == 0 {
		return tufrepo.Set{}, nil, errors.New("there is no root in the trusted state, or none in what is published")
	}
	given := []string{}
	if p.Unpublished {
		var err error
		if p.Trusted, given, err = dropUnpublished(p); err != nil {
			return tufrepo.Set{}, nil, err
		}
	}
	roots, err := continueRoots(p.Trusted.Roots, p.Seen.Roots)
	if err != nil {
		return tufrepo.Set{}, nil, err
	}
	seen := tufrepo.Set{Roots: roots, Files: p.Seen.Files}
	check := seen.CheckOffline
	if seen.Files[tufrepo.Timestamp] != nil {
		check = seen.Check
	}
	if err := check(beforeAll); err != nil {
		return tufrepo.Set{}, nil, fmt.Errorf("what is called published does not follow from what you trust: %w", err)
	}
	next, err := offlinePart(p.Trusted, seen)
	faults := []error{err}
	for _, words := range older(p.Trusted, next, "the copy") {
		faults = append(faults, errors.New(words))
	}
	if !p.Unpublished {
		faults = append(faults, behindSigned(next, p.Signed))
	}
	if err := errors.Join(faults...); err != nil {
		return tufrepo.Set{}, nil, err
	}
	return next, append(given, Expiring(seen, p.Now)...), nil
}

// continueRoots is the trusted chain with the later roots of seen. Signatures are not judged.
func continueRoots(trusted, seen [][]byte) ([][]byte, error) {
	chain := slices.Clone(trusted)
	last, err := tufrepo.Read(chain[len(chain)-1])
	if err != nil {
		return nil, err
	}
	first := last.Version - int64(len(chain)) + 1
	for _, root := range seen {
		info, err := tufrepo.Read(root)
		if err != nil {
			return nil, err
		}
		at := info.Version - first
		switch {
		case at < 0: // older than all that the keyholder ever needed
		case at < int64(len(chain)):
			if string(chain[at]) != string(root) {
				return nil, fmt.Errorf("root %d of the copy is not the root %d that you trust; it belongs to another trust, "+
					"or one of the two was made here and somebody else's was published (then give yours up with --unpublished)",
					info.Version, info.Version)
			}
		case at == int64(len(chain)):
			chain = append(chain, root)
		default:
			return nil, fmt.Errorf("the copy has root %d, but root %d is missing between it and those that you trust",
				info.Version, first+int64(len(chain)))
		}
	}
	return chain, nil
}

// offlinePart is what people signed of seen. The last file of a model that was retired stays
// in a feed for ever, and nobody vouches for it any more: it is taken if the keys that signed
// it when it was trusted did so, or else the one that is trusted stays. Of a model that came and
// went while the keyholder was away, the file that a whole feed lists is taken, for its version
// alone: should the model come back, it must go on above it.
func offlinePart(trusted, seen tufrepo.Set) (tufrepo.Set, error) {
	next := tufrepo.Set{Roots: seen.Roots, Files: map[string][]byte{}}
	targets, err := targetsOf(seen)
	if err != nil {
		return next, err
	}
	next.Files[tufrepo.Targets] = seen.Files[tufrepo.Targets]
	for _, m := range targets.Models {
		if text, ok := seen.Files[m.Role]; ok {
			next.Files[m.Role] = text
		}
	}
	for role, text := range seen.Files {
		if _, isOffers := tufrepo.ModelRole(role); seen.Files[tufrepo.Timestamp] != nil && !isOffers &&
			role != tufrepo.Snapshot && role != tufrepo.Timestamp && trusted.Files[role] == nil {
			next.Files[role] = text
		}
	}
	for role, mine := range trusted.Files {
		if next.Files[role] != nil || slices.ContainsFunc(targets.Models,
			func(m tufrepo.ModelKeys) bool { return m.Role == role }) {
			continue
		}
		next.Files[role] = mine
		if text, ok := seen.Files[role]; ok {
			if n, err := tufrepo.CountSignatures(trusted.Files[tufrepo.Targets], role, text); err == nil && n.Done() {
				next.Files[role] = text
			}
		}
	}
	return next, nil
}

func behindSigned(s tufrepo.Set, signed map[string]int64) error {
	versions := versionsOf(s)
	var faults []error
	for _, role := range slices.Sorted(maps.Keys(signed)) {
		if have := versions[role]; signed[role] > have {
			faults = append(faults, fmt.Errorf("%s: these keys have signed version %d, the copy has version %d: "+
				"it is an old copy, or what they signed is not published yet", role, signed[role], have))
		}
	}
	return errors.Join(faults...)
}

// Behind refuses a change that is staged on a trusted state which is older than what the keys
// at hand have signed: it would leave out what was published since.
func Behind(staged map[string][]byte, signed map[string]int64) error {
	var faults []error
	for _, role := range slices.Sorted(maps.Keys(staged)) {
		info, err := tufrepo.Read(staged[role])
		if err == nil && info.Version <= signed[role] {
			err = fmt.Errorf("%s: this change would be version %d, but these keys have signed version %d already", role,
				info.Version, signed[role])
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// Highest is, by role, the highest version in any of the ledgers.
func Highest(ledgers ...*Ledger) map[string]int64 {
	highest := map[string]int64{}
	for _, l := range ledgers {
		for role, s := range l.Roles {
			highest[role] = max(highest[role], s.Version)
		}
	}
	return highest
}

// versionsOf gives the version of each role that can be read.
func versionsOf(s tufrepo.Set) map[string]int64 {
	versions := map[string]int64{}
	note := func(role string, text []byte) {
		if info, err := tufrepo.Read(text); err == nil {
			versions[role] = info.Version
		}
	}
	for role, text := range s.Files {
		note(role, text)
	}
	if n := len(s.Roots); n > 0 {
		note(tufrepo.Root, s.Roots[n-1])
	}
	return versions
}
