// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"maps"
	"slices"

	"landed/internal/recent"
)

// knownBytes bounds the text of the files in each half of what is known: some MiB of memory in all, and yet the whole feed of
// 200 models.
const knownBytes = 1 << 20

// known are the files that were read last. A publication writes a file, signs it, counts its signatures, checks it, stores it and
// lists it, and each of these reads it; whoever follows a feed counts signatures by the same few roots again and again. What a file
// says hangs on its bytes alone, so it is read once.
var known = recent.New[document](knownBytes)

// parse reads metadata. What it returns must not be changed: others have it too.
func parse(doc []byte) (document, error) {
	if len(doc) > MaxTargetsBytes {
		return read(doc) // which refuses it
	}
	return known.Do(doc, len(doc), func() (document, error) { return read(doc) })
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
