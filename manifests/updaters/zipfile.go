// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"archive/zip"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Package is what phones read out of a package: its metadata, and where its parts lie.
type Package struct {
	Size  int64
	Meta  map[string]string // META-INF/com/android/metadata
	Parts []Part            // of entries that are stored as they are, by their name without folders
	// Signer is the certificate that its signature brings along, nil if there is none. Anybody can bring one along.
	Signer *x509.Certificate
	head   [4]byte // of payload.bin
}

const (
	metadataEntry = "META-INF/com/android/metadata"
	protoEntry    = metadataEntry + ".pb"
	maxMetadata   = 256 << 10
	maxEntries    = 20_000
)

// placed are the entries of which lists and csigs say where they lie.
var placed = append([]string{metadataEntry, protoEntry, CareMap}, streamed...)

// ReadPackage reads the directory of a package of size bytes, and its metadata: a few parts of it, whatever its size. What is
// signed it does not look at.
func ReadPackage(r io.ReaderAt, size int64) (Package, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return Package{}, fmt.Errorf("the package has no directory of a zip at its end: %w", err)
	}
	if len(z.File) > maxEntries {
		return Package{}, fmt.Errorf("the package has %d entries, wanted at most %d", len(z.File), maxEntries)
	}
	p := Package{Size: size, Meta: map[string]string{}, Signer: packageSigner(z.Comment)}
	for _, f := range z.File {
		if f.Name == metadataEntry {
			if err := p.metadata(f); err != nil {
				return p, err
			}
		}
		name := f.Name[strings.LastIndexByte(f.Name, '/')+1:]
		if f.Method != zip.Store || !slices.Contains(placed, f.Name) {
			continue
		}
		offset, err := f.DataOffset()
		if err != nil {
			return p, fmt.Errorf("%s has no header where the directory says: %w", f.Name, err)
		}
		if offset > size || f.UncompressedSize64 > uint64(size-offset) { // its own header may say that it begins far away
			return p, fmt.Errorf("%s lies at %d with %d bytes, behind the end of the package at %d", f.Name, offset, f.UncompressedSize64, size)
		}
		p.Parts = append(p.Parts, Part{Name: name, Offset: offset, Size: int64(f.UncompressedSize64)})
		if name == "payload.bin" {
			if n, err := r.ReadAt(p.head[:], offset); n < len(p.head) {
				return p, fmt.Errorf("payload.bin cannot be read: %w", err)
			}
		}
	}
	return p, nil
}

// metadata reads lines of key=value; the first of a key counts.
func (p *Package) metadata(f *zip.File) error {
	if f.UncompressedSize64 > maxMetadata {
		return errors.New("the metadata of the package is longer than any phone reads")
	}
	body, err := f.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxMetadata))
	if err != nil {
		return fmt.Errorf("the metadata of the package: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if _, seen := p.Meta[key]; !seen {
			p.Meta[key] = strings.TrimSpace(value)
		}
	}
	return nil
}

// Against says what a phone does not take of a package that it was offered.
func (o Offer) Against(p Package) (found []Fault) {
	var f faults
	if o.Size > 0 && o.Size != p.Size {
		f.add(refusesZip, "the package has %d bytes, and %d were announced", p.Size, o.Size)
	}
	for _, part := range o.Parts {
		o.part(part, p, &f)
	}
	utc, _ := strconv.ParseInt(p.Meta["post-timestamp"], 10, 64) // none is no time at all
	switch {
	case o.strict && utc != o.UTC:
		f.add(refusesZip, "the package was built at %q, and %d was announced", p.Meta["post-timestamp"], o.UTC)
	case !o.strict && utc > 0 && o.UTC > utc:
		f.add("the phone is offered the same build again and again, for its build time stays behind", "the package was built at %d, and %d "+
			"was announced", utc, o.UTC)
	}
	devices := strings.FieldsFunc(p.Meta["pre-device"], func(r rune) bool { return r == '|' || r == ',' })
	if o.device != "" && len(devices) > 0 && !slices.Contains(devices, o.device) {
		f.add(refusesZip, "the package is for %q, and phones that ask for %s are offered it", p.Meta["pre-device"], o.device)
	}
	if o.strict {
		o.graphene(p, devices, &f)
	}
	return f
}

// part holds where a part is said to lie against where it lies.
func (o Offer) part(said Part, p Package, f *faults) {
	name := said.Name
	if name == "payload_metadata.bin" {
		name = "payload.bin" // of which it is the beginning
	}
	is, known := partOf(p.Parts, name)
	switch {
	case !known && slices.Contains(streamed, said.Name):
		f.add(refusesZip, "the package has no %s that is stored as it is", name)
	case !known: // not asked for by range
	case said.Offset != is.Offset, said.Name == name && said.Size != is.Size, said.Size > is.Size:
		f.add(refusesZip, "%s is said to lie at %d with %d bytes, and lies at %d with %d", said.Name, said.Offset, said.Size, is.Offset,
			is.Size)
	case said.Name == "payload.bin" && string(p.head[:]) != "CrAU":
		f.add(refusesZip, "payload.bin begins with %q, wanted CrAU", p.head[:])
	}
}

// graphene is what GrapheneOS's app asks of a package before it installs it.
func (o Offer) graphene(p Package, devices []string, f *faults) {
	if len(devices) != 1 {
		f.add(refusesZip, "the package is for the devices %q, wanted %s alone", p.Meta["pre-device"], o.device)
	}
	if kind := p.Meta["ota-type"]; kind != "AB" {
		f.add(refusesZip, "the package is of the type %q, wanted AB", kind)
	}
	if numbers, is := p.Meta["serialno"]; is {
		f.add(refusesZip, "the package is for the serial numbers %.50q alone", numbers)
	}
	o.streaming(p, f)
	from := p.sources()
	if o.From == "" && len(from) > 0 {
		f.add(refusesZip, "the full package starts from the build %q", from)
	}
	if o.From != "" && slices.ContainsFunc(from, func(label string) bool { return label != o.From }) {
		f.add(refusesZip, "the incremental starts from the build %q, and from %q was asked for", from, o.From)
	}
}

// streaming holds where the metadata says that the payload lies, by which the app installs, against where it lies.
func (o Offer) streaming(p Package, f *faults) {
	text, is := p.Meta["ota-streaming-property-files"]
	if !is {
		f.add("the app ends without a word, each time", "the metadata has no ota-streaming-property-files")
		return
	}
	for one := range strings.SplitSeq(text, ",") {
		place, is := strings.CutPrefix(one, "payload.bin:")
		payload, known := partOf(p.Parts, "payload.bin")
		if !is || !known {
			continue
		}
		place, _, _ = strings.Cut(place, ":")
		if offset, err := strconv.ParseInt(place, 10, 64); err != nil || offset != payload.Offset {
			f.add(refusesZip, "the metadata says that payload.bin lies at %.30s, and it lies at %d", place, payload.Offset)
		}
	}
}

// sources are the labels of the build that a package starts from, by each of the two keys that may name it.
func (p Package) sources() (labels []string) {
	if label := p.Meta["pre-build-incremental"]; label != "" {
		labels = append(labels, label)
	}
	if fingerprint := p.Meta["pre-build"]; fingerprint != "" { // brand/product/device:release/id/incremental:type/tags
		label := fingerprint[strings.LastIndexByte(fingerprint, ':')+1:]
		if parts := strings.Split(fingerprint, ":"); len(parts) == 3 {
			label = parts[1][strings.LastIndexByte(parts[1], '/')+1:]
		}
		labels = append(labels, label)
	}
	return labels
}
