// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/tufrepo"
)

// source is where a package can be had: below the base URL of a mirror, which the offers name, or of the feed's own
// server, which has all packages.
type source struct {
	base   string // without a slash at its end
	mirror bool
}

func (s source) url(p manifests.Package) string {
	return s.base + "/" + tufrepo.StoredTarget(p.Path, p.SHA256)
}

// mirrors is what the state file holds of where the package of the offer lies too.
type mirrors struct {
	Mirrors []string `json:"mirrors,omitempty"`       // as the offers name them, the best first
	Wrong   []string `json:"wrong_mirrors,omitempty"` // of those, what gave other bytes than were signed for
}

// offered takes over what the newest offers say.
func (m *mirrors) offered(all []string) { m.Mirrors = all }

// gave notes mirrors that gave something else. They are asked no more for this package: one that is always wrong, or
// endless, would cost each attempt what the others had given by then.
func (m *mirrors) gave(wrong []string) {
	for _, base := range wrong {
		if !slices.Contains(m.Wrong, base) {
			m.Wrong = append(m.Wrong, base)
		}
	}
}

// another package is to be had, or none: whoever was wrong about the last is asked again.
func (m *mirrors) another() { m.Wrong = nil }

// usable are the mirrors that are asked, by a handset whose feed is at this address. One of http, which may only be on
// this machine, is for rehearsals, whose feed is of http too.
func (m *mirrors) usable(feed string) (all []string) {
	for _, base := range m.Mirrors {
		secret := strings.HasPrefix(base, "https://")
		if (secret || strings.HasPrefix(feed, "http://")) && !slices.Contains(m.Wrong, base) {
			all = append(all, base)
		}
	}
	return all
}
