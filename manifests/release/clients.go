// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"landed/manifests"
)

// Clients is what the updaters of others must be told of a release for one model, and no package says: see
// [manifests.Protocol]. It is signed with the notes, as handsets that know the feed do not need it.
type Clients struct {
	// ROMType is ro.lineage.releasetype of the build, such as nightly: phones take builds of their own type alone. Case is
	// nothing to them.
	ROMType string `json:"romtype,omitempty" yaml:"romtype,omitempty"`
	// Version is ro.lineage.build.version of the build, such as 22.2. Phones compare it as text, and install their own alone.
	Version string `json:"version,omitempty" yaml:"version,omitempty"`
	// PatchLevel and SDK are those of the build, YYYY-MM-DD and the API level, for packages that do not say.
	PatchLevel string `json:"patch_level,omitempty" yaml:"patch_level,omitempty"`
	SDK        int    `json:"sdk,omitempty" yaml:"sdk,omitempty"`
	// Devices are, by image variant, what its phones ask for, where that is not the name of the model.
	Devices map[string]string `json:"devices,omitempty" yaml:"devices,omitempty"`
}

// maxSDK is beyond every API level that will ever be.
const maxSDK = 10_000

var (
	romType    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,30}$`)     // it stands in a path
	romVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,30}$`) // it is compared letter by letter
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
	}
	return faults
}

// ValidPatchLevel says if a text is a security patch level: phones compare it letter by letter.
func ValidPatchLevel(level string) bool {
	_, err := time.Parse(time.DateOnly, level)
	return err == nil && patchLevel.MatchString(level)
}
