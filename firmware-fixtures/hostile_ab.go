// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"crypto"
	"fmt"
	"regexp"
)

// hostilePayload are payloads that a handset could not, or must not, apply.
func hostilePayload() []HostileCase {
	const m = "fuxi"
	payload := func(f func(*payloadSpec)) func(*abPackage) { return func(p *abPackage) { f(&p.payload) } }
	ops := func(f func([]operation)) func(*abPackage) { return payload(func(s *payloadSpec) { s.bendOps = f }) }
	return []HostileCase{
		{Name: "ab-magic", Model: m, Want: []string{"AB-MAGIC"}, Why: "payload.bin is no payload",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.magic = "CrAV" })}.of(m)},
		{Name: "ab-major", Model: m, Want: []string{"AB-MAJOR"}, Why: "payload format 3",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.major = 3 })}.of(m)},
		{Name: "ab-minor", Model: m, Want: []string{"AB-MINOR"}, Why: "a full payload with the minor version of a delta",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.minor = 6 })}.of(m)},
		{Name: "ab-minor-operation", Model: m, Want: []string{"AB-MINOR"},
			Why:   "a full payload with an operation that reads the old system",
			Write: forgery{ab: ops(func(o []operation) { o[len(o)-1].kind = 4 })}.of(m)},
		{Name: "ab-unsigned", Model: m, Want: []string{"AB-SIG"}, Why: "the payload carries no signature",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.sign = nil })}.of(m)},
		{Name: "ab-other-key", Model: m, Want: []string{"AB-SIG"}, Why: "zip and payload are signed by different keys",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.signWith(embeddedKey("other", "other")) })}.of(m)},
		{Name: "ab-metadata-signature", Model: m, Want: []string{"AB-SIG"},
			Why:   "the metadata signature does not fit, the payload signature does",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.bend = func(meta, _ []byte) { meta[100] ^= 1 } })}.of(m)},
		{Name: "ab-payload-signature", Model: m, Want: []string{"AB-SIG"},
			Why:   "the payload signature does not fit, the metadata signature does",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.bend = func(_, data []byte) { data[100] ^= 1 } })}.of(m)},
		{Name: "ab-signature-swap", Model: m, Want: []string{"AB-SIG"}, Why: "both signatures are over the same wrong bytes",
			Write: forgery{ab: payload(func(s *payloadSpec) {
				sign := s.sign
				s.sign = func([]byte) ([]byte, error) { return sign(make([]byte, crypto.SHA256.Size())) }
			})}.of(m)},
		{Name: "ab-time", Model: m, Want: []string{"AB-TIME"},
			Why:   "the payload says that it is a day older than the metadata does",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.maxTimestamp -= 86400 })}.of(m)},
		{Name: "ab-patch-level", Model: m, Want: []string{"AB-TIME"},
			Why:   "payload and metadata state different security patch levels",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.patchLevel = "2025-01-01" })}.of(m)},
		{Name: "ab-range", Model: m, Want: []string{"AB-RANGE"}, Why: "an operation takes its data from behind the payload",
			Write: forgery{ab: ops(func(o []operation) { o[0].offset = 1 << 40 })}.of(m)},
		{Name: "ab-overlap", Model: m, Want: []string{"AB-RANGE"}, Why: "two operations share data",
			Write: forgery{ab: ops(func(o []operation) { o[0].length += blockSize })}.of(m)},
		{Name: "ab-operation-hash", Model: m, Want: []string{"AB-HASH"},
			Why:   "the data of an operation are not those of its SHA-256 in the signed manifest",
			Write: forgery{ab: ops(func(o []operation) { o[0].hash[0] ^= 1 })}.of(m)},
		{Name: "ab-source-range", Model: m, Want: []string{"AB-RANGE"},
			Why: "a delta copies blocks from behind the end of the old partition",
			Write: forgery{ab: func(p *abPackage) {
				incremental(9, 5)(p)
				p.payload.bendOps = func(o []operation) { o[1].readBlock += 2 }
			}}.of(m)},
		{Name: "ab-block-twice", Model: m, Want: []string{"AB-RANGE"}, Why: "two operations of a delta write one block",
			Write: forgery{ab: func(p *abPackage) {
				incremental(9, 5)(p)
				p.payload.bendOps = func(o []operation) { o[0].firstBlock = 0 }
			}}.of(m)},
		{Name: "ab-partial", Model: m, Want: []string{"AB-PARTIAL"},
			Why:   "it writes boot alone and does not say on top of which build",
			Write: forgery{ab: func(p *abPackage) { partial(p); p.payload.minor = 7 }}.of(m)},
		{Name: "ab-downgrade-time", Model: m, Want: []string{"AB-TIME"},
			Why:   "it may move phones back, and its payload is for builds older than its own",
			Write: forgery{ab: func(p *abPackage) { backwards(true)(p); p.payload.maxTimestamp = p.build.UTC - 1 }}.of(m)},
		{Name: "ab-group-size", Model: m, Want: []string{"AB-RANGE"}, Why: "the partitions do not fit into their group",
			Write: forgery{ab: payload(func(s *payloadSpec) { s.groupSize = blockSize })}.of(m)},
	}
}

