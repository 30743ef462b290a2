// SPDX-License-Identifier: Apache-2.0

// Package aospsample writes what apps read that were made from AOSP's SystemUpdaterSample: a JSON config for each update.
//
// Parties: package legacy gives it the builds that are offered to everybody; an app fetches the config for its device, the one
// from its own build first, and hands the offsets to update_engine. The sample itself reads configs from the storage of the
// phone and polls nowhere: the paths here are ours.
//
// It promises the fields that the parser reads (name, url, ab_install_type, ab_config with force_switch_slot,
// verify_payload_metadata and property_files), not those of the outdated sample.json beside it. It refuses packages that
// cannot be streamed.
package aospsample

import (
	"encoding/json"
	"fmt"

	"landed/manifests/otapkg"
	"landed/manifests/shelf"
	"landed/server/device/everybody"
)

// Root is the folder of the shelf that has the configs, by channel.
const Root = "aosp-sample/"

// Path is where the config of the full package for a device lies, below the shelf.
func Path(channel, device string) string { return Root + channel + "/" + device + ".json" }

// PathFrom is where the config of the incremental from a build lies, by the version label of that.
func PathFrom(channel, device, from string) string {
	return Root + channel + "/" + device + "/" + from + ".json"
}

type config struct {
	Name        string   `json:"name"`
	URL         string   `json:"url"`
	InstallType string   `json:"ab_install_type"`
	AB          abConfig `json:"ab_config"`
}

type abConfig struct {
	// ForceSwitchSlot has the next restart boot the update, without another word of a person.
	ForceSwitchSlot bool `json:"force_switch_slot"`
	// VerifyMetadata has update_engine check the head of the payload before the download.
	VerifyMetadata bool                  `json:"verify_payload_metadata"`
	Properties     []otapkg.PropertyFile `json:"property_files"`
}

// Faults says what an app would not take of a build.
func Faults(b everybody.Build) (faults []error) {
	if !b.Streams() {
		faults = append(faults, fmt.Errorf("it is not known where %s has its payload, so no phone can stream it: it was "+
			"taken up from a feed, without the facts of its inspection", b.Name()))
	}
	if _, ok := b.Source(); !b.Full() && !ok {
		faults = append(faults, fmt.Errorf("%s is an incremental from %q, and its config lies under the version label of one build; "+
			"build one for each, or leave it out", b.Name(), b.From))
	}
	if err := b.Stranger(); err != nil {
		faults = append(faults, err)
	}
	return faults
}

// Files are the configs of builds that have no fault.
func Files(builds []everybody.Build) (files []shelf.File) {
	for _, full := range everybody.Fulls(builds) {
		files = append(files, file(Path(full.Channel, full.Device), full, ""))
		for _, b := range everybody.Incrementals(builds, full) {
			if from, ok := b.Source(); ok {
				files = append(files, file(PathFrom(b.Channel, b.Device, from), b, " from "+from))
			}
		}
	}
	return files
}

func file(path string, b everybody.Build, from string) shelf.File {
	text, err := json.MarshalIndent(config{
		Name: b.Device + " " + b.Incremental + from, URL: b.URL, InstallType: "STREAMING",
		AB: abConfig{ForceSwitchSlot: true, VerifyMetadata: true, Properties: b.Properties},
	}, "", " ")
	if err != nil {
		panic(err) // closed fields: it cannot fail
	}
	return shelf.File{Path: path, Type: shelf.JSON, Text: string(text) + "\n"}
}
