// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	fixtures "landed/firmware-fixtures"
	"landed/handset/sim"
	"landed/manifests"
	"landed/manifests/release"
)

// plan is what a story is about: who there is, and what is shipped to them.
type plan struct {
	fleet  []sim.Model // the size of each is not given yet
	first  shipment
	later  []shipment // published together when the first is told
	models []byte     // a file of models that the server is given while it runs; nil for none
	days   int        // that the first shipment takes: its rollouts, reports of a week, and silence
	more   int        // that the later ones take
}

// stories are the plans, by the name that -story takes.
var stories = map[string]func() (plan, error){
	"first":          firstFix,
	"second-release": secondRelease,
	"plain":          plainUpdate,
}

func storyNames() string { return strings.Join(slices.Sorted(maps.Keys(stories)), ", ") }

// badModel is given a build that claims to be patched and leaks.
const badModel = "pisces"

// firstFix is the patch that makes Cloud Messaging opt-in, on every model.
func firstFix() (plan, error) { return firstFixOn() }

// firstFixOn is firstFix, in which the images of some models have an app backup that counts what it sends.
func firstFixOn(counting ...string) (plan, error) {
	build := func(device string, kind fixtures.Kind) (fixtures.Build, error) {
		b, err := fixtures.BuildOf(device, kind)
		if slices.Contains(counting, device) {
			b.Backup = fixtures.BackupOf(fixtures.Unpatched)
		}
		return b, err
	}
	p := plan{days: 25}
	var err error
	p.first, err = newShipment(release.OptInSource(), fixtures.Models(), func(device string) (fixtures.Build, error) {
		if device == badModel {
			return build(device, fixtures.Bad)
		}
		return build(device, fixtures.Patched)
	})
	faults := []error{err}
	if !slices.Contains(fixtures.Models(), badModel) {
		faults = append(faults, fmt.Errorf("no model is called %s", badModel))
	}
	for _, device := range fixtures.Models() {
		sold, err := build(device, fixtures.Unpatched)
		m := sim.Model{Device: device, Sold: sold, Fresh: p.first.builds[device]}
		if device == badModel {
			m.Fresh = fixtures.Build{} // nobody sells handsets with a build that is not out
		}
		p.fleet, faults = append(p.fleet, m), append(faults, err)
	}
	return p, errors.Join(faults...)
}

//go:embed releases/corrected.yaml
var correctedSource []byte

//go:embed releases/app-list-upload-off.yaml
var appListSource []byte

// secondRelease goes on after firstFix: the model whose rollout was halted gets a corrected build, and two others get
// the next fix. Their images have counted until then how often the list of apps was sent.
func secondRelease() (plan, error) {
	listed := []string{"armani", "dior"}
	p, err := firstFixOn(listed...)
	corrected, err2 := newShipment(correctedSource, []string{badModel}, func(device string) (fixtures.Build, error) {
		return fixtures.LaterBuildOf(device, fixtures.Patched, 1)
	})
	lists, err3 := newShipment(appListSource, listed, func(device string) (fixtures.Build, error) {
		b, err := fixtures.LaterBuildOf(device, fixtures.Patched, 1)
		b.Backup = fixtures.BackupOf(fixtures.Patched)
		return b, err
	})
	p.later, p.more = []shipment{corrected, lists}, 20
	return p, errors.Join(err, err2, err3)
}

//go:embed releases/plain.yaml
var plainSource []byte

//go:embed releases/model.yaml
var modelSource []byte

// plainUpdate ships a build that claims no more than that it runs, to a model that no program here knew before.
func plainUpdate() (plan, error) {
	catalogue, err := manifests.ParseCatalogue(modelSource)
	if err != nil {
		return plan{}, err
	}
	p := plan{days: 18, models: modelSource}
	var devices []string
	var faults []error
	described := map[string]fixtures.Model{}
	for _, m := range catalogue.Models() {
		described[m.Device] = fixtures.Model{Device: m.Device, Variant: m.Variants[0], ROMName: m.ROMNames[0],
			Android: m.Android, AB: m.Profile.Family == "ab"}
		sold, err := described[m.Device].BuildOf(fixtures.Unpatched)
		p.fleet = append(p.fleet, sim.Model{Device: m.Device, Sold: sold})
		devices, faults = append(devices, m.Device), append(faults, err)
	}
	p.first, err = newShipment(plainSource, devices, func(device string) (fixtures.Build, error) {
		return described[device].BuildOf(fixtures.Patched)
	})
	for i, m := range p.fleet {
		p.fleet[i].Fresh = p.first.builds[m.Device]
	}
	return p, errors.Join(append(faults, err)...)
}
