// SPDX-License-Identifier: Apache-2.0

package legacy

import (
	"fmt"
	"path"
	"slices"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/release"
	"landed/manifests/shelf"
	"landed/server/fleet"
)

// Apart is d without the files whose path stands for two contents, as phones could not tell them apart: none of them is given
// away. One that is there twice with the same bytes stays. collided says it in words.
func Apart(d shelf.Document) (apart shelf.Document, collided []string) {
	byPath := map[string][]shelf.File{}
	for _, f := range d.Files {
		byPath[f.Path] = append(byPath[f.Path], f)
	}
	apart = d
	apart.Files = nil
	for i, f := range d.Files { // which are in the order of their paths
		if i > 0 && d.Files[i-1].Path == f.Path {
			continue
		}
		if differs(byPath[f.Path]) {
			collided = append(collided, fmt.Sprintf("%s would be two files, by one name%s: neither is given away", f.Path,
				names(byPath[f.Path])))
			continue
		}
		apart.Files = append(apart.Files, f)
	}
	return apart, collided
}

func differs(files []shelf.File) bool {
	return slices.ContainsFunc(files, func(f shelf.File) bool { return !f.Same(files[0]) })
}

// names are those of the packages that files lead to, in brackets; "" if they are no packages.
func names(files []shelf.File) string {
	text := ""
	for _, f := range files {
		if f.Target == nil {
			return ""
		}
		if text != "" {
			text += ", "
		}
		text += path.Base(f.Target.Path)
	}
	return " (" + text + ")"
}

// Given is a release on a channel, as if it were offered to every phone of a model, and nothing else.
type Given struct {
	Model    manifests.Model
	Channel  string
	Release  string
	Packages []fleet.Package // of the release; those for others are passed over
	Clients  release.Clients
}

// document is what phones would be given; base is the address of the server.
func (g Given) document(base string) shelf.Document {
	doc := offers.Document{Schema: offers.Schema, Model: g.Model.Device, Channel: g.Channel}
	var mine []fleet.Package
	for _, p := range g.Packages {
		if p.Model != g.Model.Device || p.Channel != g.Channel {
			continue
		}
		mine = append(mine, p)
		o := offers.Offer{Rollout: g.Release, State: offers.StateRunning, Share: offers.WholeFleet, PreBuilds: p.PreBuilds,
			Package: manifests.Package{SHA256: p.SHA256},
			Custom:  manifests.Custom{Model: p.Model, Variant: p.Variant, Channel: p.Channel, Release: g.Release, Build: p.Build}}
		if len(p.PreBuilds) > 0 { // the first that applies counts
			doc.Offers = append([]offers.Offer{o}, doc.Offers...)
		} else {
			doc.Offers = append(doc.Offers, o)
		}
	}
	d, _, _ := Document(Input{Model: g.Model, Offers: doc, Packages: map[string][]fleet.Package{g.Release: mine},
		Declared: map[string]map[string]release.Clients{g.Release: {g.Model.Device: g.Clients}}, Base: base})
	return d
}

// of says what g is.
func (g Given) of() string { return fmt.Sprintf("%s on %s", g.Model.Device, g.Channel) }

// Collisions are the paths for which phones would be given two contents, in words, if all of wanted were offered to everybody
// beside others: two packages of one release, or releases of two models or channels. On one model and channel the newer of two
// releases takes the place of the older. What others have among themselves is not asked. A document of wanted that breaks a rule
// of its own is told too.
func Collisions(base string, wanted, others []Given) (faults []error) {
	type placed struct {
		given Given
		file  shelf.File
	}
	all := map[string][]placed{}
	for i, g := range append(slices.Clone(wanted), others...) {
		told, d := map[string]bool{}, g.document(base)
		if apart, _ := Apart(d); i < len(wanted) {
			if _, err := shelf.Parse(apart.Bytes()); err != nil {
				faults = append(faults, fmt.Errorf("%s of %s: %w", g.Release, g.of(), err))
			}
		}
		for _, f := range d.Files {
			if told[f.Path] || i >= len(wanted) && all[f.Path] == nil {
				continue
			}
			for _, other := range all[f.Path] {
				here := other.given.of() == g.of()
				if other.file.Same(f) || here && other.given.Release != g.Release {
					continue
				}
				told[f.Path] = true
				faults = append(faults, collision(f.Path, other.given, g, names([]shelf.File{other.file, f})))
				break
			}
			if i < len(wanted) {
				all[f.Path] = append(all[f.Path], placed{g, f})
			}
		}
	}
	return faults
}

func collision(path string, one, two Given, which string) error {
	if one.of() == two.of() {
		return fmt.Errorf("two packages of %s for %s would have one name for phones with other updaters, %s%s, so that phones get the one "+
			"that is not for them: leave one of the two out of the release", one.Release, one.of(), path, which)
	}
	return fmt.Errorf("%s of %s and %s of %s would have one name for phones with other updaters, %s%s, and are not the same bytes: "+
		"release the same package on both (otactl package promote), or build one of them again with another version label", one.Release,
		one.of(), two.Release, two.of(), path, which)
}
