// SPDX-License-Identifier: Apache-2.0

// Package offering says what is offered to a model on a channel now.
//
// Parties: package rollouts signs the document and publishes it; the support page answers "why not
// me?" from the same document, and so may a handler of another protocol.
//
// It promises that one document follows from the stored rollouts, the stored epoch, what the offline role of
// the model lists and the mirrors of the configuration, and from nothing else: no clock, no store, no chance. It refuses to offer a
// build that the offline role does not list, for no handset would take it.
package offering

import (
	"encoding/json"
	"slices"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// MaxOffers bounds a document: what a handset may be told at once.
const MaxOffers = 8

// Listed finds what the offline role of a model lists under a path.
type Listed func(path string) (tufrepo.Target, bool)

// Input is all that a document follows from.
type Input struct {
	Model    manifests.Model
	Channel  string
	Rollouts []fleet.Rollout            // of this model and channel, newest release first
	Packages map[string][]fleet.Package // by release; those for others are passed over
	Listed   Listed
	Epoch    int      // of this model and channel
	Mirrors  []string // where packages lie too, the best first; see offers.CheckMirrors
	// Announced are rollouts, by id, that are offered to nobody yet: only their salt becomes known.
	Announced map[string]bool
}

// Omitted is a package of a rollout that its document does not offer.
type Omitted struct {
	Rollout fleet.Rollout
	Package fleet.Package
}

// Document offers every package of the wanted rollouts for the model and channel, the newest
// release first, and at most [MaxOffers]. The first offer that applies counts, so the incrementals of a release come
// before its full packages; where there is no room for all, the incrementals of older releases go first, for whoever
// would take one can take the full package. What is left out is told: unlisted is what the offline role does not list, as it
// was pruned or taken out; cut is what there was no room for.
func Document(in Input) (d offers.Document, unlisted, cut []Omitted) {
	d = offers.Document{
		Schema: offers.Schema, Model: in.Model.Device, Channel: in.Channel, Epoch: in.Epoch, Mirrors: in.Mirrors,
		Offers: []offers.Offer{},
	}
	var offered []Omitted // in the order of d.Offers
	for _, r := range Wanted(in.Rollouts) {
		for _, pkg := range PackagesFor(r, in.Packages[r.Release]) {
			o, ok := offer(in.Listed, in.Model.Role(), r, pkg)
			if !ok {
				unlisted = append(unlisted, Omitted{r, pkg})
				continue
			}
			if in.Announced[r.ID] {
				o.Share = 0
			}
			d.Offers = append(d.Offers, o)
			offered = append(offered, Omitted{r, pkg})
		}
	}
	for len(d.Offers) > MaxOffers {
		i := leastWanted(d.Offers)
		cut = append(cut, offered[i])
		d.Offers, offered = slices.Delete(d.Offers, i, i+1), slices.Delete(offered, i, i+1)
	}
	return d, unlisted, cut
}

// leastWanted is what goes first when there is too much: the last incremental, else the last offer.
func leastWanted(all []offers.Offer) int {
	for i, o := range slices.Backward(all) {
		if len(o.PreBuilds) > 0 {
			return i
		}
	}
	return len(all) - 1
}

// Wanted are the rollouts down to the first that has gone to the whole fleet: nothing older can be
// wanted. They are those of one model and channel, newest release first.
func Wanted(rollouts []fleet.Rollout) []fleet.Rollout {
	i := slices.IndexFunc(rollouts, func(r fleet.Rollout) bool { return r.State == fleet.RolloutFinished })
	if i < 0 {
		return rollouts
	}
	return rollouts[:i+1]
}

// PackagesFor are those of a release's packages that are for the model and channel of a rollout: for each image variant
// a full package, and before all of them the incrementals.
func PackagesFor(r fleet.Rollout, packages []fleet.Package) []fleet.Package {
	var found []fleet.Package
	for _, pkg := range packages {
		if pkg.Model == r.Model && pkg.Channel == r.Channel {
			found = append(found, pkg)
		}
	}
	slices.SortStableFunc(found, func(a, b fleet.Package) int {
		return min(len(b.PreBuilds), 1) - min(len(a.PreBuilds), 1)
	})
	return found
}

// FilesNotListed names the files of the packages of r that the offline role does not list.
func FilesNotListed(listed Listed, role string, r fleet.Rollout, packages []fleet.Package) (names []string) {
	for _, pkg := range packages {
		if _, ok := offer(listed, role, r, pkg); !ok {
			names = append(names, pkg.Name)
		}
	}
	return names
}

// offer repeats what the offline role says of a package.
func offer(listed Listed, role string, r fleet.Rollout, pkg fleet.Package) (offers.Offer, bool) {
	build, ok := listed(tufrepo.PackagePath(role, pkg.Name))
	if !ok || build.SHA256 != pkg.SHA256 {
		return offers.Offer{}, false
	}
	manifest, ok := listed(tufrepo.ManifestPath(role, r.Release, pkg.Variant))
	if !ok {
		return offers.Offer{}, false
	}
	o := offers.Offer{
		Rollout: r.ID, State: offers.State(r.State), Salt: r.Salt, Stage: r.Stage + 1, Share: r.Share(),
		Retry: r.Retries, Package: named(build), Manifest: named(manifest), PreBuilds: pkg.PreBuilds, RawCustom: build.Custom,
	}
	return o, json.Unmarshal(build.Custom, &o.Custom) == nil
}

func named(t tufrepo.Target) manifests.Package {
	return manifests.Package{Path: t.Path, Length: t.Length, SHA256: t.SHA256}
}
