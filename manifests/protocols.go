// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"slices"
)

// Protocol is how the updater of phones that do not know the feed asks for updates: a program of somebody else, which reads
// a file of its own form, draws no share and reports nothing.
type Protocol string

// The protocols. Their names are for ever: catalogues name them.
const (
	LineageOS1 Protocol = "lineageos-v1" // LineageOS Updater up to 22, and 23.2 before 23 June 2026
	LineageOS2 Protocol = "lineageos-v2" // LineageOS Updater since then
	Custota    Protocol = "custota"      // Custota 6
	GrapheneOS Protocol = "grapheneos"   // GrapheneOS's updater, seamlessupdate
	AOSPSample Protocol = "aosp-sample"  // apps made from AOSP's SystemUpdaterSample
)

// Protocols lists them, in the order in which people are told of them.
var Protocols = []Protocol{LineageOS1, LineageOS2, Custota, GrapheneOS, AOSPSample}

// streams says if the clients of p know A/B packages alone.
func (p Protocol) streams() bool { return p == Custota || p == GrapheneOS || p == AOSPSample }

// Speaks says if phones of m poll by p.
func (m Model) Speaks(p Protocol) bool { return slices.Contains(m.Protocols, p) }

// protocolFaults are those of what m says of its phones' updaters.
func (m Model) protocolFaults() (faults []error) {
	for i, p := range m.Protocols {
		switch {
		case !slices.Contains(Protocols, p):
			faults = append(faults, fmt.Errorf("device %s: protocol %.40q is not known; wanted some of %v", m.Device, string(p), Protocols))
		case slices.Contains(m.Protocols[:i], p):
			faults = append(faults, fmt.Errorf("device %s: protocol %s stands twice", m.Device, p))
		case p.streams() && m.Profile.Family != "ab":
			faults = append(faults, fmt.Errorf("device %s: the clients of %s know A/B packages alone, and profile.family is %q",
				m.Device, p, m.Profile.Family))
		}
	}
	return faults
}

// ValidDevice says if name can be what a phone calls its model.
func ValidDevice(name string) bool { return deviceName.MatchString(name) }
