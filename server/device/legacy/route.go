// SPDX-License-Identifier: Apache-2.0

package legacy

import (
	"strings"

	"landed/manifests/shelf"
	"landed/server/device/grapheneos"
	"landed/server/device/lineageos"
)

// Prefix is where the shelf lies below the root of the server: every file of every channel.
const Prefix = "/legacy/"

// Channel is the one whose files are also given at the paths that clients have built in, where there is no place for a
// channel.
const Channel = "stable"

// Route is the file of the shelf that a request asks for, and what is answered if it is not there: none is a text for a phone
// that is to hear that there is nothing, as JSON; with none "" it is not found. ok is false for a path that no client has.
//
// The paths are those that clients have built in, and the same below [Prefix] and a protocol's root and channel:
//
//	/api/v1/{device}/{type}/{incr}         LineageOS, of the channel stable; segments may be empty, {incr} is nothing
//	/api/v2/devices/{device}/builds
//	/{DEVICE}-{channel}, /{DEVICE}-….zip   GrapheneOS
//	/legacy/lineageos/{channel}/api/…
//	/legacy/grapheneos/…
//	/legacy/FILE                           any file as it lies, as a file server gives it
func Route(path string) (file, none string, ok bool) {
	if rest, is := strings.CutPrefix(path, Prefix+lineageos.Root); is {
		if channel, rest, is := strings.Cut(rest, "/"); is {
			if file, none, ok = lineage(channel, "/"+rest); ok {
				return file, none, true
			}
		}
	}
	if rest, is := strings.CutPrefix(path, Prefix); is {
		return rest, "", true
	}
	if file, none, ok = lineage(Channel, path); ok {
		return file, none, true
	}
	if name, is := strings.CutPrefix(path, "/"); is && strings.Contains(name, "-") && !strings.Contains(name, "/") {
		return grapheneos.Root + name, "", true
	}
	return "", "", false
}

// lineage is what the LineageOS Updater asks for on a channel.
func lineage(channel, path string) (file, none string, ok bool) {
	if rest, is := strings.CutPrefix(path, "/api/v1/"); is {
		segments := strings.Split(rest, "/")
		if len(segments) == 2 && strings.HasSuffix(rest, ".json") {
			return "", "", false // the file itself
		}
		for len(segments) < 2 {
			segments = append(segments, "")
		}
		return lineageos.Path1(channel, segments[0], segments[1]), lineageos.None1, len(segments) <= 3
	}
	if rest, is := strings.CutPrefix(path, "/api/v2/devices/"); is {
		device, tail, _ := strings.Cut(rest, "/")
		return lineageos.Path2(channel, device), lineageos.None2, tail == "builds"
	}
	return "", "", false
}

// Type is the content type of what [Route] answers for want of a file.
const Type = shelf.JSON
