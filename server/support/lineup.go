// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"landed/manifests"
	"landed/server/support/naming"
)

// lineup is the catalogue of now, by device.
type lineup struct {
	catalogue func() *manifests.Catalogue
	kept      atomic.Pointer[models]
}

// models are those of one catalogue.
type models struct {
	of     *manifests.Catalogue
	listed map[string]listed // by device
}

// listed is a model and its place in the catalogue.
type listed struct {
	manifests.Model
	place int
	names *naming.Names
}

// device is a model of now.
func (l *lineup) device(name string) (listed, bool) {
	now, known := l.catalogue(), l.kept.Load()
	if known == nil || known.of != now {
		known = &models{now, map[string]listed{}}
		for i, m := range now.Models() {
			known.listed[m.Device] = listed{m, i, namesOf(m)}
		}
		l.kept.Store(known)
	}
	m, ok := known.listed[name]
	return m, ok
}

func namesOf(m manifests.Model) *naming.Names {
	return naming.Of(naming.Model{Device: m.Device, Product: m.Product, Numbers: m.Numbers, ROMNames: m.ROMNames, Variants: m.Variants,
		Letters: m.Letters})
}

// roleOf is the role of a device.
func (l *lineup) roleOf(device string) string {
	if m, ok := l.device(device); ok {
		return m.Role()
	}
	return ""
}

// order sorts devices as the catalogue lists them, strangers last and by name.
func (l *lineup) order(devices []string) {
	const last = 1 << 16
	place := func(device string) int {
		if m, ok := l.device(device); ok {
			return m.place
		}
		return last
	}
	slices.SortFunc(devices, func(a, b string) int { return cmp.Or(place(a)-place(b), strings.Compare(a, b)) })
}
