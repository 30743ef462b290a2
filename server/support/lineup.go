// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"landed/manifests"
	"landed/server/published"
	"landed/server/support/naming"
)

// lineup is the catalogue of now, by device.
type lineup struct {
	catalogue func() *manifests.Catalogue
	kept      atomic.Pointer[models]
	builds    atomic.Pointer[builds]
}

// models are those of one catalogue, and the builds that were known of them.
type models struct {
	of     *manifests.Catalogue
	builds *builds
	listed map[string]listed // by device
}

// builds are what is published for each device: versions and fingerprints, by which people search.
type builds struct{ of map[string][]string }

// publishes takes over what builds there are.
func (l *lineup) publishes(all published.Releases) {
	now := &builds{map[string][]string{}}
	for _, r := range all.Known() {
		for _, p := range r.Packages {
			now.of[p.Model] = append(now.of[p.Model], p.Build.Fingerprint, p.Build.Incremental)
		}
	}
	known := l.builds.Load()
	if known == nil || !maps.EqualFunc(known.of, now.of, slices.Equal[[]string]) {
		l.builds.Store(now)
	}
}

// listed is a model and its place in the catalogue.
type listed struct {
	manifests.Model
	place int
	names *naming.Names
}

// device is a model of now.
func (l *lineup) device(name string) (listed, bool) {
	now, builds, known := l.catalogue(), l.builds.Load(), l.kept.Load()
	if known == nil || known.of != now || known.builds != builds {
		known = &models{now, builds, map[string]listed{}}
		for i, m := range now.Models() {
			known.listed[m.Device] = listed{m, i, namesOf(m, builds)}
		}
		l.kept.Store(known)
	}
	m, ok := known.listed[name]
	return m, ok
}

// namesOf are all names of a model; what is published for it, too, if that is known.
func namesOf(m manifests.Model, known *builds) *naming.Names {
	called := naming.Model{Device: m.Device, Product: m.Product, Numbers: m.Numbers, ROMNames: m.ROMNames, Variants: m.Variants,
		Letters: m.Letters}
	if known != nil {
		called.Builds = known.of[m.Device]
	}
	return naming.Of(called)
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
