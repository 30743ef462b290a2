// SPDX-License-Identifier: Apache-2.0

package legacy

import (
	"bytes"
	"fmt"
	"slices"

	"landed/manifests"
	"landed/manifests/release"
	"landed/server/device/everybody"
	"landed/server/fleet"
)

// Faults says what phones that poll by the protocols of their model would not take of a release with these packages: all of
// it, each once. catalogue has every model that is served; before is what phones ask for by the releases before, of all models
// that have such phones; base is the address of the server.
func Faults(
	catalogue *manifests.Catalogue, declared release.Release, packages []fleet.Package, before []fleet.PhoneName, base string,
) []error {
	f := faults{seen: map[string]bool{}}
	for _, model := range catalogue.Models() {
		var builds []everybody.Build
		for _, pkg := range packages {
			if pkg.Model == model.Device {
				builds = append(builds, everybody.Of(model, pkg, declared.Clients[model.Device], base))
			}
		}
		c, has := declared.Clients[model.Device]
		if has && len(builds) == 0 {
			f.add("clients.%s: the release has no package for this model", model.Device)
		}
		if has && len(model.Protocols) == 0 {
			f.add("clients.%s: phones of this model poll by no other protocol; leave it out, or add the model again with protocols",
				model.Device)
		}
		for variant := range c.Devices {
			if !model.HasVariant(variant) {
				f.add("clients.%s.devices: %s is no image variant of the model", model.Device, variant)
			}
		}
		if i, other := strayCsig(c, builds); other {
			f.add("clients.%s.custota: entry %d is of no package of the release: it lists another payload.bin", model.Device, i+1)
		}
		if len(model.Protocols) > 0 {
			f.model(catalogue, model, builds)
			f.names(builds, before)
		}
	}
	for device := range declared.Clients {
		if _, ok := catalogue.Model(device); !ok {
			f.add("clients.%s: no such model in the catalogue", device)
		}
	}
	slices.SortFunc(f.all, byText)
	return f.all
}

// strayCsig is the first csig that is of none of the builds.
func strayCsig(c release.Clients, builds []everybody.Build) (int, bool) {
	for i, one := range c.Custota {
		der, _, _, err := one.Open()
		if err != nil || !slices.ContainsFunc(builds, func(b everybody.Build) bool {
			return b.Csig != nil && bytes.Equal(b.Csig.DER, der)
		}) {
			return i, true
		}
	}
	return 0, false
}

func byText(a, b error) int {
	switch x, y := a.Error(), b.Error(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

type faults struct {
	all  []error
	seen map[string]bool
}

func (f *faults) add(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if !f.seen[err.Error()] {
		f.seen[err.Error()] = true
		f.all = append(f.all, err)
	}
}

func (f *faults) model(catalogue *manifests.Catalogue, model manifests.Model, builds []everybody.Build) {
	for i, b := range builds {
		for _, words := range b.Differs() {
			f.add("clients.%s: %s", model.Device, words)
		}
		if other, is := catalogue.Model(b.Device); is && other.Device != model.Device {
			f.add("clients.%s.devices: %s is another model, whose phones ask for it", model.Device, b.Device)
		}
		for _, name := range model.Protocols {
			for _, err := range protocols[name].faultsIf(b) {
				f.add("%w", err)
			}
		}
		for _, other := range builds[:i] {
			if other.Full() && b.Full() && other.Device == b.Device {
				f.add("clients.%s.devices: %s and %s are full packages for one name, %s, by which phones ask: say what the phones of one "+
					"of the image variants %s and %s call themselves", model.Device, other.Name(), b.Name(), b.Device, other.Variant, b.Variant)
			}
		}
	}
}

// names holds what phones of builds ask for against what phones of other image variants and models do, by the releases before.
func (f *faults) names(builds []everybody.Build, before []fleet.PhoneName) {
	for _, b := range builds {
		for _, n := range before {
			switch again := slices.ContainsFunc(builds, func(b everybody.Build) bool { return b.Full() && b.Variant == n.Variant }); {
			case n.Name != b.Device || !b.Full():
			case n.Model != b.Model:
				f.add("clients.%s.devices: phones of %s ask for %s, since the release %s: say what else the phones of the image variant "+
					"%s call themselves", b.Model, n.Model, b.Device, n.Release, b.Variant)
			case n.Variant != b.Variant && !again: // else the release says anew what they ask for
				f.add("clients.%s.devices: phones of the image variant %s ask for %s too, since the release %s, and could not tell the "+
					"packages apart: say what else the phones of the image variant %s call themselves", b.Model, n.Variant, b.Device,
					n.Release, b.Variant)
			}
		}
	}
}

// faultsIf is faultsOf of a build of a new release, of a protocol that is spoken.
func (p protocol) faultsIf(b everybody.Build) []error {
	if p.faults == nil {
		return nil
	}
	faults := p.faultsOf(b)
	if p.newly != nil {
		faults = append(faults, p.newly(b)...)
	}
	return faults
}
