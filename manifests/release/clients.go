// SPDX-License-Identifier: Apache-2.0

package release

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"landed/manifests"
	"landed/manifests/csig"
)

// Clients is what the updaters of others must be told of a release for one model, and no package says: see
// [manifests.Protocol]. It is signed with the notes, as handsets that know the feed do not need it.
type Clients struct {
	// ROMType is ro.lineage.releasetype of the build, such as nightly: phones take builds of their own type alone. Case is
	// nothing to them.
	ROMType string `json:"romtype,omitempty" yaml:"romtype,omitempty"`
	// Version is ro.lineage.build.version of the build, such as 22.2. Phones install builds of their own
	// major version, the first number, and of no lesser minor one, the second.
	Version string `json:"version,omitempty" yaml:"version,omitempty"`
	// PatchLevel and SDK are those of the build, YYYY-MM-DD and the API level, for packages that do not say.
	PatchLevel string `json:"patch_level,omitempty" yaml:"patch_level,omitempty"`
	SDK        int    `json:"sdk,omitempty" yaml:"sdk,omitempty"`
	// Devices are, by image variant, what its phones ask for, where that is not the name of the model.
	Devices map[string]string `json:"devices,omitempty" yaml:"devices,omitempty"`
	// Custota has one entry for each package of the model, for phones that poll by custota.
	Custota []Csig `json:"custota,omitempty" yaml:"custota,omitempty"`
}

// Csig is what Custota reads beside a package: see package csig. Of which package it is, it says itself.
type Csig struct {
	Csig string `json:"csig" yaml:"csig"` // base64 of what otasign csig wrote
	// From is the vbmeta digest of the build that an incremental starts from, which its csig does not say; "" for a full
	// package. Phones ask by it.
	From string `json:"from,omitempty" yaml:"from,omitempty"`
}

// Open reads what is signed, and the certificate by whose key.
func (c Csig) Open() (der []byte, info csig.Info, cert *x509.Certificate, err error) {
	if der, err = base64.StdEncoding.DecodeString(c.Csig); err != nil {
		return nil, info, nil, errors.New("csig: wanted base64, as base64 -w0 FILE.csig prints")
	}
	info, cert, err = csig.Open(der)
	return der, info, cert, err
}

const maxCsigs = 16 // packages of one model in a release

// custotaFaults are those of what is declared for Custota, each without the name of the model.
func (c Clients) custotaFaults() (faults []error) {
	if len(c.Custota) > maxCsigs {
		return []error{fmt.Errorf("%d csigs, wanted at most %d", len(c.Custota), maxCsigs)}
	}
	from := map[string]bool{}
	for i, one := range c.Custota {
		_, info, _, err := one.Open()
		if err != nil {
			faults = append(faults, fmt.Errorf("entry %d: %w", i+1, err))
			continue
		}
		switch {
		case one.From == "":
		case !csig.ValidDigest(one.From):
			faults = append(faults, fmt.Errorf("entry %d: from %.80q: wanted a vbmeta digest, 64 hex digits in lower case", i+1, one.From))
		case from[one.From]:
			faults = append(faults, fmt.Errorf("entry %d: from %.16s… stands twice, and phones ask by it", i+1, one.From))
		case info.VBMetaDigest != "":
			faults = append(faults, fmt.Errorf("entry %d: its csig has a vbmeta_digest, as those of full packages, so it starts from no "+
				"build; leave from out", i+1))
		}
		from[one.From] = true
	}
	return faults
}

// maxSDK is beyond every API level that will ever be.
const maxSDK = 10_000

var (
	romType    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,30}$`)     // it stands in a path
	romVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,30}$`) // two numbers: see package lineageos
	patchLevel = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)      // Android's form
)

// Device is what phones of an image variant ask for.
func (c Clients) Device(model, variant string) string {
	if name, ok := c.Devices[variant]; ok {
		return name
	}
	return model
}

// clientFaults are those of what is said for other updaters.
func (r Release) clientFaults() (faults []error) {
	if len(r.Clients) > 0 && r.Schema < schemaClients {
		faults = append(faults, fmt.Errorf("clients: schema %d does not know them; write schema: %d", r.Schema, schemaClients))
	}
	for _, model := range slices.Sorted(maps.Keys(r.Clients)) {
		c := r.Clients[model]
		fault := func(bad bool, format string, args ...any) {
			if bad {
				faults = append(faults, fmt.Errorf("clients."+model+"."+format, args...))
			}
		}
		if !manifests.ValidDevice(model) {
			faults = append(faults, fmt.Errorf("clients: %.50q is not a device name", model))
			continue
		}
		fault(c.ROMType != "" && !romType.MatchString(c.ROMType), "romtype %.50q: wanted a letter, then letters, digits, _ or -, "+
			"at most 31, as nightly", c.ROMType)
		fault(c.Version != "" && !romVersion.MatchString(c.Version), "version %.50q: wanted letters, digits and . _ -, at most 31, "+
			"as 22.2", c.Version)
		fault(c.PatchLevel != "" && !ValidPatchLevel(c.PatchLevel), "patch_level %.50q: wanted YYYY-MM-DD", c.PatchLevel)
		fault(c.SDK < 0 || c.SDK > maxSDK, "sdk is %d, wanted an API level, as 35", c.SDK)
		for _, variant := range slices.Sorted(maps.Keys(c.Devices)) {
			fault(!manifests.ValidDevice(variant) || !manifests.ValidDevice(c.Devices[variant]),
				"devices: %.50q: %.50q: wanted an image variant and what its phones ask for, each a letter, then letters, digits, "+
					"_ or -", variant, c.Devices[variant])
		}
		for _, err := range c.custotaFaults() {
			fault(true, "custota: %w", err)
		}
	}
	return faults
}

// ValidPatchLevel says if a text is a security patch level: phones compare it letter by letter.
func ValidPatchLevel(level string) bool {
	_, err := time.Parse(time.DateOnly, level)
	return err == nil && patchLevel.MatchString(level)
}
