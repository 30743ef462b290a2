// SPDX-License-Identifier: Apache-2.0

// Package lineageos writes the files that the LineageOS Updater polls, in both forms: v1 for the app up to version 22, and 23.2
// before 23 June 2026; v2 since then.
//
// Parties: package legacy gives it the builds that are offered to everybody; phones read the files, and decide by themselves:
// they take a build that is newer, of their own type and version, and whose package their recovery or update_engine accepts.
//
// It promises that a file is a pure function of the builds, the newest first, and that v2 is never longer than the app reads:
// older builds are left out whole. It refuses incremental packages, which the protocol cannot tell from full ones, and what
// lacks a field without which the app drops the build or the whole list.
package lineageos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"landed/manifests/release"
	"landed/manifests/shelf"
	"landed/server/device/everybody"
)

// Root is the folder of the shelf that has the files of both forms, by channel.
const Root = "lineageos/"

// MaxList is how many bytes of a v2 list the app reads; a longer one it refuses.
const MaxList = 32 << 10

// None1 and None2 are what a phone is told of which nothing is known, or for which there is nothing.
const (
	None1 = `{"response":[]}` + "\n"
	None2 = "[]\n"
)

// Path1 is where the v1 list of a device and type lies, below the shelf. The app asks for
// /api/v1/{device}/{type}/{incr}, with the type in lower case; {incr} changes nothing.
func Path1(channel, device, kind string) string {
	return Root + channel + "/api/v1/" + device + "/" + strings.ToLower(kind) + ".json"
}

// Path2 is where the v2 list of a device lies, below the shelf. The app asks for /api/v2/devices/{device}/builds.
func Path2(channel, device string) string {
	return Root + channel + "/api/v2/devices/" + device + "/builds.json"
}

// entry1 has the fields that the app demands, in the order of the official server.
type entry1 struct {
	DateTime int64  `json:"datetime"` // ro.build.date.utc
	FileName string `json:"filename"`
	ID       string `json:"id"` // SHA-256
	ROMType  string `json:"romtype"`
	Size     int64  `json:"size"`
	URL      string `json:"url"`
	Version  string `json:"version"`
}

// Faults1 says what the app would not take of a build, if v1 told it.
func Faults1(b everybody.Build) (faults []error) {
	if !b.Full() {
		return nil // it is not listed
	}
	if b.ROMType == "" {
		faults = append(faults, fmt.Errorf("clients.%s.romtype is missing: the ro.lineage.releasetype of the build, such as nightly",
			b.Model))
	}
	if b.Version == "" {
		faults = append(faults, fmt.Errorf("clients.%s.version is missing: the ro.lineage.build.version of the build, such as 22.2",
			b.Model))
	}
	if err := b.Stranger(); err != nil {
		faults = append(faults, err)
	}
	return faults
}

// version is what the app finds two numbers in, the major and the minor one; what follows them it does not read.
var version = regexp.MustCompile(`^[0-9]{1,4}\.[0-9]{1,4}(\..*)?$`)

// NewFaults are those of a build of a new release, beside [Faults1] and [Faults2]: the app installs no build in whose version it
// does not find two numbers (compareVersions in Utils.java at 01516f9). Older releases were not asked, and older apps wanted
// the very version that runs, so what is offered stays.
func NewFaults(b everybody.Build) []error {
	if !b.Full() || b.Version == "" || version.MatchString(b.Version) {
		return nil
	}
	return []error{fmt.Errorf("clients.%s.version is %q, and phones install a build by two numbers in it, such as 22.2: say the "+
		"ro.lineage.build.version of the build", b.Model, b.Version)}
}

// Files1 are the v1 lists of builds that have no fault.
func Files1(builds []everybody.Build) (files []shelf.File) {
	for _, b := range everybody.Fulls(builds) {
		files = append(files, shelf.File{Path: Path1(b.Channel, b.Device, b.ROMType), Type: shelf.JSON, Text: list1([]entry1{{
			DateTime: b.UTC, FileName: b.Name(), ID: b.Package.SHA256, ROMType: b.ROMType, Size: b.Package.Length, URL: b.URL,
			Version: b.Version,
		}})})
	}
	return files
}

func list1(all []entry1) string {
	return marshal(struct {
		Response []entry1 `json:"response"`
	}{all})
}

type build2 struct {
	DateTime   int64   `json:"datetime"`
	Files      []file2 `json:"files"` // the app uses the first
	PatchLevel string  `json:"os_patch_level"`
	SDK        int     `json:"os_sdk_level"`
	Type       string  `json:"type"`
	Version    string  `json:"version"`
}

// file2 repeats patch level and SDK: the app took them from here, and takes them from the build where that has them.
type file2 struct {
	FileName   string `json:"filename"`
	PatchLevel string `json:"os_patch_level"`
	SDK        int    `json:"os_sdk_level"`
	Properties string `json:"ota_property_files,omitempty"` // of A/B packages, which are streamed
	SHA256     string `json:"sha256"`
	Size       int64  `json:"size"`
	URL        string `json:"url"`
}

// Faults2 says what the app would not take of a build, if v2 told it.
func Faults2(b everybody.Build) []error {
	if !b.Full() {
		return nil // it is not listed
	}
	faults := Faults1(b)
	if !release.ValidPatchLevel(b.PatchLevel) {
		faults = append(faults, fmt.Errorf("clients.%s.patch_level is missing (%q), and %s does not say it: the "+
			"ro.build.version.security_patch of the build, YYYY-MM-DD", b.Model, b.PatchLevel, b.Name()))
	}
	if b.SDK < 1 {
		faults = append(faults, fmt.Errorf("clients.%s.sdk is missing, and %s does not say it: the ro.build.version.sdk of the build, "+
			"such as 35; without it the app takes the build for too old", b.Model, b.Name()))
	}
	if b.Family == "ab" && !b.Streams() {
		faults = append(faults, fmt.Errorf("it is not known where %s has its payload, so no phone can stream it: it was "+
			"taken up from a feed, without the facts of its inspection", b.Name()))
	}
	return faults
}

// Files2 are the v2 lists of builds that have no fault.
func Files2(builds []everybody.Build) (files []shelf.File) {
	for _, b := range everybody.Fulls(builds) {
		one := build2{DateTime: b.UTC, PatchLevel: b.PatchLevel, SDK: b.SDK, Type: b.ROMType, Version: b.Version,
			Files: []file2{{FileName: b.Name(), PatchLevel: b.PatchLevel, SDK: b.SDK, SHA256: b.Package.SHA256,
				Size: b.Package.Length, URL: b.URL}}}
		if b.Family == "ab" {
			one.Files[0].Properties = b.Property()
		}
		files = append(files, shelf.File{Path: Path2(b.Channel, b.Device), Type: shelf.JSON, Text: list2([]build2{one})})
	}
	return files
}

// list2 is a list that the app reads whole: the newest builds first, and the oldest left out that there is no room for.
func list2(all []build2) string {
	slices.SortStableFunc(all, func(a, b build2) int { return cmp.Compare(b.DateTime, a.DateTime) })
	for {
		text := marshal(all)
		if len(text) <= MaxList || len(all) == 0 {
			return text
		}
		all = all[:len(all)-1]
	}
}

func marshal(document any) string {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // closed fields: it cannot fail
	}
	return string(text) + "\n"
}
