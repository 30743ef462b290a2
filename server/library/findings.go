// SPDX-License-Identifier: Apache-2.0

package library

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/server/fleet"
)

// Refused is the answer to a package that may not be used: every finding, and nothing stored.
type Refused struct {
	Findings otapkg.Findings
	Facts    otapkg.Facts
}

// Error counts the reasons and names the first.
func (r *Refused) Error() string { return r.Unwrap().Error() }

// Unwrap gives the error that doors know how to answer.
func (r *Refused) Unwrap() error {
	var reasons []string
	for _, f := range r.Findings {
		if f.Level == otapkg.Refuse {
			reasons = append(reasons, f.Message)
		}
	}
	if len(reasons) == 1 {
		return fleet.Errorf(fleet.Invalid, "package_refused", "the package is refused and nothing was stored: %s", reasons[0])
	}
	return fleet.Errorf(fleet.Invalid, "package_refused", "the package is refused for %d reasons and nothing was "+
		"stored. The first: %s", len(reasons), reasons[0])
}

// Extend gives programs the findings.
func (r *Refused) Extend() map[string]any {
	return map[string]any{"findings": r.Findings, "facts": r.Facts}
}

// known is what the server already holds when a package arrives.
type known struct {
	packages []fleet.Package
	patched  map[string]time.Time // by device: the first day on which a build of it could ask for consent
}

// judge adds what only the server can find: it compares the package with what is here.
func (k known) judge(p fleet.Package, facts otapkg.Facts) otapkg.Findings {
	var fs otapkg.Findings
	add := func(code otapkg.Code, level otapkg.Level, found, wanted, fix, format string, args ...any) {
		fs = append(fs, otapkg.Finding{Code: code, Level: level, Found: found, Wanted: wanted, Fix: fix,
			Message: fmt.Sprintf(format, args...)})
	}
	built := time.Unix(p.Build.UTC, 0).UTC().Format(time.DateOnly)
	full := false
	for _, other := range k.packages {
		if other.Model != p.Model {
			continue
		}
		if other.Name == p.Name && other.Ref() != p.Ref() {
			add(otapkg.VerSame, otapkg.Refuse, p.Name, other.Name, "Rename the file.",
				"A file named %s is here already, with the build %s. Two files of one model cannot share a name.", p.Name, other.Build.Incremental)
		}
		if other.Variant != p.Variant || other.SHA256 == p.SHA256 {
			continue
		}
		same := other.Build.Fingerprint == p.Build.Fingerprint
		switch {
		case other.Channel != p.Channel:
			if f, differs := twoOfOneVersion(p, facts, other); same && differs {
				fs = append(fs, f)
			}
		case same:
			full = full || len(other.PreBuilds) == 0
			if f, stands := sameBuild(p, facts, other); stands {
				fs = append(fs, f)
			}
		case other.Build.UTC >= p.Build.UTC && !fs.Has(otapkg.VerOld):
			add(otapkg.VerOld, otapkg.Refuse, minute(p.Build.UTC), "after "+minute(other.Build.UTC), "Upload the newer build.",
				"Build %s for %s is of %s, and build %s of %s is here on %s already; it wants a newer build.",
				p.Build.Incremental, p.Variant, minute(p.Build.UTC), other.Build.Incremental, minute(other.Build.UTC), p.Channel)
		}
	}
	if day, ok := k.patched[p.Model]; ok && time.Unix(p.Build.UTC, 0).Before(day) {
		add(otapkg.DownUnpatch, otapkg.Refuse, built, day.Format(time.DateOnly), "Build it again from the patched tree.",
			"This build is of %s; a published release promises what no build of %s before %s can have. "+
				"Offering it would undo the fix.", built, p.Model, day.Format(time.DateOnly))
	}
	if facts.Incremental && !full {
		fs = append(fs, alone(p))
	}
	return fs
}

// minute is a build time for people; two builds of one day are told apart by it.
func minute(utc int64) string { return time.Unix(utc, 0).UTC().Format("2006-01-02 15:04 UTC") }

