// SPDX-License-Identifier: Apache-2.0

package library

import (
	"fmt"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/otapkg"
)

// variantOf says which image variant a package of m is for; "" if nothing in it does, for a guess could send the image
// of one country to the phones of another. The image itself says it best; that of another device of the package by the
// end of its name (armani_global is for dior what dior_global is). An image that is packed into partitions is not read
// at upload, so there the word in the file name counts (miui_FUXIGlobal_…), then the product in the fingerprint:
// brand/PRODUCT/device:…. A model with one variant has that.
func variantOf(m manifests.Model, facts otapkg.Facts, name, fingerprint string) string {
	if facts.Variant != "" && (len(facts.PreDevices) == 1 || m.HasVariant(facts.Variant)) {
		return facts.Variant
	}
	if ending, ok := endingOf(facts.Variant, facts.PreDevices); ok && m.HasVariant(m.Device+ending) {
		return m.Device + ending
	}
	if len(m.Variants) == 1 {
		return m.Variants[0]
	}
	if parts := strings.Split(name, "_"); len(parts) > 1 && len(m.ROMNames) == len(m.Variants) {
		if i := slices.Index(m.ROMNames, parts[1]); i >= 0 {
			return m.Variants[i]
		}
	}
	if facts.Variant != "" {
		return "" // the image says something else, and its fingerprint is no more exact
	}
	if parts := strings.Split(fingerprint, "/"); len(parts) > 1 && m.HasVariant(parts[1]) && tells(m, parts[1]) {
		return parts[1]
	}
	return ""
}

// tells says if a product in a fingerprint tells the variants of m apart: in 2014 all of them bore the device's name.
func tells(m manifests.Model, product string) bool {
	return !m.Profile.LegacyRecovery || product != m.Device
}

// endingOf is what follows the name of one of the devices in the variant of an image: "" or "_global".
func endingOf(variant string, devices []string) (ending string, ok bool) {
	longest := 0
	for _, d := range devices {
		rest, begins := strings.CutPrefix(variant, d)
		if begins && len(d) > longest && (rest == "" || rest[0] == '_') {
			longest, ending, ok = len(d), rest, true
		}
	}
	return ending, ok
}

// noVariant refuses a package that may be for any of several images of m.
func noVariant(m manifests.Model, facts otapkg.Facts) otapkg.Finding {
	f := otapkg.Finding{Code: otapkg.DevUnknown, Level: otapkg.Refuse, Found: "no variant", Wanted: strings.Join(m.Variants, ", "),
		Message: fmt.Sprintf("Nothing in the package says which image of %s it is: %s.", m.Device, strings.Join(m.Variants, " or "))}
	f.Fix = "Build the image with ro.product.mod_device in system/build.prop."
	if len(m.ROMNames) == len(m.Variants) {
		f.Fix = fmt.Sprintf("Name the file as the release tools do, miui_%s_….zip for %s; or build the image with "+
			"ro.product.mod_device in system/build.prop.", m.ROMNames[len(m.ROMNames)-1], m.Variants[len(m.Variants)-1])
	}
	if facts.Variant != "" {
		f.Found = facts.Variant
		f.Message = fmt.Sprintf("The image says that it is `%s`, and that does not say which image of %s it is: %s.",
			facts.Variant, m.Device, strings.Join(m.Variants, " or "))
	}
	return f
}
