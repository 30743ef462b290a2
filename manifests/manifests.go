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
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"landed/manifests/strict"
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

// Manifest is the signed statement about one build of a release for one model. It is a
// TUF target of the model's role, builds/<role>/<release>.<variant>.json.
type Manifest struct {
	Schema  int     `json:"schema"` // 1
	Release string  `json:"release"`
	Model   string  `json:"model"`   // ro.product.device
	Variant string  `json:"variant"` // image variant
	Channel string  `json:"channel"` // stable, beta or lab: the one on which it may be offered
	Counter int64   `json:"counter"` // release counter: a handset never installs a lower one
	Build   Build   `json:"build"`   // after
	Package Package `json:"package"`
	Effect  Effect  `json:"effect"`
	// Notes are what changes, in words, by language tag (en, zh-Hans, zh-Hant).
	Notes map[string]string `json:"notes,omitempty"`
}

// Custom is the custom part of the TUF target of a package. The offline role signs it
// and the offers document repeats it; a handset compares every field.
type Custom struct {
	Model   string `json:"model"`
	Variant string `json:"variant"`
	Channel string `json:"channel"` // a build for testers is not offered to everybody, whoever signs the offers
	Release string `json:"release"`
	Counter int64  `json:"counter"`
	Build   Build  `json:"build"`
	Effect  Effect `json:"effect"`
}

// Custom returns the part of m that stands in the TUF metadata beside the package.
func (m Manifest) Custom() Custom {
	return Custom{m.Model, m.Variant, m.Channel, m.Release, m.Counter, m.Build, m.Effect}
}

const maxSafeInteger = 1<<53 - 1 // larger integers change in clients that read JSON numbers as floating point

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ParseManifest reads a manifest and refuses unknown fields, trailing bytes and anything
// that Validate refuses.
func ParseManifest(text []byte) (Manifest, error) {
	var m Manifest
	if err := StrictJSON(text, &m); err != nil {
		return Manifest{}, fmt.Errorf("release manifest: %w", err)
	}
	if err := m.Validate(); err != nil {
		return Manifest{}, fmt.Errorf("release manifest: %w", err)
	}
	return m, nil
}

// Bytes marshals m; ParseManifest(m.Bytes()) gives m again.
func (m Manifest) Bytes() []byte {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // only strings and integers: it cannot fail
	}
	return append(text, '\n')
}

// Validate returns every fault of m, joined.
func (m Manifest) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(m.Schema != 1, "schema is %d, wanted 1", m.Schema)
	fault(!releaseName.MatchString(m.Release), "release name %q: wanted lower-case letters, digits and hyphens", m.Release)
	fault(!deviceName.MatchString(m.Model), "model %q is not a device name", m.Model)
	fault(!deviceName.MatchString(m.Variant), "variant %q is not a device name", m.Variant)
	fault(!ValidChannel(m.Channel), "channel %q: wanted stable, beta or lab", m.Channel)
	fault(m.Counter < 1 || m.Counter > maxSafeInteger, "counter is %d, wanted 1 or more", m.Counter)
	fault(m.Build.Fingerprint == "", "build.fingerprint is empty")
	fault(m.Build.UTC < 1 || m.Build.UTC > maxSafeInteger, "build.utc is %d, wanted seconds since 1970", m.Build.UTC)
	fault(m.Package.Path == "", "package.path is empty")
	fault(m.Package.Length < 1 || m.Package.Length > maxSafeInteger, "package.length is %d", m.Package.Length)
	fault(!hexDigest.MatchString(m.Package.SHA256), "package.sha256 %q: wanted 64 hex digits", m.Package.SHA256)
	faults = append(faults, m.Effect.faults()...)
	return errors.Join(faults...)
}

// ValidChannel says if channel is one of the three: stable, beta, lab.
func ValidChannel(channel string) bool {
	return channel == "stable" || channel == "beta" || channel == "lab"
}

// StrictJSON is strict.JSON.
func StrictJSON(text []byte, into any) error { return strict.JSON(text, into) }
