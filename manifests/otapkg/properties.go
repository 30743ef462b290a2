// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// propertyKeys are the keys that payload_properties.txt may hold. Clients pass every line of it on to
// update_engine, which understands more: NETWORK_PROXY would redirect a phone's downloads.
var propertyKeys = []string{"FILE_HASH", "FILE_SIZE", "METADATA_HASH", "METADATA_SIZE", "POWERWASH",
	"SWITCH_SLOT_ON_REBOOT", "SPL_DOWNGRADE"}

func parseProperties(text []byte, fs *Findings) map[string]string {
	props := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		_, dup := props[key]
		switch {
		case !ok || !slices.Contains(propertyKeys, key):
			fs.add(Finding{Code: ABKeys, Found: show(key), Wanted: strings.Join(propertyKeys, ", "), Fix: "Remove the line; " +
				"it would reach update_engine.",
				Message: fmt.Sprintf("%s is not allowed in payload_properties.txt of a package.", show(key))})
		case dup && props[key] != value:
			fs.add(Finding{Code: ABKeys, Found: show(key), Wanted: "each key once",
				Message: fmt.Sprintf("payload_properties.txt says %s twice, differently.", show(key))})
		case !dup:
			props[key] = value
		}
	}
	return props
}

// judgeProperties compares what payload_properties.txt states with the payload's bytes.
func judgeProperties(props map[string]string, p *PayloadFacts, fs *Findings) {
	if props == nil {
		fs.add(Finding{Code: ABHash, Found: "no payload_properties.txt", Wanted: "its hashes and sizes",
			Fix: "Build the package again.", Message: "payload_properties.txt is missing; clients need it to start the update."})
		return
	}
	for _, c := range []struct{ key, have string }{
		{"FILE_HASH", p.FileHash}, {"FILE_SIZE", strconv.FormatInt(p.Size, 10)},
		{"METADATA_HASH", p.MetadataHash}, {"METADATA_SIZE", strconv.FormatInt(p.MetadataSize, 10)},
	} {
		if props[c.key] != c.have {
			fs.add(Finding{Code: ABHash, Found: show(props[c.key]), Wanted: c.have, Fix: "Build the package again; " +
				"do not replace payload.bin alone.",
				Message: fmt.Sprintf("%s belongs to another payload: payload_properties.txt says %s, it is %s.", c.key,
					show(props[c.key]), c.have)})
		}
	}
}

// streamed are the entries that clients ask for by range, in the order in which AOSP lists them
// (build/tools/releasetools/ota_utils.py, AbOtaPropertyFiles).
var streamed = []string{namePayload, nameProperties, "apex_info.pb", "care_map.pb", "care_map.txt",
	"compatibility.zip", nameMetadata, nameMetadataPB}

const payloadMetadata = "payload_metadata.bin" // a name for the head of payload.bin, not an entry

// propertyFiles computes where each streamed entry lies.
func (a *Archive) propertyFiles(p *Payload) []PropertyFile {
	var files []PropertyFile
	for _, name := range streamed {
		e, ok := a.Entry(name)
		if !ok || !e.Stored {
			continue
		}
		if name == namePayload && p != nil {
			files = append(files, PropertyFile{payloadMetadata, e.Offset, p.blobs()})
		}
		files = append(files, PropertyFile{path.Base(name), e.Offset, e.Size})
	}
	return files
}

// judgePropertyFiles compares a property string of the metadata, "name:offset:size,…" padded with blanks,
// with where the entries really lie.
func judgePropertyFiles(key, stated string, real []PropertyFile, required []string, fs *Findings) {
	add := func(found, wanted, why string) {
		fs.add(Finding{Code: ABProps, Found: found, Wanted: wanted,
			Fix: "Let the release tools write the property strings, last, and do not re-pack afterwards.", Message: why})
	}
	seen := map[string]bool{}
	for tok := range strings.SplitSeq(stated, ",") {
		name, place, _ := strings.Cut(strings.TrimSpace(tok), ":")
		i := slices.IndexFunc(real, func(f PropertyFile) bool { return f.Name == name })
		switch {
		case i < 0:
			add(show(tok), "an entry that is stored", fmt.Sprintf("%s lists %s, which the package does not hold uncompressed.",
				key, show(name)))
		case seen[name]:
			add(show(tok), "each name once", fmt.Sprintf("%s lists %s twice.", key, show(name)))
		case place != fmt.Sprintf("%d:%d", real[i].Offset, real[i].Size):
			add(show(tok), fmt.Sprintf("%s:%d:%d", name, real[i].Offset, real[i].Size),
				fmt.Sprintf("Package says %s at %s, it is at %d with %d bytes: it was re-packed after building.", name,
					show(place), real[i].Offset, real[i].Size))
		}
		seen[name] = true
	}
	for _, name := range required {
		if !seen[name] {
			add(show(stated), name, fmt.Sprintf("%s does not list %s.", key, name))
		}
	}
}

func base64Of(digest []byte) string { return base64.StdEncoding.EncodeToString(digest) }
