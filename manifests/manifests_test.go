// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"strings"
	"testing"
)

func TestDefaultCatalogueHoldsTheLineUp(t *testing.T) {
	c := DefaultCatalogue()
	for _, device := range []string{"armani", "HM2013023", "lcsh92_wet_jb9", "dior", "cancro", "pisces"} {
		m, ok := c.Model(device)
		if !ok || !m.Profile.LegacyRecovery || m.Profile.Family != "file" {
			t.Errorf("%s: got %+v, found %v; wanted a legacy file-based model", device, m, ok)
		}
		if back, ok := c.ByRole(m.Role()); !ok || back.Device != device {
			t.Errorf("role %s leads to %q", m.Role(), back.Device)
		}
		if !roleName.MatchString(m.Role()) {
			t.Errorf("%s: role %q is read differently by different TUF clients", device, m.Role())
		}
	}
	if m, ok := c.Model("fuxi"); !ok || m.Profile.Family != "ab" {
		t.Errorf("fuxi: got %+v, found %v; wanted an A/B model", m, ok)
	}
	if _, ok := c.Model("armani "); ok {
		t.Error("a name with a blank is another name")
	}
}

func TestCatalogueRefuses(t *testing.T) {
	const good = "{device: a1, product: P, numbers: [], rom_names: [], variants: [a1], android: '4', profile: {family: file, " +
		"legacy_recovery: true}}"
	tests := map[string]struct{ text, wants string }{
		"unknown key":  {"schema: 1\nmodels: [" + strings.Replace(good, "product", "produkt", 1) + "]", "produkt"},
		"other schema": {"schema: 3\nmodels: [" + good + "]", "schema is 3"},
		"nothing":      {"schema: 1\nmodels: []", "no model"},
		"digit first":  {"schema: 1\nmodels: [" + strings.Replace(good, "device: a1", "device: 7110", 1) + "]", "7110"},
		"family":       {"schema: 1\nmodels: [" + strings.Replace(good, "family: file", "family: tar", 1) + "]", "profile.family"},
		"no variant":   {"schema: 1\nmodels: [" + strings.Replace(good, "variants: [a1]", "variants: []", 1) + "]", "no variant"},
		"role taken": {"schema: 1\nmodels: [" + good + "," + strings.Replace(good, "device: a1", "device: A1", 1) + "]",
			"share the role name"},
		"the offers role":   {"schema: 1\nmodels: [" + strings.Replace(good, "device: a1", "device: a1-offers", 1) + "]", "-offers"},
		"two documents":     {"schema: 1\nmodels: [" + good + "]\n---\nschema: 1\nmodels: []", "more than one YAML document"},
		"broken at the end": {"schema: 1\nmodels: [" + good + "]\n---\n{", "more than one YAML document"},
		"nothing at all":    {"", "is empty"},
		"not YAML at all":   {"\x00", "catalogue"},
		"hostile variants":  {"schema: 1\nmodels: [" + strings.Replace(good, "variants: [a1]", "variants: ['../x']", 1) + "]", "../x"},
	}
	if _, err := ParseCatalogue([]byte("schema: 1\nmodels: [" + good + "]")); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCatalogue([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.wants) {
				t.Errorf("got %v, wanted words about %q", err, tt.wants)
			}
		})
	}
}
