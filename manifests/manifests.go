// SPDX-License-Identifier: Apache-2.0

// Package manifests holds the documents that cross a trust boundary: what a release
// engineer writes, the offline signers sign, the server serves and the handset obeys.
//
// Parties: the engineer writes a Release in YAML; the server binds it to packages, one
// Manifest per model; the signers review and sign it as a TUF target; the handset and
// the support pages read it. It also holds the catalogue of models.
//
// It promises strict reading: unknown fields, unknown models and values outside their
// range are refused, all faults at once, and what was parsed marshals to the same bytes.
// It refuses to carry anything about a person or a single handset: there is no field for it.
package manifests

import (
	"regexp"
)

// Build is what runs on a handset.
type Build struct {
	Fingerprint string `json:"fingerprint"` // brand/product/device:release/id/incremental:type/tags
	Incremental string `json:"incremental"` // the version label, opaque
	UTC         int64  `json:"utc"`         // ro.build.date.utc, seconds; builds are ordered by it
}

// Package names one OTA file in the feed.
type Package struct {
	Path   string `json:"path"`   // TUF target path, builds/<role>/<name>.zip
	Length int64  `json:"length"` // bytes
	SHA256 string `json:"sha256"` // 64 lower-case hex digits
}

const maxSafeInteger = 1<<53 - 1 // larger integers change in clients that read JSON numbers as floating point

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Channels are those that a new data folder has.
var Channels = []string{"stable", "beta", "lab"}

var (
	channelName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,15}$`)
	releaseName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)
)

// ValidChannel says if channel can name a channel. Which there are is for the server to say.
func ValidChannel(channel string) bool { return channelName.MatchString(channel) }

// ValidRelease says if name can name a release.
func ValidRelease(name string) bool { return releaseName.MatchString(name) }
