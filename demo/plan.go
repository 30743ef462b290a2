// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/handset/sim"
	"landed/manifests"
	"landed/manifests/release"
)

// plan is what a story is about: who there is, and what is shipped to them.
type plan struct {
	fleet  []sim.Model // the size of each is not given yet
	first  shipment
	later  []shipment    // published together when the first is told
	models []byte        // a file of models that the server is given while it runs; nil for none
	notice int           // days between the publication of the first shipment and its first rollout
	days   int           // that its rollouts take, reports of a week, and silence
	soon   int           // as notice, of the later ones: the fleet is known by then
	more   int           // that the rollouts of the later ones take
	widen  int           // days after which the engineers widen a stage that waits for evidence; 0: they leave it waiting
	outage *outage       // nil: network and server do what they should
	siege  *siege        // nil: nobody attacks
	tested []string      // models that observers test; none: no observer is named
	poll   time.Duration // of handsets; 0: a day
	breaks *breaking     // nil: no build breaks with time
	others bool          // phones have the updaters of others, and there is no fleet
	few    int           // handsets of the last model; 0: as many as of the others
}

// foreknown is how many days a release is known before any rollout of it starts. Handsets say what they were like, and
// commit to their draws, when they first see it; who has been heard of for two weeks by then, and more than once, counts.
const foreknown = 15

// stories are the plans, by the name that -story takes.
var stories = map[string]func() (plan, error){
	"first":          firstFix,
	"second-release": secondRelease,
	"plain":          plainUpdate,
	"outage":         throughOutage,
	"siege":          underSiege,
	"month":          month,
	"legacy":         forOthers,
}

func storyNames() string { return strings.Join(slices.Sorted(maps.Keys(stories)), ", ") }

// badModel is given a build that claims to be patched and leaks.
const badModel = "pisces"

// untested is a model of which no observer has a handset.
const untested = "cancro"

// firstFix is the patch that makes Cloud Messaging opt-in, on every model.
func firstFix() (plan, error) { return firstFixOn() }

// throughOutage is firstFix without the bad build, on a network and through a day that would stop it if the failures that
// they cause were held against the update.
func throughOutage() (plan, error) {
	p, err := firstFixWith(func(device string, kind fixtures.Kind) (fixtures.Build, error) {
		if kind == fixtures.Bad {
			kind = fixtures.Patched
		}
		return fixtures.BuildOf(device, kind)
	})
	p.days, p.widen = 30, 4
	p.outage = &outage{from: (foreknown + 2) * day, until: (foreknown + 3) * day}
	return p, err
}

// underSiege is firstFix on one model, with nearly the whole fleet: somebody invents installations of it. A lab watches
// over a handset of another model, which has few.
func underSiege() (plan, error) {
	p, err := throughOutage()
	attacked, watched := p.fleet[0].Device, badModel
	p.fleet = slices.DeleteFunc(p.fleet, func(m sim.Model) bool { return m.Device != attacked && m.Device != watched })
	p.first.models, p.tested = []string{attacked, watched}, []string{attacked}
	p.outage, p.few = nil, 10
	p.siege = &siege{arrives: foreknown + 1, strikes: foreknown + 61, attacked: attacked, watched: watched,
		seen: map[string]int{}}
	p.notice, p.days, p.widen = p.siege.strikes, 22, 0
	return p, err
}

// firstFixOn is firstFix, in which the images of some models have an app backup that counts what it sends.
func firstFixOn(counting ...string) (plan, error) {
	return firstFixWith(func(device string, kind fixtures.Kind) (fixtures.Build, error) {
		b, err := fixtures.BuildOf(device, kind)
		if slices.Contains(counting, device) {
			b.Backup = fixtures.BackupOf(fixtures.Unpatched)
		}
		return b, err
	})
}

// firstFixWith is firstFix, of these builds.
func firstFixWith(build func(device string, kind fixtures.Kind) (fixtures.Build, error)) (plan, error) {
	p := plan{notice: foreknown, days: 25, tested: slices.DeleteFunc(fixtures.Models(), func(device string) bool {
		return device == untested
	})}
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
	p.later, p.soon, p.more = []shipment{corrected, lists}, 3, 20
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
	p := plan{notice: foreknown, days: 18, models: modelSource}
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