// hostileAB are A/B packages whose zip or metadata does not fit the payload.
func hostileAB() []HostileCase {
	const m = "fuxi"
	properties := func(f func(string) string) func(*abPackage) { return func(p *abPackage) { p.properties = f } }
	return []HostileCase{
		{Name: "ab-compressed", Model: m, Want: []string{"AB-STORED"},
			Why:   "payload.bin is compressed and cannot be streamed",
			Write: forgery{entries: change(namePayload, func(e *entry) { e.deflate = true })}.of(m)},
		{Name: "ab-order", Model: m, Want: []string{"AB-ORDER"}, Why: "a compressed entry lies before payload.bin",
			Write: forgery{ab: func(p *abPackage) {
				p.between = []entry{deflated("META-INF/notes.txt", []byte(standinNote))}
			}}.of(m)},
		{Name: "ab-hash", Model: m, Want: []string{"AB-HASH"}, Why: "FILE_HASH belongs to another payload",
			Write: forgery{ab: properties(setProperty("FILE_HASH", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="))}.of(m)},
		{Name: "ab-metadata-hash", Model: m, Want: []string{"AB-HASH"}, Why: "METADATA_HASH belongs to another payload",
			Write: forgery{ab: properties(setProperty("METADATA_HASH", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="))}.of(m)},
		{Name: "ab-size", Model: m, Want: []string{"AB-HASH"}, Why: "FILE_SIZE is not the size of payload.bin",
			Write: forgery{ab: properties(setProperty("FILE_SIZE", "4096"))}.of(m)},
		{Name: "ab-offsets", Model: m, Want: []string{"AB-PROPS"},
			Why:   "every stated offset is 16 bytes off: packed again after building",
			Write: forgery{ab: func(p *abPackage) { p.shift = 16 }}.of(m)},
		{Name: "ab-proxy", Model: m, Want: []string{"AB-KEYS"},
			Why: "a property that would send the download through a stranger's proxy",
			Write: forgery{ab: properties(func(s string) string {
				return s + "NETWORK_PROXY=http://proxy.invalid:3128\n"
			})}.of(m)},
		{Name: "ab-secondary-proxy", Model: m, Want: []string{"AB-KEYS"},
			Why: "the properties of the second payload would send its download through a stranger's proxy",
			Write: forgery{ab: secondary(func(p *abPackage) {
				p.secondText = func(s string) string { return s + "NETWORK_PROXY=http://proxy.invalid:3128\n" }
			})}.of(m)},
		{Name: "ab-secondary-hash", Model: m, Want: []string{"AB-HASH"}, Why: "FILE_SIZE of the second payload is not its size",
			Write: forgery{ab: secondary(func(p *abPackage) { p.secondText = setProperty("FILE_SIZE", "4096") })}.of(m)},
		{Name: "ab-secondary-magic", Model: m, Want: []string{"AB-MAGIC"}, Why: "secondary/payload.bin is no payload",
			Write: forgery{ab: secondary(func(p *abPackage) { p.second.magic = "CrAV" })}.of(m)},
		{Name: "ab-secondary-key", Model: m, Want: []string{"AB-SIG"}, Why: "the second payload is signed by another key than the zip",
			Write: forgery{ab: secondary(func(p *abPackage) { p.second.signWith(embeddedKey("other", "other")) })}.of(m)},
		{Name: "ab-secondary-slot", Model: m, Want: []string{"AB-KEYS"}, Why: "the phone would start the slot of the second payload",
			Write: forgery{ab: secondary(func(p *abPackage) { p.secondText = setProperty("SWITCH_SLOT_ON_REBOOT", "1") })}.of(m)},
		{Name: "meta-split", Model: m, Want: []string{"META-SPLIT"}, Why: "text and protobuf metadata name different devices",
			Write: forgery{ab: func(p *abPackage) { p.pbDevice = "cancro" }}.of(m)},
	}
}

// secondary adds a second payload and bends it.
func secondary(bend func(*abPackage)) func(*abPackage) {
	return func(p *abPackage) {
		withSecondary(p)
		bend(p)
	}
}

// setProperty replaces the value of a line of payload_properties.txt.
func setProperty(key, value string) func(string) string {
	line := regexp.MustCompile(`(?m)^` + key + `=.*$`)
	return func(text string) string { return line.ReplaceAllLiteralString(text, fmt.Sprintf("%s=%s", key, value)) }
}
