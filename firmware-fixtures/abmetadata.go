// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"fmt"
	"path"
	"strings"
)

// reservedWidth is the length of a property string in the metadata: long enough for offsets of 13 digits, and
// the same before and after the offsets are known, so that writing them moves nothing.
const reservedWidth = 320

// propertyFiles are the two strings that tell a streaming client where entries begin.
type propertyFiles struct{ all, streaming string }

// propertiesOf computes the strings for entries laid out in this order; shift falsifies every offset.
func propertiesOf(entries []entry, pay payload, shift int64) propertyFiles {
	at := map[string]int64{}
	var pos int64
	for _, e := range entries {
		extra := int64(len(e.extra))
		if !e.deflate {
			extra += int64(len(zip64Local(uint64(e.body.size))))
		}
		data := pos + 30 + int64(len(e.name)) + extra
		at[e.name] = data + shift
		pos = data + e.body.size
		if e.deflate {
			pos = data + int64(len(deflate(e.body))) + 16 // data descriptor
		}
	}
	return propertyStrings(entries, at, pay)
}

// propertyStrings names the entries whose content begins at these offsets.
func propertyStrings(entries []entry, at map[string]int64, pay payload) propertyFiles {
	var tokens []string
	for _, name := range []string{namePayload, nameProperties, nameCareMap, nameCareMapText, nameCompatibility,
		nameMetadata, nameMetadataPB} {
		for _, e := range entries {
			if e.name == name {
				tokens = append(tokens, fmt.Sprintf("%s:%d:%d", path.Base(name), at[name], e.body.size))
			}
		}
	}
	streaming := strings.Join(tokens, ",")
	first := fmt.Sprintf("payload_metadata.bin:%d:%d", at[namePayload], pay.metadataSize+pay.metadataSig)
	return propertyFiles{pad(first + "," + streaming), pad(streaming)}
}

func pad(s string) string { return fmt.Sprintf("%-*s", reservedWidth, s) }

// metadata is the text file, keys sorted.
func (p abPackage) metadata(props propertyFiles) []byte {
	b := p.build
	keys := map[string]string{
		"ota-property-files":           pad(props.all),
		"ota-required-cache":           "0",
		"ota-streaming-property-files": pad(props.streaming),
		"ota-type":                     "AB",
		"post-build":                   b.Fingerprint,
		"post-build-incremental":       b.Incremental,
		"post-sdk-level":               sdkLevel,
		"post-security-patch-level":    b.patchLevel(),
		"post-timestamp":               decimal(b.UTC),
		"pre-device":                   strings.Join(append([]string{b.Model}, b.Also...), "|"),
		"pre-build":                    strings.Join(b.From, "|"),
	}
	if p.wipe {
		keys["ota-wipe"] = "yes"
	}
	if p.from != nil {
		keys["pre-build"], keys["pre-build-incremental"] = p.from.Fingerprint, p.from.Incremental
	}
	if p.downgrade {
		keys["ota-downgrade"] = "yes"
	}
	for k, v := range p.textKeys {
		keys[k] = v
	}
	var text strings.Builder
	for _, k := range sortedNames(keys) {
		if keys[k] != "" {
			fmt.Fprintf(&text, "%s=%s\n", k, keys[k])
		}
	}
	return []byte(text.String())
}

const sdkLevel = "36"

// metadataPB is the same as an OtaMetadata message (AOSP ota_metadata.proto).
func (p abPackage) metadataPB(props propertyFiles) []byte {
	b := p.build
	m := pbInt(nil, 1, p.otaType)
	if p.wipe {
		m = pbInt(m, 2, 1)
	}
	if p.downgrade {
		m = pbInt(m, 3, 1)
	}
	for _, f := range [][2]string{{"ota-property-files", pad(props.all)},
		{"ota-streaming-property-files", pad(props.streaming)}} {
		m = pbBytes(m, 4, pbString(pbString(nil, 1, f[0]), 2, f[1]))
	}
	device := b.Model
	if p.pbDevice != "" {
		device = p.pbDevice
	}
	pre := pbString(nil, 1, device)
	for _, other := range b.Also {
		pre = pbString(pre, 1, other)
	}
	if p.from != nil {
		pre = pbString(pbString(pre, 2, p.from.Fingerprint), 3, p.from.Incremental)
	}
	for _, from := range b.From {
		pre = pbString(pre, 2, from)
	}
	m = pbBytes(m, 5, pre)
	post := pbString(nil, 1, b.Model)
	post = pbString(post, 2, b.Fingerprint)
	post = pbString(post, 3, b.Incremental)
	post = pbInt(post, 4, uint64(b.UTC))
	post = pbString(post, 5, sdkLevel)
	post = pbString(post, 6, b.patchLevel())
	return pbBytes(m, 6, post)
}
