// SPDX-License-Identifier: Apache-2.0

// Package legacy speaks to the updaters of others: phones that poll by a protocol that is not the feed's.
//
// Parties: package rollouts has it make the files of a model and channel, from the very offers document that it publishes,
// and signs them as one document beside it; package release asks what such phones would not take of a release; package server
// answers the phones, by [Route].
//
// It promises files that are a pure function of offers, packages and what releases declare; that only what is offered to
// everybody is in them, by the decision of every other handset ([offers.Everybody]), for these phones draw no share; and that
// what is halted, replaced or given up is gone with the same publication. It refuses to list a build half: one that lacks
// something that its protocol wants is in no file of that protocol; and to guess: where two kinds of phones ask for one name,
// neither is told of a build.
package legacy

import (
	"errors"
	"fmt"
	"slices"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/release"
	"landed/manifests/shelf"
	"landed/server/device/aospsample"
	"landed/server/device/custota"
	"landed/server/device/everybody"
	"landed/server/device/grapheneos"
	"landed/server/device/lineageos"
	"landed/server/fleet"
)

// protocol is how one of them is spoken.
type protocol struct {
	faults func(everybody.Build) []error        // what its phones would not take of a build
	files  func([]everybody.Build) []shelf.File // of builds without faults
	url    bool                                 // its files name packages by their whole address
	// none is what phones of a name are told on a channel where nothing is for them; nil if a missing file says that.
	none func(device, channel string) shelf.File
	// newly is what its phones would not take of a build of a new release, beside faults, and older ones may have; nil if nothing.
	newly func(everybody.Build) []error
}

var protocols = map[manifests.Protocol]protocol{
	manifests.LineageOS1: {lineageos.Faults1, lineageos.Files1, true, nil, lineageos.NewFaults},
	manifests.LineageOS2: {lineageos.Faults2, lineageos.Files2, true, nil, lineageos.NewFaults},
	manifests.Custota:    {custota.Faults, custota.Files, true, nil, nil},
	manifests.GrapheneOS: {grapheneos.Faults, grapheneos.Files, false, grapheneos.None, grapheneos.NewFaults},
	manifests.AOSPSample: {aospsample.Faults, aospsample.Files, true, nil, nil},
}

// CheckBase says what is wrong with the address of a server as phones reach it, such as https://ota.example; nil for none. It
// is of https, as the apps refuse anything else, or of http on this very machine, where tests and rehearsals are.
func CheckBase(base string) error {
	if base == "" {
		return nil
	}
	if err := offers.CheckMirror(base); err != nil {
		return fmt.Errorf("the address of this server: %w", err)
	}
	return nil
}

// Input is all that the files of one model on one channel follow from.
type Input struct {
	Model    manifests.Model
	Offers   offers.Document
	Packages map[string][]fleet.Package            // by release
	Declared map[string]map[string]release.Clients // by release and model
	Models   *manifests.Catalogue                  // all that are served; nil: the one
	Base     string                                // address of the server; "" if it was not told
}

// Document is the files of a model and channel, and what is offered to everybody and in no file of a protocol, in words. ok
// is false if there is no file.
func Document(in Input) (d shelf.Document, leftOut []string, ok bool) {
	builds, leftOut := in.apart(in.builds())
	var files []shelf.File
	for _, name := range in.Model.Protocols {
		p, is := protocols[name]
		if !is {
			continue
		}
		var whole []everybody.Build
		for _, b := range builds {
			if err := errors.Join(p.faultsOf(b)...); err != nil {
				leftOut = append(leftOut, fmt.Sprintf("%s: %s: %s", name, b.Name(), fleet.InOneLine(err)))
				continue
			}
			whole = append(whole, b)
		}
		files = in.quiet(p, append(files, p.files(whole)...))
	}
	return shelf.New(in.Model.Device, in.Offers.Channel, files), leftOut, len(files) > 0
}

// quiet adds to files what phones are told for whom there is nothing.
func (in Input) quiet(p protocol, files []shelf.File) []shelf.File {
	if p.none == nil {
		return files
	}
	for _, name := range in.names() {
		none := p.none(name, in.Offers.Channel)
		if !slices.ContainsFunc(files, func(f shelf.File) bool { return f.Path == none.Path }) {
			files = append(files, none)
		}
	}
	return files
}

// names are what phones of the model ask for: its own name, and what the releases in the offers say.
func (in Input) names() []string {
	names := []string{in.Model.Device}
	for _, o := range in.Offers.Offers {
		name := in.Declared[o.Custom.Release][in.Model.Device].Device(in.Model.Device, o.Custom.Variant)
		if !slices.Contains(names, name) && !in.polls(name) {
			names = append(names, name)
		}
	}
	return names
}

// Always says if phones of a model are told of something on each channel, also where nothing was ever offered.
func Always(model manifests.Model) bool {
	return slices.ContainsFunc(model.Protocols, func(name manifests.Protocol) bool { return protocols[name].none != nil })
}

func (p protocol) faultsOf(b everybody.Build) []error {
	faults := p.faults(b)
	if p.url && b.URL == "" {
		faults = append(faults, errNoBase)
	}
	return faults
}

var errNoBase = errors.New("this server was not told its own address, by which the files name packages; start it with --base-url, " +
	"as https://ota.example")

// builds are those that are offered to everybody, of each image variant.
func (in Input) builds() (all []everybody.Build) {
	for _, variant := range in.Model.Variants {
		full, incrementals := offers.Everybody(in.Offers, variant)
		if full == nil {
			continue
		}
		for _, o := range append(incrementals, *full) {
			i := slices.IndexFunc(in.Packages[o.Custom.Release], func(p fleet.Package) bool {
				return p.SHA256 == o.Package.SHA256 && p.Variant == variant
			})
			if i < 0 {
				continue // a document of which the database knows less; the feed goes on without it
			}
			all = append(all, everybody.Of(in.Model, in.Packages[o.Custom.Release][i],
				in.Declared[o.Custom.Release][in.Model.Device], in.Base))
		}
	}
	return all
}
