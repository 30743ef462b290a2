// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"testing"

	"landed/manifests/effect/probe"
)

func shipped(t testing.TB, name string) *Program {
	t.Helper()
	e, err := ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestShippedEffects(t *testing.T) {
	if len(Shipped()) < 3 {
		t.Fatalf("only %v come with the program", Shipped())
	}
	for _, name := range Shipped() {
		p := shipped(t, name)
		if p.Effect.Name != name {
			t.Errorf("%s.yaml holds the effect %s", name, p.Effect.Name)
		}
		if err := p.Effect.Validate("en"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if bits := probe.Bits(p.Effect.Probes); bits >= probe.IMEIBits {
			t.Errorf("%s asks for %.1f bits; an IMEI takes %d", name, bits, probe.IMEIBits)
		} else {
			t.Logf("%s: %.1f bits", name, bits)
		}
	}
}
