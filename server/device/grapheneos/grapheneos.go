// SPDX-License-Identifier: Apache-2.0

// Package grapheneos writes the files that GrapheneOS's updater polls: one line per device and channel, and the packages
// under the names that it asks for.
//
// Parties: package legacy gives it the builds that are offered to everybody; phones read the line, take the incremental from
// their own build if there is one, and the full package if not, and hold the line against what is signed in the package: its
// build time, its one device, its source.
//
// It promises that each name is the very bytes of one signed package, that all files lie under one root, as the app has one
// address for line and packages, and a line for each device and channel also where there is nothing. It refuses version labels
// that cannot stand in such a line, packages for several devices or that do not state what the app reads, and incrementals from
// several builds: the app refuses those, ends, or cannot ask for them.
package grapheneos

import (
	"fmt"
	"slices"

	"landed/manifests/otapkg"
	"landed/manifests/shelf"
	"landed/server/device/everybody"
)

// Root is the folder of the shelf that has the files of all channels: a channel is part of a file's name.
const Root = "grapheneos/"

// LinePath is where the line of a device and channel lies, below the shelf.
func LinePath(device, channel string) string { return Root + device + "-" + channel }

func fullPath(b everybody.Build) string {
	return Root + b.Device + "-ota_update-" + b.Incremental + ".zip"
}

func incrementalPath(b everybody.Build, from string) string {
	return Root + b.Device + "-incremental-" + from + "-" + b.Incremental + ".zip"
}

// None is the line where nothing is for everybody. The app looks at the build time first, and with one that is not later than
// its own it is up to date and looks at nothing else (Service.java at 24cdeac, onHandleIntent). A 404 it takes for a fault of
// the network: it shows that the check failed, and asks again after four minutes (PeriodicJob.java, MIN_LATENCY_MILLIS).
func None(device, channel string) shelf.File {
	return shelf.File{Path: LinePath(device, channel), Type: shelf.Text, Text: fmt.Sprintf("none 1 %s %s\n", device, channel)}
}

// Faults says what the app would not take of a build.
func Faults(b everybody.Build) (faults []error) {
	if !everybody.InName(b.Incremental) {
		faults = append(faults, fmt.Errorf("the build %.100q of %s cannot stand in the name of a file and in a line of words; wanted "+
			"letters, digits and . _ + -", b.Incremental, b.Name()))
	}
	if len(b.For) > 0 && !slices.Equal(b.For, []string{b.Device}) {
		faults = append(faults, fmt.Errorf("%s is for %q, and phones that ask for %s take packages for %[3]s alone: build one for each "+
			"device, or name another in clients.%s.devices", b.Name(), b.For, b.Device, b.Model))
	}
	if len(b.For) == 0 {
		faults = append(faults, fmt.Errorf("%s does not say for which device it is, which phones want to read; or its facts are not "+
			"known here", b.Name()))
	}
	if _, ok := b.Source(); !b.Full() && !ok {
		faults = append(faults, fmt.Errorf("%s is an incremental from %q, and phones ask for one by the version label of one build; "+
			"build one for each, or leave it out", b.Name(), b.From))
	}
	if b.Stated != nil {
		faults = append(faults, stated(b, *b.Stated)...)
	}
	return faults
}

// stated are the faults of what a package states, which the app reads before it installs (Service.java at 24cdeac,
// onDownloadFinished).
func stated(b everybody.Build, s otapkg.Stated) (faults []error) {
	if !s.Streaming {
		faults = append(faults, fmt.Errorf("%s states no ota-streaming-property-files, for want of which the app ends each time that it has "+
			"fetched the package: build it with AOSP's release tools", b.Name()))
	}
	if s.Type != "AB" {
		faults = append(faults, fmt.Errorf("%s states the ota-type %.50q, and the app takes AB alone", b.Name(), s.Type))
	}
	if from, _ := b.Source(); s.From != "" && s.From != from {
		faults = append(faults, fmt.Errorf("%s states the pre-build-incremental %.100q, and the app would fetch it to update %q", b.Name(),
			s.From, from))
	}
	return faults
}

// NewFaults are those of a build of a new release, beside [Faults]: what packages state was not always kept.
func NewFaults(b everybody.Build) []error {
	if b.Stated != nil || len(b.For) == 0 {
		return nil
	}
	return []error{fmt.Errorf("%s was inspected before it was looked at if it states ota-streaming-property-files, without which the app "+
		"ends: remove the package, and upload it again", b.Name())}
}

// Files are the lines and packages of builds that have no fault.
func Files(builds []everybody.Build) (files []shelf.File) {
	for _, full := range everybody.Fulls(builds) {
		line := fmt.Sprintf("%s %d %s %s\n", full.Incremental, full.UTC, full.Device, full.Channel)
		files = append(files, shelf.File{Path: LinePath(full.Device, full.Channel), Type: shelf.Text, Text: line},
			shelf.File{Path: fullPath(full), Type: shelf.Package, Target: &full.Package})
		for _, b := range everybody.Incrementals(builds, full) {
			if from, ok := b.Source(); ok {
				files = append(files, shelf.File{Path: incrementalPath(b, from), Type: shelf.Package, Target: &b.Package})
			}
		}
	}
	return files
}
