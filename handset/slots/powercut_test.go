// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
)

// A power cut right after the switch leaves empty whatever was not flushed. The new system must be whole.
func TestPowerCutAfterTheSwitch(t *testing.T) {
	dir := t.TempDir()
	flushed, really := map[string]bool{}, flush
	t.Cleanup(func() { flush = really })
	flush = func(path string) error {
		flushed[strings.ReplaceAll(path, ".new", "")] = true
		return really(path)
	}
	d := must(Open(dir, AB, buildOf(t, "fuxi", fixtures.Unpatched).SystemFiles()))(t)
	fix := buildOf(t, "fuxi", fixtures.Patched)
	if err := d.Install(packageOf(t, fix)); err != nil {
		t.Fatal(err)
	}
	for _, slot := range []string{"a", "b"} {
		err := filepath.WalkDir(filepath.Join(dir, slot), func(path string, e fs.DirEntry, err error) error {
			if err != nil || flushed[path] {
				return err
			}
			t.Errorf("%s was never flushed", path)
			if e.IsDir() {
				return nil
			}
			return os.Truncate(path, 0)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !flushed[dir] {
		t.Error("the names of the slots were never flushed")
	}
	if img := must(must(Open(dir, AB, nil))(t).Boot())(t); img.Build.Fingerprint != fix.Fingerprint {
		t.Errorf("runs %s", img.Build.Fingerprint)
	}
}

// A system that was damaged on the disk is left for the other one, at once and after a restart, whether it had been
// marked successful or not.
func TestDamagedSystemIsLeft(t *testing.T) {
	for name, successful := range map[string]bool{"unproven": false, "proven": true} {
		for _, restart := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				sold := buildOf(t, "fuxi", fixtures.Unpatched)
				d := must(Open(dir, AB, sold.SystemFiles()))(t)
				fix := packageOf(t, buildOf(t, "fuxi", fixtures.Patched))
				if err := d.Install(fix); err != nil {
					t.Fatal(err)
				}
				must(d.Boot())(t)
				if successful {
					if err := d.MarkSuccessful(); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Truncate(filepath.Join(dir, "b", "system", "build.prop"), 0); err != nil {
					t.Fatal(err)
				}
				if restart {
					d = must(Open(dir, AB, nil))(t)
				}
				if img := must(d.Boot())(t); img.Build.Fingerprint != sold.Fingerprint || d.Active() != "a" {
					t.Errorf("slot %s runs %s", d.Active(), img.Build.Fingerprint)
				}
				if err := d.Install(fix); err != nil {
					t.Errorf("the package cannot be installed again: %v", err)
				}
			})
		}
	}
}

// Where the other slot holds nothing, or is damaged too, the fault is told.
func TestNoSystemLeft(t *testing.T) {
	dir := t.TempDir()
	must(Open(dir, AB, buildOf(t, "fuxi", fixtures.Unpatched).SystemFiles()))(t)
	if err := os.Truncate(filepath.Join(dir, "a", "system", "build.prop"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, AB, nil); err == nil || !strings.Contains(err.Error(), "slot a is damaged") {
		t.Errorf("got %v", err)
	}
}

// TestKilledAtEveryFlush ends the process at the n-th flush of an installation and its first boot, for every n. Whatever
// lies on the disk then: what ran runs, the update can be done again, and one that never comes up is left for what ran.
func TestKilledAtEveryFlush(t *testing.T) {
	really, writes := flush, writeFile
	t.Cleanup(func() { flush, writeFile = really, writes })
	writeFile = func(path string, content []byte, mode fs.FileMode) error {
		return errors.Join(writes(path, content, mode), flush(path)) // once its name is on the disk
	}
	for style, model := range map[Style]string{Recovery: "armani", AB: "fuxi"} {
		old, fix := buildOf(t, model, fixtures.Unpatched), buildOf(t, model, fixtures.Patched)
		p := packageOf(t, fix)
		for n, killed := 1, true; killed; n++ {
			dir := t.TempDir()
			flush = func(string) error { return nil }
			d := must(Open(dir, style, old.SystemFiles()))(t)
			left := n
			flush = func(string) error {
				if left--; left == 0 {
					panic("killed")
				}
				return nil
			}
			killed = dies(func() { _ = d.Install(p); _, _ = d.Boot() })
			flush = func(string) error { return nil }
			d = must(Open(dir, style, nil))(t)
			if img := must(d.Image())(t); img.Build.Fingerprint != old.Fingerprint && img.Package != p.SHA256 {
				t.Fatalf("%s, killed at flush %d: %s runs", style, n, img.Build.Fingerprint)
			}
			if img := must(d.Image())(t); img.Package != p.SHA256 { // its first boot was not begun
				if err := d.Install(p); err != nil {
					t.Fatalf("%s, killed at flush %d: %v", style, n, err)
				}
			}
			for range BootAttempts + 1 {
				must(d.Boot())(t)
			}
			if img := must(d.Image())(t); img.Build.Fingerprint != old.Fingerprint || d.Unproven() {
				t.Errorf("%s, killed at flush %d: after a system that does not come up %s runs", style, n, img.Build.Fingerprint)
			}
		}
	}
}

func dies(do func()) (died bool) {
	defer func() { died = recover() != nil }()
	do()
	return false
}
