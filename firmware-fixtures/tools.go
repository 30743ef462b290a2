// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
)

// ToolCase is a good package, packed as one tool of one time packs. What is in it is the same for all of a model.
type ToolCase struct {
	Name  string   // "go-stream-ab"
	Model string   // the model it is for
	Tool  string   // who packs like this, and since when
	Want  []string // codes of otapkg that an inspector must report, and no others
	// Refused says that phones could not read it, so that an inspector must refuse it.
	Refused bool
	// Write streams the package, signed with k.
	Write func(w io.Writer, k Key) error
}

// Tools lists a package for each tool and way of packing, in no order that matters.
func Tools() []ToolCase {
	const file, ab = "armani", "fuxi"
	var (
		streamed = []string{"ZIP-STREAM"}
		early    = []string{"ZIP-STREAM", "AB-ORDER"} // and older LineageOS updaters miss payload.bin
	)
	cases := []ToolCase{
		{Name: "signapk", Model: file, Tool: "signapk -w, 2009 to 2014: deflated entries with descriptors"},
		{Name: "signapk-ab", Model: ab, Tool: "signapk -w since Android 7: stored entries first, with their sizes"},
		{Name: "python", Model: file, Tool: "Python's zipfile, as releasetools before signing: no descriptors"},
		{Name: "python-ab", Model: ab, Tool: "Python's zipfile, payload stored"},
		{Name: "zipalign-ab", Model: ab, Tool: "zipalign: up to three bytes of padding in the own headers"},
		{Name: "infozip", Model: file, Tool: "Info-ZIP 3.0 into a file: times and owners in extra fields"},
		{Name: "infozip-ab", Model: ab, Tool: "Info-ZIP 3.0 into a file, payload stored"},
		{Name: "infozip-stream", Model: file, Tool: "Info-ZIP 3.0 into a pipe: sizes in the own headers, no checksums"},
		{Name: "infozip-stream-ab", Model: ab, Tool: "Info-ZIP 3.0 into a pipe, payload stored", Want: early},
		{Name: "infozip-zip64-ab", Model: ab, Tool: "Info-ZIP 3.0 from a pipe: Zip64 that no size asks for", Want: streamed},
		{Name: "infozip-stdin", Model: file, Tool: "Info-ZIP 3.0 from its standard input: an entry `-` that is a pipe",
			Want: streamed, Refused: true},
		{Name: "go-stream", Model: file, Tool: "Go's archive/zip, entry by entry"},
		{Name: "go-stream-ab", Model: ab, Tool: "Go's archive/zip, entry by entry: descriptors of stored entries", Want: early},
		{Name: "go-raw-ab", Model: ab, Tool: "Go's archive/zip with sizes known before, as soong's zip2zip"},
		{Name: "avbroot-streaming-ab", Model: ab, Tool: "avbroot --zip-mode streaming: descriptors of stored entries", Want: early},
		{Name: "avbroot-seekable-ab", Model: ab, Tool: "avbroot --zip-mode seekable: former descriptors left behind", Want: early},
		{Name: "zip-crate-large", Model: file, Tool: "Rust's zip with large_file: descriptors with 8-byte sizes", Want: streamed,
			Refused: true},
	}
	packers := map[string]packer{
		"signapk": packSignapk, "signapk-ab": packSignapk,
		"python": packShaped(plainShape), "python-ab": packShaped(plainShape), "zipalign-ab": packShaped(alignedShape),
		"infozip": packShaped(infozipShape), "infozip-ab": packShaped(infozipShape),
		"infozip-stream": packShaped(infozipPipeShape), "infozip-stream-ab": packShaped(infozipPipeShape),
		"infozip-zip64-ab": packShaped(infozipWideShape), "infozip-stdin": packStdin,
		"go-stream": packGoStream, "go-stream-ab": packGoStream, "go-raw-ab": packGoRaw,
		"avbroot-streaming-ab": packShaped(func(entry) shape { return shape{descriptor: 16} }),
		"avbroot-seekable-ab":  packShaped(func(entry) shape { return shape{descriptor: 16, hidden: true} }),
		"zip-crate-large":      packShaped(func(entry) shape { return shape{descriptor: 24, zip64: true, blank: true} }),
	}
	for i, c := range cases {
		pack := packers[c.Name]
		cases[i].Write = func(w io.Writer, k Key) error { return writePacked(w, k, c.Model, pack) }
	}
	return cases
}

// ToolOf finds a package by name.
func ToolOf(name string) (ToolCase, error) {
	for _, c := range Tools() {
		if c.Name == name {
			return c, nil
		}
	}
	return ToolCase{}, fmt.Errorf("no tool's package is called %q; `mkfixture list` shows them all", name)
}

// packer makes an archive without a comment.
type packer func([]entry) ([]byte, error)

// writePacked packs the patched package of a model and signs it. Property strings name offsets, so an A/B package
// is packed once to see where its entries come to lie, and once more with the strings.
func writePacked(w io.Writer, k Key, model string, pack packer) error {
	if err := k.check(); err != nil {
		return err
	}
	b, err := BuildOf(model, Patched)
	if err != nil {
		return err
	}
	var archive []byte
	if b.AB {
		archive, err = packAB(b, k, pack)
	} else if entries, bad := b.fileEntries(k, 0); bad == nil {
		archive, err = pack(entries)
	} else {
		err = bad
	}
	if err != nil {
		return err
	}
	return SignArchive(w, bytes.NewReader(archive), k)
}

func packAB(b Build, k Key, pack packer) ([]byte, error) {
	p, err := b.abPackage(0)
	if err != nil {
		return nil, err
	}
	p.payload.signWith(k)
	pay, layout, err := p.layout(k)
	if err != nil {
		return nil, err
	}
	blank := layout(propertyFiles{})
	draft, err := pack(blank)
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(draft), int64(len(draft)))
	if err != nil {
		return nil, err
	}
	at := map[string]int64{}
	for _, f := range z.File {
		if at[f.Name], err = f.DataOffset(); err != nil {
			return nil, err
		}
	}
	return pack(layout(propertyStrings(blank, at, pay)))
}
