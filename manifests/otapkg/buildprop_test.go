// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"slices"
	"testing"
)

func TestVariantComesFromTheImage(t *testing.T) {
	for text, want := range map[string]string{
		"ro.product.device=armani\nro.product.mod_device=armani_global\n": "armani_global",
		"ro.product.mod_device=a\nro.product.mod_device=b\n":              "a",
		"ro.product.mod_device=../x\n":                                    "",
		"#ro.product.mod_device=armani\n":                                 "",
		"":                                                                "",
	} {
		if got := parseBuildProp([]byte(text)).variant(); got != want {
			t.Errorf("%q: got %q, wanted %q", text, got, want)
		}
	}
}

// TestBuildOfTheImage: what the metadata promise is held against what the image says of itself.
func TestBuildOfTheImage(t *testing.T) {
	const old, patched = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBF38.0:user/release-keys",
		"Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys"
	for _, c := range []struct {
		name, prop string
		devices    []string
		want       []Level
	}{
		{"one build", "ro.build.fingerprint=" + patched + "\nro.build.date.utc=1407600000\n", []string{"armani"}, nil},
		{"it does not say", "ro.product.device=armani\n", []string{"armani"}, nil},
		{"the image of an older build", "ro.build.fingerprint=" + old + "\nro.build.date.utc=1404000000\n", []string{"armani"},
			[]Level{Refuse, Refuse}},
		{"the first counts", "ro.build.fingerprint=" + old + "\nro.build.fingerprint=" + patched + "\n", []string{"armani"}, []Level{Refuse}},
		{"an image for two devices", "ro.build.fingerprint=" + old + "\n", []string{"armani", "dior"}, []Level{Approve}},
	} {
		var found Findings
		f := Facts{PreDevices: c.devices, PostBuild: []string{patched}, PostTimestamp: 1_407_600_000}
		judgeBuildProp(parseBuildProp([]byte(c.prop)), &f, &found)
		var got []Level
		for _, one := range found {
			if got = append(got, one.Level); one.Code != MetaSplit {
				t.Errorf("%s: %v", c.name, one)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, wanted %v", c.name, got, c.want)
		}
	}
}
