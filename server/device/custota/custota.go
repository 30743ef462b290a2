// SPDX-License-Identifier: Apache-2.0

// Package custota writes what Custota 6 polls: a JSON for each device that says where the package lies and where its csig,
// and the csig itself, which the maker signed offline.
//
// Parties: package legacy gives it the builds that are offered to everybody, with the csig that people declared and signed in
// the release; phones take the incremental for the vbmeta digest that they run, or else the full package, believe the csig
// by the certificates of their own system, and each part of the package by the digest in it.
//
// It promises that a csig stands beside the very package that it is of, signed by the key of the package's own whole-file
// signature, with the places of its parts and the digest of its payload. It refuses packages that phones would refuse: those
// for other devices, and those that do not say their patch level. It holds no key, and could not make a csig.
package custota

import (
	"encoding/json"
	"fmt"
	"slices"

	"landed/manifests/otapkg"
	"landed/manifests/shelf"
	"landed/server/device/everybody"
)

// Root is the folder of the shelf that has the files, by channel. People enter it, with the channel, in the app.
const Root = "custota/"

// Path is where the JSON of a device lies, below the shelf.
func Path(channel, device string) string { return Root + channel + "/" + device + ".json" }

// csigPath is where the csig of a package lies, from the JSON. A package's digest is a name that no other model has.
func csigPath(b everybody.Build) string { return b.Device + "/" + b.Package.SHA256 + ".csig" }

type updateInfo struct {
	Version     int                 `json:"version"` // 2
	Full        location            `json:"full"`
	Incremental map[string]location `json:"incremental,omitempty"` // by vbmeta digest of the build that runs
}

type location struct {
	OTA  string `json:"location_ota"`
	Csig string `json:"location_csig"`
}

// Faults says what Custota would not take of a build, or what it lacks.
func Faults(b everybody.Build) (faults []error) {
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(!slices.Contains(b.For, b.Device), "%s is for %q, and phones that ask for %s with Custota refuse it", b.Name(), b.For, b.Device)
	fault(b.SPL == "", "%s does not say its security patch level, and Custota refuses one that is lower than the phone's", b.Name())
	if b.Payload == "" || b.SignedBy == "" || !b.Streams() {
		return append(faults, fmt.Errorf("it is not known where %s has its payload and who signed it, so its csig cannot be held "+
			"against it: it was taken up from a feed, without the facts of its inspection", b.Name()))
	}
	c := b.Csig
	if c == nil {
		return append(faults, fmt.Errorf("clients.%s.custota has no csig of %s; make it where the OTA key is: otasign csig %[2]s, and "+
			"declare it", b.Model, b.Name()))
	}
	fault(c.By != b.SignedBy, "the csig of %s is signed by the key %.16s…, and the package by %.16s…: sign it with the OTA key of the "+
		"package", b.Name(), c.By, b.SignedBy)
	fault(b.Full() && c.From != "", "clients.%s.custota: %s is a full package, and starts from no build; leave from out", b.Model, b.Name())
	fault(!b.Full() && c.From == "", "clients.%s.custota: %s is an incremental, and phones ask for it by the vbmeta digest of the build "+
		"that it starts from: say it in from", b.Model, b.Name())
	if p, f, moved := c.Moved(b.Properties); moved {
		fault(true, "the csig of %s is of another file with the same payload.bin: it says that %s has %d bytes at %d, and it has %d at %d",
			b.Name(), p.Name, f.Size, f.Offset, p.Size, p.Offset)
	}
	for _, f := range c.Info.Files {
		has := slices.ContainsFunc(b.Properties, func(p otapkg.PropertyFile) bool { return p.Name == f.Name })
		fault(!has, "the csig of %s lists %.50q, which the package does not hold uncompressed", b.Name(), f.Name)
	}
	return faults
}

// Files are the JSON documents and csigs of builds that have no fault.
func Files(builds []everybody.Build) (files []shelf.File) {
	for _, full := range everybody.Fulls(builds) {
		info := updateInfo{Version: 2, Full: locate(full)}
		files = append(files, csigFile(full))
		for _, b := range everybody.Incrementals(builds, full) {
			if info.Incremental == nil {
				info.Incremental = map[string]location{}
			}
			info.Incremental[b.Csig.From] = locate(b)
			files = append(files, csigFile(b))
		}
		text, err := json.MarshalIndent(info, "", " ")
		if err != nil {
			panic(err) // closed fields: it cannot fail
		}
		files = append(files, shelf.File{Path: Path(full.Channel, full.Device), Type: shelf.JSON, Text: string(text) + "\n"})
	}
	return files
}

func locate(b everybody.Build) location { return location{b.URL, csigPath(b)} }

func csigFile(b everybody.Build) shelf.File {
	return shelf.File{Path: Root + b.Channel + "/" + csigPath(b), Type: shelf.Binary, Data: b.Csig.DER}
}
