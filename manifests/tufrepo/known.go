// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"
)

// knownBytes bounds the text of the files in each half of what is known: some MiB of memory in all, and yet the whole feed of
// 200 models.
const knownBytes = 1 << 20

// known are the files that were read last, by the hash of their bytes. A publication writes a file, signs it, counts its
// signatures, checks it, stores it and lists it, and each of these reads it; whoever follows a feed counts signatures by the same few
// roots again and again. What a file says hangs on its bytes alone, so it is read once. When the newer half is full, it becomes the
// older one, and what was not asked for since goes.
var known struct {
	mu           sync.Mutex
	newer, older map[[sha256.Size]byte]document
	bytes        int // of text in newer
}

// parse reads metadata, which must not be changed: others have it too.
func parse(doc []byte) (document, error) {
	if len(doc) > MaxTargetsBytes {
		return read(doc) // which refuses it
	}
	sum := sha256.Sum256(doc)
	known.mu.Lock()
	d, have := known.newer[sum]
	if !have {
		if d, have = known.older[sum]; have {
			keep(sum, d, len(doc))
		}
	}
	known.mu.Unlock()
	if have {
		return d, nil
	}
	d, err := read(doc)
	if err != nil {
		return d, err
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	keep(sum, d, len(doc))
	return d, nil
}

// keep keeps what was read of n bytes; the caller holds the lock.
func keep(sum [sha256.Size]byte, d document, n int) {
	if known.newer == nil || known.bytes+n > knownBytes {
		known.older, known.newer, known.bytes = known.newer, map[[sha256.Size]byte]document{}, 0
	}
	if _, have := known.newer[sum]; !have {
		known.newer[sum] = d
		known.bytes += n
	}
}

// clone is a copy that its reader may change.
func (i Info) clone() Info {
	i.Signers, i.Targets, i.Heads = slices.Clone(i.Signers), slices.Clone(i.Targets), slices.Clone(i.Heads)
	i.Models, i.Outsiders = slices.Clone(i.Models), slices.Clone(i.Outsiders)
	for n, m := range i.Models {
		i.Models[n].Builds, i.Models[n].Offers = m.Builds.clone(), m.Offers.clone()
	}
	for n, o := range i.Outsiders {
		i.Outsiders[n].Who = o.Who.clone()
	}
	for n, t := range i.Targets {
		i.Targets[n].Custom = slices.Clone(t.Custom)
	}
	i.Files = maps.Clone(i.Files)
	if i.Root != nil {
		r := *i.Root
		r.Root, r.Targets, r.Snapshot, r.Timestamp = r.Root.clone(), r.Targets.clone(), r.Snapshot.clone(), r.Timestamp.clone()
		i.Root = &r
	}
	return i
}

func (r RoleKeys) clone() RoleKeys {
	r.Keys = slices.Clone(r.Keys)
	return r
}
