// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"landed/manifests"
)

// TestPhonesOfOthersAreInNoFigure: a model whose phones poll by the protocols of others says so, page and JSON, released or
// not; no other model does.
func TestPhonesOfOthersAreInNoFigure(t *testing.T) {
	catalogue, err := manifests.ParseCatalogue([]byte("schema: 2\nmodels:\n" +
		"  - {device: armani, product: Redmi 1S, variants: [armani], profile: {family: file, legacy_recovery: true}, " +
		"protocols: [lineageos-v1, lineageos-v2]}\n" +
		"  - {device: dior, product: Redmi Note, variants: [dior], profile: {family: file, legacy_recovery: true}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, catalogue)
	want := []manifests.Protocol{manifests.LineageOS1, manifests.LineageOS2}
	look := func(when string) {
		t.Helper()
		for role, protocols := range map[string][]manifests.Protocol{"armani": want, "dior": nil} {
			var v struct {
				Protocols []manifests.Protocol
				Others    string
			}
			if err := json.Unmarshal(h.get("/models/"+role+".json").Body.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			page := h.get("/models/" + role).Body.String()
			silent := strings.Contains(v.Others, "report nothing and are in no figure")
			if !slices.Equal(v.Protocols, protocols) || silent != (protocols != nil) || (v.Others != "") != silent ||
				strings.Contains(page, "report nothing and are in no figure") != silent ||
				strings.Contains(page, "<code>lineageos-v2</code>") != silent {
				t.Errorf("%s: %s says %v, %q", when, role, v.Protocols, v.Others)
			}
		}
	}
	look("before the first release")
	h.publish("armani", "dior")
	h.count("armani", 3, confirmedOff, beforeActive)
	look("released")
	var all struct {
		Models []struct {
			Model     string
			Protocols []manifests.Protocol
		}
	}
	if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	for _, m := range all.Models {
		if (len(m.Protocols) > 0) != (m.Model == "armani") {
			t.Errorf("on the status page %s has %v", m.Model, m.Protocols)
		}
	}
}
