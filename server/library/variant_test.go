// SPDX-License-Identifier: Apache-2.0

package library_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/server/library"
	kit "landed/server/servertest"
)

// No variant is guessed: the image of one country must not go to the phones of another.
func TestVariantOf(t *testing.T) {
	const of2014, of2023 = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys", "Xiaomi/fuxi_global/fuxi:13/T/V14:user/release-keys"
	both := []string{"armani", "dior"}
	for _, tt := range []struct {
		name, model, image string
		devices            []string
		file, fingerprint  string
		want               string
	}{
		{"its own image", "armani", "armani_global", both, "x.zip", of2014, "armani_global"},
		{"the image of the other", "dior", "armani_global", both, "x.zip", of2014, "dior_global"},
		{"the Chinese image of the other", "dior", "armani", both, "x.zip", of2014, "dior"},
		{"a device whose name begins like another", "armani", "cancro_lte_ct", []string{"cancro", "cancro_lte_ct", "armani"}, "x.zip", of2014, "armani"},
		{"an ending that the model does not have", "armani", "HM2013023_sg", []string{"HM2013023", "armani"}, "x.zip", of2014, ""},
		{"and the file name says it", "armani", "HM2013023_sg", []string{"HM2013023", "armani"}, "miui_HM1SWCGlobal_1.zip", of2014, "armani_global"},
		{"an ending of no device", "dior", "armanix_global", both, "x.zip", of2014, ""},
		{"a model with one variant", "taurus", "armani_global", []string{"armani", "taurus"}, "x.zip", of2014, "taurus"},
		{"an image that says nothing", "armani", "", both, "x.zip", of2014, ""},
		{"and the file name speaks", "armani", "", both, "miui_HM1SWC_1.zip", of2014, "armani"},
		{"the product of a current fingerprint", "fuxi", "", []string{"fuxi"}, "x.zip", of2023, "fuxi_global"},
		{"the bare product of a current fingerprint", "fuxi", "", []string{"fuxi"}, "x.zip", strings.Replace(of2023, "fuxi_global", "fuxi", 1), "fuxi"},
		{"a product of no variant", "fuxi", "", []string{"fuxi"}, "x.zip", strings.Replace(of2023, "fuxi_global", "fuxi_eea", 1), ""},
		{"one device, another variant", "armani", "armani_eea", []string{"armani"}, "x.zip", of2014, "armani_eea"},
	} {
		m, ok := manifests.DefaultCatalogue().Model(tt.model)
		if !ok {
			t.Fatal(tt.model)
		}
		facts := otapkg.Facts{Variant: tt.image, PreDevices: tt.devices}
		if got := library.VariantOf(m, facts, tt.file, tt.fingerprint); got != tt.want {
			t.Errorf("%s: %q, wanted %q", tt.name, got, tt.want)
		}
	}
}

func TestUnknownVariantIsRefused(t *testing.T) {
	h := kit.New(t)
	b := kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(t)
	b.Also, b.Variant = []string{"dior"}, "armani_sg"
	body := kit.OK(fixtures.Bytes(b, kit.OTAKey))(t)
	_, err := h.Library.Upload(h.Ctx, library.Incoming{Name: "x.zip", Channel: "stable", By: "ann"}, bytes.NewReader(body))
	refused, is := errors.AsType[*library.Refused](err)
	if !is {
		t.Fatalf("got %v", err)
	}
	var said []string
	for _, f := range refused.Findings {
		if f.Code == otapkg.DevUnknown {
			said = append(said, f.Message+" "+f.Fix)
		}
	}
	words := strings.Join(said, "\n")
	for _, want := range []string{"`armani_sg`", "which image of dior it is: dior or dior_global", "miui_HMNoteLTEGlobal_….zip for dior_global", "mod_device"} {
		if !strings.Contains(words, want) {
			t.Errorf("%q is not in %s", want, words)
		}
	}
	if n := h.Contents(); n != 0 {
		t.Errorf("%d things were stored", n)
	}
}
