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

// TestKnownIsBounded: however many files are read, no more is kept than two halves hold, and the newest is.
func TestKnownIsBounded(t *testing.T) {
	r := newRepo("armani")
	doc := r.roots[0]
	for n := range 3 * knownBytes / len(doc) {
		one := append(bytes.Clone(doc), bytes.Repeat([]byte(" "), 1+n%200)...)
		one = append(bytes.Repeat([]byte("\n"), n/200), one...)
		if _, err := Read(one); err != nil {
			t.Fatal(err)
		}
	}
	if kept := len(known.newer) + len(known.older); kept*len(doc) > 2*knownBytes {
		t.Errorf("%d files of %d bytes are kept", kept, len(doc))
	}
	if known.bytes > knownBytes || len(known.newer) == 0 {
		t.Errorf("%d bytes of text in %d files", known.bytes, len(known.newer))
	}
}
