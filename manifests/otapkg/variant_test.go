// SPDX-License-Identifier: Apache-2.0

package otapkg

import "testing"

func TestVariantComesFromTheImage(t *testing.T) {
	for text, want := range map[string]string{
		"ro.product.device=armani\nro.product.mod_device=armani_global\n": "armani_global",
		"ro.product.mod_device=a\nro.product.mod_device=b\n":              "a",
		"ro.product.mod_device=../x\n":                                    "",
		"#ro.product.mod_device=armani\n":                                 "",
		"":                                                                "",
	} {
		if got := variantOf([]byte(text)); got != want {
			t.Errorf("%q: got %q, wanted %q", text, got, want)
		}
	}
}
