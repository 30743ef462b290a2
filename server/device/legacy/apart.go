// SPDX-License-Identifier: Apache-2.0

package legacy

import (
	"fmt"
	"slices"

	"landed/server/device/everybody"
)

// Alarms are what no phone is told of because two kinds of phones ask for it by one name, in words: somebody has to name one
// of them in a release. All of it is among what [Document] left out too.
func Alarms(in Input) []string {
	_, alarms := in.apart(in.builds())
	return alarms
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
	for _, b := range builds {
		words := ""
		switch all := variants[b.Device]; {
		case len(all) > 1:
			words = fmt.Sprintf("%s: phones of the image variants %s and %s both ask for %s, so neither is told of a package: say in the "+
				"next release of one of them what its phones ask for, in clients.%[1]s.devices", b.Model, all[0], all[1], b.Device)
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
