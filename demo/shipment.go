// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	fixtures "landed/firmware-fixtures"
	"landed/handset/sim"
	"landed/manifests/release"
)

// shipment is a release and the build that it brings to each of its models.
type shipment struct {
	release.Release
	source []byte
	models []string                  // devices, in the order in which their rollouts start
	builds map[string]fixtures.Build // by device
}

// newShipment reads a release and gives it its builds. It refuses a build that does not do what the release says.
func newShipment(
	source []byte, models []string, buildOf func(device string) (fixtures.Build, error),
) (shipment, error) {
	declared, err := release.Parse(source)
	if err != nil {
		return shipment{}, err
	}
	s := shipment{declared, source, models, map[string]fixtures.Build{}}
	var faults []error
	for _, device := range models {
		b, err := buildOf(device)
		s.builds[device] = b
		faults = append(faults, err)
		if want, is := string(s.AskOn(device).Migration), migrationOf(b, s.EffectName()); err == nil && want != is {
			faults = append(faults, fmt.Errorf("%s: release %s declares that its image will %s, the image says %s",
				device, s.Name, want, is))
		}
	}
	return s, errors.Join(faults...)
}

// migrationOf is what the image does, at its first boot, about the service that the effect governs.
func migrationOf(b fixtures.Build, effect string) string {
	switch {
	case effect == sim.OptIn:
		return b.Config.Migration
	case effect == sim.AppList && b.Backup != nil:
		return b.Backup.Migration
	}
	return ""
}

// known is what the fleet must know of the release; later ones may keep its effect.
func (s shipment) known(later ...shipment) sim.Release {
	r := sim.Release{Name: s.Name, Effect: s.EffectName()}
	for _, from := range append([]shipment{s}, later...) {
		if from.Name != s.Name && !from.Keeps(s.Release) {
			continue
		}
		for _, device := range slices.Sorted(maps.Keys(from.builds)) {
			r.Builds = append(r.Builds, from.builds[device].Fingerprint)
		}
	}
	return r
}
