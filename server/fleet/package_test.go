// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"testing"

	"landed/server/fleet"
)

func TestPackageRefs(t *testing.T) {
	for text, want := range map[string]fleet.PackageRef{
		"ab":               {SHA256: "ab"},
		"ab/armani/stable": {SHA256: "ab", Model: "armani", Channel: "stable"},
	} {
		got, err := fleet.ParsePackageRef(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q is read as %+v, %v, and written as %q", text, got, err, got)
		}
	}
	for _, text := range []string{"", "/", "ab/armani", "ab//stable", "/armani/stable", "ab/armani/", "ab/a/b/c"} {
		if got, err := fleet.ParsePackageRef(text); !fleet.Is(err, fleet.Invalid) {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
}

func FuzzPackageRef(f *testing.F) {
	f.Add("ab/armani/stable")
	f.Add("ab")
	f.Fuzz(func(t *testing.T, text string) {
		if ref, err := fleet.ParsePackageRef(text); err == nil && ref.String() != text {
			t.Errorf("%q became %q", text, ref)
		}
	})
}
