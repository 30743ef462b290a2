// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"errors"
	"fmt"
	"regexp"
)

// The highest versions of the documents that this program reads.
const (
	customSchema   = 1
	manifestSchema = 1
)

var channelName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// ParseCustom reads the custom part of a package's target as a handset does: see [Understand]. Whether two custom
// parts are equal is never asked of what this returns, but of the bytes, by [SameJSON].
func ParseCustom(raw []byte) (Custom, error) {
	var c Custom
	err := Understand(raw, "custom part", customSchema, &c)
	if err == nil {
		err = c.faults()
	}
	if err != nil {
		return Custom{}, fmt.Errorf("custom part: %w", err)
	}
	return c, nil
}

// faults are about what a handset keeps, shows or compares: bounded and printable, and never of another shape.
func (c Custom) faults() error {
	var faults []error
	for _, f := range []struct {
		bad   bool
		words string
	}{
		{!deviceName.MatchString(c.Model), fmt.Sprintf("model %.50q is not a device name", c.Model)},
		{!deviceName.MatchString(c.Variant), fmt.Sprintf("variant %.50q is not a device name", c.Variant)},
		{!channelName.MatchString(c.Channel), fmt.Sprintf("channel %.50q is not the name of a channel", c.Channel)},
		{!releaseName.MatchString(c.Release), fmt.Sprintf("release %.80q is not the name of a release", c.Release)},
		{c.Counter < 1 || c.Counter > maxSafeInteger, fmt.Sprintf("counter is %d, wanted 1 or more", c.Counter)},
		{c.Build.UTC < 1 || c.Build.UTC > maxSafeInteger,
			fmt.Sprintf("build.utc is %d, wanted seconds since 1970", c.Build.UTC)},
		{c.Build.Fingerprint == "" || len(c.Build.Fingerprint) > 256,
			fmt.Sprintf("build.fingerprint has %d bytes, wanted 1 to 256", len(c.Build.Fingerprint))},
	} {
		if f.bad {
			faults = append(faults, errors.New(f.words))
		}
	}
	return errors.Join(faults...)
}

// ReadManifest reads a release manifest as a handset does, where [ParseManifest] is for those who publish and sign:
// see [Understand].
func ReadManifest(text []byte) (Manifest, error) {
	var m Manifest
	err := Understand(text, "release manifest", manifestSchema, &m)
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("release manifest: %w", err)
	}
	return m, nil
}
