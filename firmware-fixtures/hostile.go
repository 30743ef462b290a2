// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// HostileCase is a package that breaks one rule on purpose. What else is wrong with it follows from that.
type HostileCase struct {
	Name  string   // "zip-second-directory"
	Model string   // the model it pretends to be for
	Want  []string // codes of otapkg that an inspector must report; it may report more
	Why   string   // what is wrong, in one sentence
	File  string   // name under which it is uploaded; "" if the name does not matter
	// Write streams the package. k is the key that the reader pins: the package is signed with it, unless
	// the signature is what is wrong.
	Write func(w io.Writer, k Key) error
}

// Hostile lists every hostile package, by family of the rule: zip, signature, metadata and script, A/B.
func Hostile() []HostileCase {
	return slices.Concat(hostileZip(), hostileSignature(), hostileMetadata(), hostileScript(), hostilePayload(),
		hostileAB())
}

// HostileOf finds a hostile package by name.
func HostileOf(name string) (HostileCase, error) {
	for _, c := range Hostile() {
		if c.Name == name {
			return c, nil
		}
	}
	return HostileCase{}, fmt.Errorf("no hostile package is called %q; `mkfixture list` shows them all", name)
}

// forgery says at which step of writing a good package something goes wrong. Unset steps are done right.
type forgery struct {
	kind      Kind // Patched if empty
	build     func(*Build)
	files     func(map[string][]byte)           // file-based: before signing
	ab        func(*abPackage)                  // A/B: before layout
	entries   func([]entry) []entry             // all entries, as laid out
	directory func([]dirEntry) []dirEntry       // what the zip directory says
	archive   func([]byte) []byte               // the archive without comment; what comes out is signed
	key       func(Key) Key                     // who signs
	comment   func([]byte, Key) ([]byte, error) // replaces the signature, given the archive without comment length
	signed    func([]byte) []byte               // the finished file
}

// of makes the package for a model. Hostile packages are small, so they are made in memory.
func (f forgery) of(model string) func(io.Writer, Key) error {
	return func(w io.Writer, k Key) error {
		if err := k.check(); err != nil {
			return err
		}
		data, err := f.bytes(model, k)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	}
}

func (f forgery) bytes(model string, k Key) ([]byte, error) {
	kind := f.kind
	if kind == "" {
		kind = Patched
	}
	b, err := BuildOf(model, kind)
	if err != nil {
		return nil, err
	}
	if f.build != nil {
		f.build(&b)
	}
	if f.key != nil {
		k = f.key(k)
	}
	entries, err := f.layout(b, k)
	if err != nil {
		return nil, err
	}
	if f.entries != nil {
		entries = f.entries(entries)
	}
	var buf bytes.Buffer
	if err := writeArchive(&buf, entries, f.directory); err != nil {
		return nil, err
	}
	data := buf.Bytes()
	if f.archive != nil {
		data = f.archive(data)
	}
	head := data[:len(data)-2]
	make := f.comment
	if make == nil {
		make = honestComment
	}
	comment, err := make(head, k)
	if err != nil {
		return nil, err
	}
	data = append(bytes.Clone(head), comment...)
	if f.signed != nil {
		data = f.signed(data)
	}
	return data, nil
}

func (f forgery) layout(b Build, k Key) ([]entry, error) {
	if b.AB {
		p, err := b.abPackage(0)
		if err != nil {
			return nil, err
		}
		p.payload.signWith(k)
		if f.ab != nil {
			f.ab(&p)
		}
		return p.entries(k)
	}
	files, err := b.files()
	if err != nil {
		return nil, err
	}
	if f.files != nil {
		f.files(files)
	}
	return signedEntries(plainEntries(files), k, 0)
}

func honestComment(head []byte, k Key) ([]byte, error) {
	sum := k.hash().New()
	sum.Write(head)
	return signatureComment(k, sum.Sum(nil), k.hash())
}

// change gives a hook that changes one entry; a name that is not there is a fault of the table.
func change(name string, f func(*entry)) func([]entry) []entry {
	return func(entries []entry) []entry {
		i := slices.IndexFunc(entries, func(e entry) bool { return e.name == name })
		if i < 0 {
			panic("hostile table: no entry " + name)
		}
		f(&entries[i])
		return entries
	}
}

// replaced changes text in a file of a file-based package, and panics if it would change nothing.
func replaced(name, old, new string) func(map[string][]byte) {
	return func(files map[string][]byte) {
		if !bytes.Contains(files[name], []byte(old)) {
			panic(fmt.Sprintf("hostile table: %s does not hold %q", name, old))
		}
		files[name] = bytes.ReplaceAll(files[name], []byte(old), []byte(new))
	}
}

func appended(name, text string) func(map[string][]byte) {
	return func(files map[string][]byte) { files[name] = append(files[name], text...) }
}

func prepended(name, text string) func(map[string][]byte) {
	return func(files map[string][]byte) { files[name] = append([]byte(text), files[name]...) }
}
