// SPDX-License-Identifier: Apache-2.0

package legacy

import (
	"fmt"
	"slices"

	"landed/manifests"
	"landed/server/device/everybody"
	"landed/server/fleet"
)

// Alarms are what no phone is told of because two kinds of phones ask for it by one name, in words: somebody has to name one
// of them in a release. All of it is among what [Document] left out too.
func Alarms(in Input) []string {
	_, alarms := in.apart(in.builds())
	return alarms
}

// polls says if a name is that of another model that has such phones.
func (in Input) polls(name string) bool {
	if in.Models == nil || name == in.Model.Device {
		return false
	}
	other, is := in.Models.Model(name)
	return is && len(other.Protocols) > 0
}

// NameFaults are what phones of a model cannot ask for once it is added as it is described, as phones of another model do:
// before is what these ask for, and what phones of the model asked for so far.
func NameFaults(model manifests.Model, catalogue *manifests.Catalogue, before []fleet.PhoneName) (faults []error) {
	in := Input{Model: model, Models: catalogue}
	fault := func(model, asked, other string) {
		faults = append(faults, fmt.Errorf("phones of %s ask for %s, as those of %s do, and could not tell their packages apart: say what "+
			"else they call themselves in the next release of %[1]s, in clients.%[1]s.devices", model, asked, other))
	}
	for _, n := range before {
		switch {
		case n.Model != model.Device && n.Name == model.Device:
			fault(n.Model, n.Name, model.Device)
		case n.Model == model.Device && in.polls(n.Name):
			fault(n.Model, n.Name, n.Name)
		case n.Model == model.Device:
			for _, other := range before {
				if other.Model != n.Model && other.Name == n.Name {
					fault(n.Model, n.Name, other.Model)
				}
			}
		}
	}
	return faults
}

// apart are the builds whose phones can be told apart by what they ask for. The others are given to nobody: whichever was
// taken, phones of the other kind would install it, and nothing in the package holds them back.
func (in Input) apart(builds []everybody.Build) (apart []everybody.Build, alarms []string) {
	variants := map[string][]string{} // by what phones ask for
	for _, b := range builds {
		if !slices.Contains(variants[b.Device], b.Variant) {
			variants[b.Device] = append(variants[b.Device], b.Variant)
		}
	}
	told := map[string]bool{}
	const next = "say in the next release of %s what its phones ask for, in clients.%[1]s.devices"
	for _, b := range builds {
		words := ""
		switch all := variants[b.Device]; {
		case len(all) > 1:
			words = fmt.Sprintf("phones of the image variants %s and %s both ask for %s, so neither is told of a package: "+next, all[0],
				all[1], b.Device, b.Model)
		case in.polls(b.Device):
			words = fmt.Sprintf("phones of the image variant %s ask for %s, which is another model, so they are told of no package: "+next,
				b.Variant, b.Device, b.Model)
		default:
			apart = append(apart, b)
			continue
		}
		if !told[words] {
			told[words] = true
			alarms = append(alarms, words)
		}
	}
	return apart, alarms
}
