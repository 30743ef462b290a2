// SPDX-License-Identifier: Apache-2.0

// Package offering says what is offered to a model on a channel now.
//
// Parties: package rollouts signs the document and publishes it; the support page answers "why not
// me?" from the same document, and so may a handler of another protocol.
//
// It promises that one document follows from the stored rollouts and from what the offline role of
// the model lists, and from nothing else: no clock, no store, no chance. It refuses to offer a
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
	// Announced are rollouts, by id, that are offered to nobody yet: only their salt becomes known.
	Announced map[string]bool
}

// Unlisted is a package of a rollout that the offline role does not list: it was pruned, or taken out.
type Unlisted struct {
	Rollout fleet.Rollout
	Package fleet.Package
}

// Document offers every package of the wanted rollouts for the model and channel, the newest
// release first, and at most [MaxOffers]. The first offer that applies counts, so the incrementals of a release come
// before its full packages; where there is no room for all, the incrementals of older releases go first, for whoever
// would take one can take the full package. What is not listed is left out, and told.
func Document(in Input) (d offers.Document, unlisted []Unlisted) {
	d = offers.Document{
		Schema: offers.Schema, Model: in.Model.Device, Channel: in.Channel, Offers: []offers.Offer{},
	}
	for _, r := range Wanted(in.Rollouts) {
		for _, pkg := range PackagesFor(r, in.Packages[r.Release]) {
			o, ok := offer(in.Listed, in.Model.Role(), r, pkg)
			if !ok {
				unlisted = append(unlisted, Unlisted{r, pkg})
				continue
			}
			if in.Announced[r.ID] {
				o.Share = 0
			}
			d.Offers = append(d.Offers, o)
		}
	}
	d.Offers = atMost(d.Offers, MaxOffers)
	return d, unlisted
}

// atMost takes from the end what is too much: incrementals first.
func atMost(all []offers.Offer, most int) []offers.Offer {
	for i := len(all) - 1; i >= 0 && len(all) > most; i-- {
		if len(all[i].PreBuilds) > 0 {
			all = slices.Delete(all, i, i+1)
		}
	}
	return all[:min(len(all), most)]
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