// target is one model that a package is for.
type target struct {
	model   manifests.Model
	variant string
	build   manifests.Build // afterwards
	found   otapkg.Findings // about this model
}

// identify reads from the facts whom the package is for, one target for each device that it names, and finds what
// forbids an answer. That a device is not known, or that none is named, [otapkg.Inspect] has found already.
func identify(c *manifests.Catalogue, facts otapkg.Facts, name string) (targets []target) {
	for i, device := range facts.PreDevices {
		if m, known := c.Model(device); known && !slices.Contains(facts.PreDevices[:i], device) {
			t := target{model: m}
			t.found = t.read(facts, name)
			targets = append(targets, t)
		}
	}
	return targets
}

// read takes the variant and the build of one model from the facts.
func (t *target) read(facts otapkg.Facts, name string) (fs otapkg.Findings) {
	m := t.model
	refuse := func(code otapkg.Code, found, wanted, fix, format string, args ...any) {
		fs = append(fs, otapkg.Finding{Code: code, Level: otapkg.Refuse, Found: found, Wanted: wanted, Fix: fix,
			Message: fmt.Sprintf(format, args...)})
	}
	if string(facts.Family) != m.Profile.Family && facts.Family != "" {
		refuse(otapkg.MetaType, string(facts.Family), m.Profile.Family, "Upload the package that the updater of this "+
			"model installs.", "%s installs packages of the family %q; this one is %q.", m.Product, m.Profile.Family, facts.Family)
	}
	if len(facts.PostBuild) == 0 {
		return fs
	}
	post := postBuilds(m, facts)
	if len(post) != 1 {
		refuse(otapkg.MetaFP, strings.Join(facts.PostBuild, "|"), "one post-build for each device", "Give post-build "+
			"one fingerprint for each device of pre-device.", "The package has %d builds afterwards, and %d of them are for %s.",
			len(facts.PostBuild), len(post), m.Device)
		return fs
	}
	if facts.PostTimestamp <= lastTime { // else nothing can be compared with it, and it is refused for that
		t.build = manifests.Build{Fingerprint: post[0], Incremental: incremental(post[0]), UTC: facts.PostTimestamp}
	}
	t.variant = variantOf(m, facts, name, post[0])
	if t.variant == "" {
		fs = append(fs, noVariant(m, facts))
	} else if !m.HasVariant(t.variant) {
		refuse(otapkg.DevUnknown, t.variant, strings.Join(m.Variants, ", "), "Add the variant to the model (otactl model "+
			"add), if it is right.", "The image is of the variant `%s`, which %s is not known to have.%s",
			t.variant, m.Device, didYouMean(t.variant, m.Variants))
	}
	return fs
}

// postBuilds are the builds that m may have afterwards: the only one, or those whose fingerprint names the device; of
// several variants that of the image.
func postBuilds(m manifests.Model, facts otapkg.Facts) []string {
	if len(facts.PostBuild) == 1 {
		return facts.PostBuild
	}
	var own, ofImage []string
	for _, text := range facts.PostBuild {
		if fp, ok := otapkg.ParseFingerprint(text); ok && fp.Device == m.Device {
			own = append(own, text)
			if fp.Product == facts.Variant {
				ofImage = append(ofImage, text)
			}
		}
	}
	if len(own) > 1 && len(ofImage) == 1 {
		return ofImage
	}
	return own
}

// incremental is the version label in a fingerprint: brand/product/device:release/id/INCREMENTAL:type/tags.
func incremental(fingerprint string) string {
	halves := strings.SplitN(fingerprint, ":", 3)
	if len(halves) < 2 {
		return ""
	}
	return halves[1][strings.LastIndexByte(halves[1], '/')+1:]
}

func didYouMean(found string, names []string) string {
	for _, n := range names {
		if strings.EqualFold(strings.TrimSpace(found), n) {
			return fmt.Sprintf(" Did you mean `%s`?", n)
		}
	}
	return ""
}
