// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"fmt"
	"time"
)

// abPackage is an A/B package before its entries are laid out. The hostile table bends it.
type abPackage struct {
	build      Build
	payload    payloadSpec
	wipe       bool
	downgrade  bool
	textKeys   map[string]string   // replaces or adds keys of the text metadata; "" removes one
	pbDevice   string              // pre-device in metadata.pb, if it shall differ
	otaType    uint64              // in metadata.pb; 1 is AB
	properties func(string) string // changes payload_properties.txt; nil leaves it
	between    []entry             // put between metadata.pb and care_map.pb
	shift      int64               // added to every offset of the property strings
}

func (b Build) abEntries(k Key, padTo int64) ([]entry, error) {
	p, err := b.abPackage(padTo)
	if err != nil {
		return nil, err
	}
	p.payload.signWith(k)
	return p.entries(k)
}

func (b Build) abPackage(padTo int64) (abPackage, error) {
	system, err := b.systemImage()
	if err != nil {
		return abPackage{}, fmt.Errorf("system partition: %w", err)
	}
	parts := []partition{
		{name: "system", data: bytesBody(system), zeroBlocks: 16, dynamic: true},
		{name: "boot", data: bytesBody(blocks(b.bootImage()))},
		{name: "vendor", data: bytesBody(blocks(standinBody(b, "vendor.img", 10<<10))), zeroBlocks: 4, dynamic: true},
		{name: "vbmeta", data: bytesBody(blocks([]byte("AVB0 STAND-IN")))},
	}
	if padTo > 0 {
		parts = append(parts, partition{name: "padding_standin",
			data: padding("padding", (padTo+blockSize-1)/blockSize*blockSize)})
	}
	return abPackage{build: b, otaType: 1, payload: payloadSpec{
		magic: "CrAU", major: 2, maxTimestamp: b.UTC, patchLevel: b.patchLevel(), partitions: parts, groupSize: 8 << 30,
	}}, nil
}

// patchLevel is the first day of the month in which the build was made.
func (b Build) patchLevel() string {
	t := time.Unix(b.UTC, 0).UTC()
	return fmt.Sprintf("%04d-%02d-01", t.Year(), t.Month())
}

// systemImage is the ustar archive that stands for the system partition, padded to whole blocks.
func (b Build) systemImage() ([]byte, error) {
	var buf bytes.Buffer
	t := tar.NewWriter(&buf)
	files := b.SystemFiles()
	for _, name := range sortedNames(files) {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), ModTime: time.Unix(b.UTC, 0),
			Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(files[name]); err != nil {
			return nil, err
		}
	}
	err := t.Close()
	return blocks(buf.Bytes()), err
}

// blocks pads with zeros to a whole number of blocks.
func blocks(b []byte) []byte {
	return append(b, make([]byte, -len(b)&(blockSize-1))...)
}

// entries lays the package out: metadata first, all that a handset streams stored, otacert last, as signapk -w
// leaves an A/B package. The property strings name offsets of entries behind the metadata that holds them, so the
// metadata is sized with strings of their final length first.
func (p abPackage) entries(k Key) ([]entry, error) {
	pay, layout, err := p.layout(k)
	if err != nil {
		return nil, err
	}
	return layout(propertiesOf(layout(propertyFiles{}), pay, p.shift)), nil
}

// layout makes the entries once the property strings are known.
func (p abPackage) layout(k Key) (payload, func(propertyFiles) []entry, error) {
	pay, err := p.payload.build()
	if err != nil {
		return payload{}, nil, err
	}
	rest := append([]entry(nil), p.between...)
	rest = append(rest,
		stored(nameCareMap, p.careMap()),
		entry{name: namePayload, body: pay.body},
		stored(nameProperties, p.propertiesText(pay)),
		stored(nameStandin, []byte(standinNote)),
	)
	return pay, func(props propertyFiles) []entry {
		all := []entry{stored(nameMetadata, p.metadata(props)), stored(nameMetadataPB, p.metadataPB(props))}
		// What signapk leaves in local headers: Java's mark of a jar on the first entry, and an empty alignment field.
		all[0].extra = []byte{0xfe, 0xca, 0, 0, 0x35, 0xd9, 2, 0, 1, 0}
		all[1].extra = []byte{0x35, 0xd9, 2, 0, 1, 0}
		return append(append(all, rest...), deflated(nameOtacert, k.CertPEM()))
	}, nil
}

func (p abPackage) propertiesText(pay payload) []byte {
	b64 := base64.StdEncoding.EncodeToString
	text := fmt.Sprintf("FILE_HASH=%s\nFILE_SIZE=%d\nMETADATA_HASH=%s\nMETADATA_SIZE=%d\n",
		b64(pay.hash), pay.body.size, b64(pay.metadataHash), pay.metadataSize)
	if p.properties != nil {
		text = p.properties(text)
	}
	return []byte(text)
}

// careMap lists the blocks that update_verifier reads back (AOSP care_map.proto).
func (p abPackage) careMap() []byte {
	var m []byte
	for _, part := range p.payload.partitions {
		if part.dynamic {
			one := pbString(nil, 1, part.name)
			one = pbString(one, 2, fmt.Sprintf("2,0,%d", part.size()/blockSize))
			one = pbString(one, 3, "ro."+part.name+".build.fingerprint")
			m = pbBytes(m, 1, pbString(one, 4, p.build.Fingerprint))
		}
	}
	return m
}
