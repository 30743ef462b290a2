// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
)

// damages are what a power cut or a worn disk makes of a small file.
var damages = map[string]func(whole []byte) []byte{
	"zeros":    func(whole []byte) []byte { return make([]byte, len(whole)) },
	"empty":    func([]byte) []byte { return nil },
	"cut":      func(whole []byte) []byte { return whole[:len(whole)/2] },
	"a list":   func([]byte) []byte { return []byte("[]") },
	"no slots": func([]byte) []byte { return []byte(`{"style":"ab","active":"a"}`) },
	"no style": func([]byte) []byte { return []byte(`{"active":"a","slots":{"a":{},"b":{}}}`) },
}

// A record of the slots that nobody wrote is put aside and made anew: what was installed last runs, and the one before
// is there to fall back on. Then all goes on.
func TestDamagedRecordHeals(t *testing.T) {
	old, fix := buildOf(t, "fuxi", fixtures.Unpatched), buildOf(t, "fuxi", fixtures.Patched)
	p := packageOf(t, fix)
	for name, damage := range damages {
		for _, updated := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				d := must(Open(dir, AB, old.SystemFiles()))(t)
				want := old
				if updated {
					want = fix
					if err := d.Install(p); err != nil {
						t.Fatal(err)
					}
					must(d.Boot())(t)
				}
				file := filepath.Join(dir, "slots.json")
				damaged := damage(must(os.ReadFile(file))(t))
				if err := os.WriteFile(file, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				d = must(Open(dir, AB, nil))(t)
				if d.Lost() == nil {
					t.Error("nobody hears that it was damaged")
				}
				if aside := must(os.ReadFile(file + ".damaged"))(t); !bytes.Equal(aside, damaged) {
					t.Errorf("put aside: %q", aside)
				}
				if img := must(d.Image())(t); img.Build.Fingerprint != want.Fingerprint {
					t.Errorf("%s runs, wanted %s", img.Build.Fingerprint, want.Fingerprint)
				}
				d = must(Open(dir, AB, nil))(t)
				if d.Lost() != nil {
					t.Errorf("the new record is damaged: %v", d.Lost())
				}
				if err := d.MarkSuccessful(); err != nil {
					t.Fatal(err)
				}
				if err := d.Install(p); err != nil {
					t.Fatal(err)
				}
				if img := must(d.Boot())(t); img.Package != p.SHA256 {
					t.Errorf("the next package leads to %s", img.Build.Fingerprint)
				}
			})
		}
	}
}

// What is taken for what ran has attempts like a new system: one that does not come up is left for the other.
func TestHealedSystemThatDoesNotComeUp(t *testing.T) {
	dir := t.TempDir()
	old := buildOf(t, "fuxi", fixtures.Unpatched)
	d := must(Open(dir, AB, old.SystemFiles()))(t)
	if err := d.Install(packageOf(t, buildOf(t, "fuxi", fixtures.Patched))); err != nil {
		t.Fatal(err)
	}
	for range BootAttempts + 1 { // it is given up
		must(d.Boot())(t)
	}
	if err := os.WriteFile(filepath.Join(dir, "slots.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d = must(Open(dir, AB, nil))(t)
	for range BootAttempts {
		must(d.Boot())(t)
	}
	if img := must(d.Image())(t); img.Build.Fingerprint != old.Fingerprint || d.Unproven() {
		t.Errorf("%s runs, unproven %v", img.Build.Fingerprint, d.Unproven())
	}
}

// Where no slot holds a system either, that is told.
func TestNothingToHealFrom(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "slots.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, AB, nil); err == nil || !strings.Contains(err.Error(), "no slot holds a system") {
		t.Errorf("got %v", err)
	}
}
