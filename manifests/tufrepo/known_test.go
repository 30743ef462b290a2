// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadAgain: a file is read once, and who changes what he was told of it changes nothing for the next one.
func TestReadAgain(t *testing.T) {
	r := newRepo("armani", "cancro")
	for _, doc := range append([][]byte{r.roots[0]}, r.files[Targets], r.files["armani"], r.files[Snapshot], r.files[Timestamp]) {
		first, want := must(Read(doc)), must(read(doc)).info
		wreck(&first)
		statement := must(Statement(doc))
		clear(statement)
		if diff := cmp.Diff(want, must(Read(doc))); diff != "" {
			t.Error(diff)
		}
		if bytes.Equal(statement, must(Statement(doc))) {
			t.Error("the statement was given away")
		}
	}
}

// wreck changes all that a reader of metadata can reach.
func wreck(i *Info) {
	clear(i.Signers)
	for n := range i.Targets {
		clear(i.Targets[n].Custom)
	}
	clear(i.Targets)
	clear(i.Heads)
	clear(i.Files)
	for n := range i.Models {
		clear(i.Models[n].Builds.Keys)
		clear(i.Models[n].Offers.Keys)
	}
	clear(i.Models)
	for n := range i.Outsiders {
		clear(i.Outsiders[n].Who.Keys)
	}
	clear(i.Outsiders)
	if i.Root != nil {
		for _, who := range []*RoleKeys{&i.Root.Root, &i.Root.Targets, &i.Root.Snapshot, &i.Root.Timestamp} {
			clear(who.Keys)
		}
		*i.Root = RootSpec{}
	}
}
