// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"slices"
	"strings"

	"landed/manifests"
)

// judgeRecovery holds the package against the zip reader of the recoveries of 2014 (AOSP
// bootable/recovery/minzip/Zip.c), which gives up on the whole archive at the first name that is not printable
// ASCII, and reads the markers of Zip64 as sizes.
func (in *inspection) judgeRecovery(models []manifests.Model) {
	i := slices.IndexFunc(models, func(m manifests.Model) bool { return m.Profile.LegacyRecovery })
	if i < 0 {
		return
	}
	device := models[i].Device
	wide := in.a.end.wide
	for _, e := range in.a.entries {
		wide = wide || e.wide
		if strings.ContainsFunc(e.Name, func(r rune) bool { return r < ' ' || r > '~' }) && badName(e.Name) == "" {
			in.fs.add(Finding{Code: ZipPath, Found: show(e.Name), Wanted: "a name in printable ASCII", Fix: "Rename the file.",
				Message: fmt.Sprintf("Entry name %s is not printable ASCII; recovery of %s would refuse the whole package.",
					show(e.Name), device)})
		}
	}
	if wide {
		in.fs.add(Finding{Code: ZipMethod, Found: "Zip64 records", Wanted: "an archive without them",
			Fix:     "Build it with fewer than 65,535 entries and below 4 GiB.",
			Message: fmt.Sprintf("The archive uses Zip64, which recovery of %s cannot read.", device)})
	}
}
