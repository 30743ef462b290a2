// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"strings"
	"testing"

	"landed/server/otactl/client"
)

// First digits are enough, with a model and a channel too; what is said of them is true.
func TestChosen(t *testing.T) {
	one, two := "16a87b0a9313"+strings.Repeat("0", 52), "16a87b0a"+strings.Repeat("f", 56)
	all := []client.Package{
		{SHA256: one, Model: "armani", Channel: "lab"}, {SHA256: one, Model: "armani", Channel: "lab2"},
		{SHA256: one, Model: "dior", Channel: "lab"}, {SHA256: two, Model: "dior", Channel: "stable"},
	}
	for typed, want := range map[string]string{
		"16A87B0AFF":              two + "/dior/stable",
		"16a87b0a9313/armani/lab": one + "/armani/lab",
		"16a87b0a9313…/dior/lab":  one + "/dior/lab",
		one + "/armani/lab2":      one + "/armani/lab2",
		"16a87b0a/dior/stable":    two + "/dior/stable",
		one + "/dior":             one + "/dior/lab",
		"16a87b0a9313":            "3 packages begin so",
		"16a87b0a9313/armani":     "2 packages begin so",
		"16a87b0a9313/dior/beta":  "there are packages with that SHA-256, but none for dior/beta",
		"16a87b0b":                "no package has that SHA-256",
		"16a8/armani/lab":         "at least the first 8 digits",
		"":                        "at least the first 8 digits",
	} {
		found, err := chosen(all, []string{typed})
		switch {
		case err != nil && !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v, wanted %s", typed, err, want)
		case err == nil && (len(found) != 1 || found[0].Ref() != want):
			t.Errorf("%q: %+v, wanted %s", typed, found, want)
		}
	}
}
