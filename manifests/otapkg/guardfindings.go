// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"slices"
	"strings"

	"landed/manifests"
)

// judgeGuards compares the devices that the script accepts with the metadata: on phones of 2014 the script's check is
// the only one.
func judgeGuards(s *ScriptFacts, readable bool, devices []string, c *manifests.Catalogue, fs *Findings) {
	refuse := func(found, format string, args ...any) {
		fs.add(Finding{Code: DevAssert, Found: found, Wanted: listed(devices), Message: fmt.Sprintf(format, args...),
			Fix: "Let the script assert ro.product.device for exactly the devices of pre-device."})
	}
	switch only := without(devices, s.Devices); {
	case !readable:
		refuse("a script that cannot be read", "updater-script is no readable Edify, so nobody can tell which device it checks.")
	case len(s.Unclear) > 0 && len(s.Named) > 0:
		refuse(s.unclear(), "The script checks the device (%s), but whether it lets others pass depends on %s, which says "+
			"nothing about the device that this program understands.", listed(s.Named), s.unclear())
	case len(s.Unclear) > 0:
		refuse(s.unclear(), "Before any check of the device that this program understands, the script has %s: nobody can tell "+
			"which phones it would write to.", s.unclear())
	case len(s.Devices) == 0 && len(s.Named) > 0:
		refuse(listed(s.Named), "The script compares the device (%s), but lets phones of other names pass, or none at all.",
			listed(s.Named))
	case len(s.Devices) == 0:
		refuse("no check", "The script checks no device before it begins to write: on Android 4.3 nothing else would stop "+
			"it on a wrong phone.")
	case len(only) > 0:
		refuse(listed(s.Devices), "metadata is for %s but the script accepts %s; it would stop on %s.", listed(devices),
			listed(s.Devices), listed(only))
	case len(devices) > 0:
		judgeMore(without(s.Devices, devices), devices, c, refuse, fs)
	}
}

// judgeMore looks at what the script accepts beside the devices of the metadata: other names of them are welcome, other
// models are not, and of what nobody knows a person decides.
func judgeMore(more, devices []string, c *manifests.Catalogue, refuse func(string, string, ...any), fs *Findings) {
	var unknown, models []string
	for _, name := range more {
		switch {
		case c == nil:
			unknown = append(unknown, name)
		case slices.ContainsFunc(devices, func(d string) bool { return isName(c, d, name) }):
		case known(c, name):
			models = append(models, name)
		default:
			unknown = append(unknown, name)
		}
	}
	if len(models) > 0 {
		refuse(listed(models), "metadata is for %s but the script accepts %s as well, which is another model.", listed(devices),
			listed(models))
	}
	if len(unknown) > 0 {
		fs.add(Finding{Code: DevAssert, Level: Approve, Found: listed(unknown), Wanted: listed(devices),
			Fix: "Have a second person agree that these are other names of the same phones.",
			Message: fmt.Sprintf("The script also accepts %s, which metadata does not name; whether that is another name of "+
				"%s is not known here.", listed(unknown), listed(devices))})
	}
}

// known says if the catalogue has a model that is called name.
func known(c *manifests.Catalogue, name string) bool {
	return slices.ContainsFunc(c.Models(), func(m manifests.Model) bool { return isName(c, m.Device, name) })
}

// isName says if name is another name of a device: of its image, its variants or its package files.
func isName(c *manifests.Catalogue, device, name string) bool {
	m, ok := c.Model(device)
	return ok && (name == device || slices.Contains(slices.Concat(m.Variants, m.ROMNames, m.Numbers), name))
}

// unclear lists the first of the conditions that are not understood.
func (s *ScriptFacts) unclear() string {
	const most = 3
	var parts []string
	for _, part := range s.Unclear[:min(most, len(s.Unclear))] {
		parts = append(parts, show(part))
	}
	text := strings.Join(parts, " and ")
	if n := len(s.Unclear) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

func listed(d []string) string { return show(strings.Join(d, "|")) }

// without is a less what is in b.
func without(a, b []string) (rest []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			rest = append(rest, s)
		}
	}
	return rest
}
