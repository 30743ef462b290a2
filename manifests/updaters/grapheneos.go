// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"regexp"
	"strconv"
	"strings"
)

var label = regexp.MustCompile(`^[A-Za-z0-9._+-]+$`)

// GrapheneOS reads the line of a device and channel as its app does: "INCREMENTAL EPOCH DEVICE CHANNEL". It gives what the app
// asks for, in this order: the incremental from the build that runs, which need not be there, and the full package. Both lie
// beside the line.
func GrapheneOS(a Answer, p Phone) (offers []Offer, found []Fault) {
	f, ok := a.begin("the line", noUpdate, "the app asks again later, and "+noUpdate)
	if !ok {
		return nil, f
	}
	line, more, _ := strings.Cut(string(a.Body), "\n")
	words := strings.Split(strings.TrimSuffix(line, "\r"), " ")
	if len(words) < 4 {
		f.add(noUpdate, "the answer is %.100q, wanted one line of four words: build, build time, device, channel", a.Body)
		return nil, f
	}
	var beyond faults
	if more != "" || len(words) > 4 || strings.HasSuffix(line, "\r") {
		beyond.add("the app passes over what is more", "the answer is %.100q, wanted one line of four words and no more", a.Body)
	}
	epoch, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil || epoch < 1 || strings.HasPrefix(words[1], "+") {
		f.add(noUpdate, "the second word is %.50q, wanted the build time in seconds", words[1])
	}
	if !label.MatchString(words[0]) {
		f.add(noUpdate, "the first word is %.50q, wanted the label of a build that can stand in the name of a file", words[0])
	}
	if words[2] != p.Device {
		f.add("the app does not look, and asks for a build of another device, which is not there or is refused", "the line is for the "+
			"device %.50q, and %.50q asked", words[2], p.Device)
	}
	if words[3] != p.Channel {
		f.add(noUpdate, "the line is of the channel %.50q, and %.50q was asked for", words[3], p.Channel)
	}
	if len(f) > 0 || epoch <= p.UTC {
		return nil, append(f, beyond...)
	}
	full := Offer{Name: p.Device + "-ota_update-" + words[0] + ".zip", UTC: epoch, Build: words[0], Installs: true, device: p.Device,
		strict: true}
	full.URL = below(a.URL, full.Name)
	if p.Build != "" {
		inc := full
		inc.Name, inc.From = p.Device+"-incremental-"+p.Build+"-"+words[0]+".zip", p.Build
		inc.URL = below(a.URL, inc.Name)
		offers = append(offers, inc)
	}
	return append(offers, full), beyond
}
