// SPDX-License-Identifier: Apache-2.0

package manifests

import "testing"

// FuzzParseCatalogue: what is accepted has a role for each model, and no two share one.
func FuzzParseCatalogue(f *testing.F) {
	f.Add(modelsYAML)
	f.Add([]byte("schema: 1\nmodels: [{device: a, variants: [a], profile: {family: ab}}, {device: A, variants: [a], profile: {family: ab}}]"))
	f.Add([]byte("schema: 1\nmodels: &m [{device: a, variants: *m}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCatalogue(text)
		if err != nil {
			return
		}
		for _, m := range c.Models() {
			if same, ok := c.ByRole(m.Role()); !ok || same.Device != m.Device || len(m.Variants) == 0 || len(m.faults()) > 0 {
				t.Fatalf("accepted %+v, and finds %+v", m, same)
			}
		}
	})
}
