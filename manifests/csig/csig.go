// SPDX-License-Identifier: Apache-2.0

// Package csig is the file that Custota reads beside a package: which stretches of it hold what, and their digests, signed
// with the key that signed the package.
//
// Parties: the maker signs it offline (otasign csig), with the OTA key; people declare it in a release, and sign that; the
// server gives it to phones, and holds no key that could make one; Custota 6 believes what a certificate of its system's
// otacerts.zip signed, and then each stretch by its digest, without the whole package.
//
// It promises that what [Open] accepts Custota's reader accepts, by the facts of its format (version 2 of the JSON, DER of
// CMS, RFC 5652, with the JSON inside). It refuses what is detached, what has several signers or several certificates, keys
// that are not RSA, weak hashes, and unknown members.
//
// The form is that of package cms; what is signed, and by which algorithms, is decided here.
package csig

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"landed/manifests/strict"
)

// Version is the form of the JSON that is written. Version 1, which has no vbmeta digest, is read too.
const Version = 2

// MaxFile bounds a csig in bytes: one has three KiB.
const MaxFile = 32 << 10

const maxFiles = 32

// The parts without which no phone installs.
const (
	MetadataPB      = "metadata.pb"
	Payload         = "payload.bin"
	PayloadMetadata = "payload_metadata.bin"
	Properties      = "payload_properties.txt"
)

var required = []string{MetadataPB, PayloadMetadata, Payload, Properties}

// Info is what is signed.
type Info struct {
	Version int    `json:"version"`
	Files   []File `json:"files"` // in the order of the package's ota-property-files
	// VBMetaDigest is ro.boot.vbmeta.digest of a phone that runs the build, hex; "" for an incremental, and where it is not
	// known: phones then take a build of their own fingerprint for no update.
	VBMetaDigest string `json:"vbmeta_digest,omitempty"`
}

// File is a stretch of the package.
type File struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"` // bytes from the start of the zip, where a header stands
	Size   int64  `json:"size"`   // bytes
	Digest string `json:"digest"` // SHA-256, hex
}

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ValidDigest says if a text is a SHA-256 as it is written here: phones compare that of vbmeta letter by letter.
func ValidDigest(digest string) bool { return hexDigest.MatchString(digest) }

// Validate returns every fault of i, joined.
func (i Info) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(i.Version != 1 && i.Version != Version, "version is %d, Custota reads 1 and %d", i.Version, Version)
	fault(i.Version == 1 && i.VBMetaDigest != "", "version 1 knows no vbmeta_digest")
	fault(i.VBMetaDigest != "" && !ValidDigest(i.VBMetaDigest), "vbmeta_digest %.80q: wanted 64 hex digits in lower case", i.VBMetaDigest)
	fault(len(i.Files) > maxFiles, "%d files, wanted at most %d", len(i.Files), maxFiles)
	seen := map[string]bool{}
	for _, f := range i.Files {
		fault(f.Name == "" || seen[f.Name], "file %.80q: wanted each name once", f.Name)
		fault(f.Offset <= 0 || f.Size <= 0 || f.Offset+f.Size < f.Offset, "%.80s: %d bytes at %d, wanted a stretch of the package",
			f.Name, f.Size, f.Offset)
		fault(!ValidDigest(f.Digest), "%.80s: digest %.80q, wanted 64 hex digits in lower case", f.Name, f.Digest)
		seen[f.Name] = true
	}
	for _, name := range required {
		fault(!seen[name], "it does not list %s, without which no phone installs", name)
	}
	return errors.Join(faults...)
}

// File finds a part by its name.
func (i Info) File(name string) (File, bool) {
	for _, f := range i.Files {
		if f.Name == name {
			return f, true
		}
	}
	return File{}, false
}

// bytes is the JSON that is signed.
func (i Info) bytes() []byte {
	text, err := json.Marshal(i)
	if err != nil {
		panic(err) // closed fields: it cannot fail
	}
	return text
}

func parseInfo(text []byte) (i Info, err error) {
	if err = strict.JSON(text, &i); err == nil {
		err = i.Validate()
	}
	return i, err
}
