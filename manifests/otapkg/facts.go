// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// Family is the way a package is built and applied.
type Family string

const (
	FileBased  Family = "file"  // files and an updater-script; all of 2014
	BlockBased Family = "block" // transfer lists; recognised, not supported yet
	AB         Family = "ab"    // payload.bin for the other slot
)

// Facts is what a package says about itself and what its bytes are. Fields are zero where the package is
// silent or unreadable. Texts come from the package: valid UTF-8 and bounded, otherwise as found.
type Facts struct {
	Size    int64  `json:"size"`              // bytes
	SHA256  string `json:"sha256"`            // lower-case hex of the whole file
	MD5     string `json:"md5,omitempty"`     // lower-case hex; only if the file name promises one
	Family  Family `json:"family,omitempty"`  // empty if it is none of the three
	Entries int    `json:"entries,omitempty"` // in the zip directory

	PreDevices []string `json:"pre_devices,omitempty"` // ro.product.device values that may install it
	// image variant that system/build.prop names; "" if it cannot be read
	Variant       string   `json:"variant,omitempty"`
	PreBuild      []string `json:"pre_build,omitempty"`      // fingerprints that an incremental starts from
	PostBuild     []string `json:"post_build,omitempty"`     // fingerprints that a phone has afterwards
	PostTimestamp int64    `json:"post_timestamp,omitempty"` // ro.build.date.utc afterwards, Unix seconds
	Incremental   bool     `json:"incremental,omitempty"`    // installs only on top of PreBuild
	SDK           string   `json:"sdk,omitempty"`            // API level afterwards
	SPL           string   `json:"spl,omitempty"`            // security patch level afterwards, YYYY-MM-DD
	Wipe          bool     `json:"wipe,omitempty"`           // erases user data
	Downgrade     bool     `json:"downgrade,omitempty"`      // says that it may move a phone back

	// Target identifies what a phone holds afterwards, whatever the package starts from: a full package and the
	// incrementals that lead to the same build have the same. It is the lower-case hex SHA-256 of one line for each
	// partition that payload.bin writes, sorted by name: "name size sha256\n", with the size in bytes and the hash in
	// lower-case hex, both after the update, as the signed manifest states them. Empty where it cannot be known: in
	// partial updates, and in file-based packages, whose incrementals name only the files that they patch.
	Target string `json:"target,omitempty"`

	Signer  *Signer       `json:"signer,omitempty"`  // of the whole file; nil if unsigned or unreadable
	Payload *PayloadFacts `json:"payload,omitempty"` // A/B only
	// payloads beside payload.bin, each in a folder of its own: AOSP's secondary/payload.bin
	OtherPayloads []*PayloadFacts `json:"other_payloads,omitempty"`
	Streaming     []PropertyFile  `json:"streaming,omitempty"` // A/B only: property_files of a SystemUpdaterSample config
	Script        *ScriptFacts    `json:"script,omitempty"`    // file-based only
}

// Signer is who signed the whole file, from the certificate inside the signature. Valid says that the
// signature fits that certificate's key, which anybody can arrange: trust comes from [Policy.Pins] alone.
type Signer struct {
	KeySHA256  string `json:"key_sha256"`          // hex SHA-256 of the DER SubjectPublicKeyInfo
	CertSHA256 string `json:"cert_sha256"`         // hex SHA-256 of the DER certificate
	Subject    string `json:"subject"`             // RFC 2253 name in the certificate; proves nothing
	Algorithm  string `json:"algorithm"`           // "RSA-2048", "RSA-4096", "P-256"; others as found
	Hash       string `json:"hash"`                // "SHA-1" or "SHA-256"
	Valid      bool   `json:"valid"`               // signature and content fit
	Pinned     bool   `json:"pinned"`              // and recovery takes it under one of Policy.Pins
	Published  string `json:"published,omitempty"` // name of the key if its private half is published
}

// PayloadSHA256 is the hex SHA-256 of payload.bin, "" if there is none or if it is not known.
func (f Facts) PayloadSHA256() string {
	if f.Payload == nil {
		return ""
	}
	sum, err := base64.StdEncoding.DecodeString(f.Payload.FileHash)
	if err != nil || len(sum) != sha256.Size {
		return ""
	}
	return hex.EncodeToString(sum)
}

// PayloadFacts describes a payload. Offsets count from the start of the zip.
type PayloadFacts struct {
	Entry        string          `json:"entry,omitempty"`         // name in the zip; empty for payload.bin
	Offset       int64           `json:"offset"`                  // of the CrAU magic
	Size         int64           `json:"size"`                    // FILE_SIZE
	MetadataSize int64           `json:"metadata_size"`           // METADATA_SIZE: header and manifest, without signature
	FileHash     string          `json:"file_hash"`               // FILE_HASH: base64 SHA-256 of payload.bin
	MetadataHash string          `json:"metadata_hash"`           // METADATA_HASH, same form
	MinorVersion uint32          `json:"minor_version"`           // 0 for a full payload
	BlockSize    uint32          `json:"block_size"`              // bytes
	MaxTimestamp int64           `json:"max_timestamp,omitempty"` // Unix seconds
	SPL          string          `json:"spl,omitempty"`           // security_patch_level
	Delta        bool            `json:"delta,omitempty"`         // needs what is on the phone
	Partial      bool            `json:"partial,omitempty"`       // writes only some partitions of the build
	Partitions   []PartitionFact `json:"partitions"`              // in payload order
	SignedBy     string          `json:"signed_by,omitempty"`     // hex SHA-256 of the key both payload signatures fit
	Published    string          `json:"published,omitempty"`     // name of that key if its private half is published
}

// PartitionFact is one partition of a payload.
type PartitionFact struct {
	Name       string `json:"name"`
	Size       int64  `json:"size"`       // bytes after the update
	SHA256     string `json:"sha256"`     // hex, after the update
	Operations int    `json:"operations"` // steps that write it
}

// PropertyFile is a stretch of the zip that a streaming client asks for with an HTTP range.
type PropertyFile struct {
	Name   string `json:"filename"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
}

// ScriptFacts is what updater-script would do, read without executing it. Lists hold at most 200 items.
type ScriptFacts struct {
	// device names that it lets pass before it alters anything; none if it lets others pass as well
	Devices          []string `json:"devices,omitempty"`
	Named            []string `json:"named,omitempty"`             // if Devices is empty: device names that it compares with
	Unclear          []string `json:"unclear,omitempty"`           // conditions on which it depends if others pass
	TimestampGuard   int64    `json:"timestamp_guard,omitempty"`   // refuses phones built later than this; 0 for no guard
	Fingerprints     []string `json:"fingerprints,omitempty"`      // builds that it accepts
	Formats          []string `json:"formats,omitempty"`           // mount points or devices that it formats
	Extracts         []string `json:"extracts,omitempty"`          // "from → to" of package_extract_dir and _file
	Images           []string `json:"images,omitempty"`            // "image → partition" written raw
	Deletes          []string `json:"deletes,omitempty"`           // paths of delete and delete_recursive
	Runs             []string `json:"runs,omitempty"`              // programs started, as root
	Unread           []string `json:"unread,omitempty"`            // calls that write where nobody can tell, or may
	Patches          int      `json:"patches,omitempty"`           // apply_patch calls
	WritesBootloader bool     `json:"writes_bootloader,omitempty"` // or modem, or recovery
	WritesData       bool     `json:"writes_data,omitempty"`       // puts files below /data
	FormatsData      bool     `json:"formats_data,omitempty"`      // erases /data
}
