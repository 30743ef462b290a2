// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The properties of system/build.prop that say what build a file-based package puts on a phone.
const (
	systemVariant     = "ro.product.mod_device" // MIUI's image variant: "armani_global"
	systemFingerprint = "ro.build.fingerprint"
	systemTime        = "ro.build.date.utc" // seconds
)

// buildProp are properties of the system that a package installs. Of equal keys the first counts, as for Android's init
// (ro properties are set once).
type buildProp map[string]string

func parseBuildProp(text []byte) buildProp {
	p := buildProp{}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if _, have := p[key]; ok && !have && slices.Contains([]string{systemVariant, systemFingerprint, systemTime}, key) {
			p[key] = value
		}
	}
	return p
}

// variant is which image variant the system is of, "" if it does not say.
func (p buildProp) variant() string {
	if v := p[systemVariant]; variantName.MatchString(v) {
		return v
	}
	return ""
}

var variantName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,40}$`)

// judgeBuildProp holds the build that the metadata name against the one that the installed system will say it is. A
// package that was put together from an old image and new metadata would be taken for the fix, and change nothing.
// An image for several devices carries the properties of one: there a person has to look.
func judgeBuildProp(p buildProp, f *Facts, fs *Findings) {
	split := func(key, found, wanted string) {
		one := Finding{Code: MetaSplit, Found: show(found), Wanted: show(wanted), Fix: "Build the package again, from one build.",
			Message: fmt.Sprintf("The system in the package says of itself %s %s, metadata says %s: they are of two builds.",
				key, show(found), show(wanted))}
		if len(f.PreDevices) > 1 {
			one.Level = Approve
		}
		fs.add(one)
	}
	if is := p[systemFingerprint]; is != "" && len(f.PostBuild) > 0 && !slices.Contains(f.PostBuild, is) {
		split(systemFingerprint, is, strings.Join(f.PostBuild, " or "))
	}
	if is := p[systemTime]; is != "" && f.PostTimestamp != 0 && is != strconv.FormatInt(f.PostTimestamp, 10) {
		split(systemTime, is, strconv.FormatInt(f.PostTimestamp, 10))
	}
}
