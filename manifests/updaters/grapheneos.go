// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"regexp"
	"strconv"
	"strings"
)

var label = regexp.MustCompile(`^[A-Za-z0-9._+-]+$`)

// What GrapheneOS's app does. What it catches it tells people, and asks again; of what it does not, it ends.
const (
	tellsFailure = "the app shows that the check failed, and asks again every four minutes"
	crashes      = "the app ends without a word, each time"
)

// GrapheneOS reads the line of a device and channel as its app does (Service.java and PeriodicJob.java at 24cdeac):
// "INCREMENTAL EPOCH DEVICE CHANNEL". With a time that is not later than that of what runs the phone is up to date, and looks
// at nothing else of the line. It gives what the app asks for, in this order: the incremental from the build that runs, which
// need not be there, and the full package. Both lie beside the line.
func GrapheneOS(a Answer, p Phone) (offers []Offer, found []Fault) {
	f, ok := a.begin("the line", noUpdate, tellsFailure)
	if !ok {
		return nil, f
	}
	line, more, _ := strings.Cut(string(a.Body), "\n")
	words := strings.Split(strings.TrimSuffix(line, "\r"), " ")
	var beyond faults
	if more != "" || len(words) > 4 || strings.HasSuffix(line, "\r") {
		beyond.add("the app passes over what is more", "the answer is %.100q, wanted one line of four words and no more", a.Body)
	}
	if len(words) < 2 {
		f.add(crashes, "the answer is %.100q, wanted one line of four words: build, build time, device, channel", a.Body)
		return nil, f
	}
	epoch, err := strconv.ParseInt(words[1], 10, 64)
	switch {
	case err != nil:
		f.add(crashes, "the second word is %.50q, wanted the build time in seconds", words[1])
		return nil, f
	case epoch < 1 || strings.HasPrefix(words[1], "+"):
		f.add(noUpdate, "the second word is %.50q, wanted the build time in seconds", words[1])
	}
	if epoch <= p.UTC {
		return nil, append(f, beyond...)
	}
	if len(words) < 4 {
		f.add(crashes, "the answer is %.100q, wanted one line of four words: build, build time, device, channel", a.Body)
		return nil, f
	}
	if !label.MatchString(words[0]) {
		f.add(noUpdate, "the first word is %.50q, wanted the label of a build that can stand in the name of a file", words[0])
	}
	if words[2] != p.Device {
		f.add(tellsFailure, "the line is for the device %.50q, and %.50q asked", words[2], p.Device)
	}
	if words[3] != p.Channel {
		f.add(tellsFailure, "the line is of the channel %.50q, and %.50q was asked for", words[3], p.Channel)
	}
	if len(f) > 0 {
		return nil, append(f, beyond...)
	}
	full := Offer{Name: p.Device + "-ota_update-" + words[0] + ".zip", UTC: epoch, Build: words[0], Installs: true, device: p.Device,
		strict: true}
	full.URL = below(a.URL, full.Name)
	if p.Build != "" {
		inc := full
		inc.source = p.Fingerprint
		inc.Name, inc.From = p.Device+"-incremental-"+p.Build+"-"+words[0]+".zip", p.Build
		inc.URL = below(a.URL, inc.Name)
		offers = append(offers, inc)
	}
	return append(offers, full), beyond
}
