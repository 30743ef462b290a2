// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	fixtures "landed/firmware-fixtures"
)

// backend opens a handset of a style, and opens it again as after a restart (nil if it cannot).
type backend struct {
	open   func(t *testing.T, style Style, sold fixtures.Build) *Device
	reopen func(t *testing.T, style Style) *Device
}

func backends(t *testing.T) map[string]backend {
	dir := t.TempDir()
	var cache Cache
	return map[string]backend{
		"folder": {
			func(t *testing.T, style Style, sold fixtures.Build) *Device {
				return must(Open(dir, style, sold.SystemFiles()))(t)
			},
			func(t *testing.T, style Style) *Device { return must(Open(dir, style, nil))(t) },
		},
		"memory": {
			func(t *testing.T, style Style, sold fixtures.Build) *Device {
				return must(Memory(style, &cache, sold.SystemFiles()))(t)
			}, nil,
		},
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func buildOf(t *testing.T, model string, kind fixtures.Kind) fixtures.Build {
	t.Helper()
	return must(fixtures.BuildOf(model, kind))(t)
}

func packageOf(t *testing.T, b fixtures.Build) Package {
	t.Helper()
	content := must(fixtures.Bytes(b, fixtures.TestKey()))(t)
	path := filepath.Join(t.TempDir(), "download.zip")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return Package{Reader: bytes.NewReader(content), Size: int64(len(content)), SHA256: fmt.Sprintf("%x", sha256.Sum256(content)), Path: path}
}

// TestConformance is what every backend must do, in both styles.
func TestConformance(t *testing.T) {
	for style, model := range map[Style]string{Recovery: "armani", AB: "fuxi"} {
		for name := range backends(t) {
			t.Run(fmt.Sprintf("%s %s", style, name), func(t *testing.T) {
				conform(t, func(t *testing.T) backend { return backends(t)[name] }, style, model)
			})
		}
	}
}

func conform(t *testing.T, fresh func(*testing.T) backend, style Style, model string) {
	old, fix := buildOf(t, model, fixtures.Unpatched), buildOf(t, model, fixtures.Patched)
	p := packageOf(t, fix)
	runs := func(t *testing.T, d *Device, want fixtures.Build) {
		t.Helper()
		img := must(d.Image())(t)
		if img.Build.Fingerprint != want.Fingerprint || img.Build.Variant != want.Variant || img.Build.UTC != want.UTC {
			t.Errorf("runs %+v, wanted %s", img.Build, want.Fingerprint)
		}
		if conf := must(fs.ReadFile(img.System, ConfFile))(t); !bytes.Equal(conf, want.Config.Text()) {
			t.Errorf("the configuration is not that of %s", want.Fingerprint)
		}
	}
	t.Run("install, boot, mark successful", func(t *testing.T) {
		b := fresh(t)
		d := b.open(t, style, old)
		runs(t, d, old)
		if err := d.Install(p); err != nil {
			t.Fatal(err)
		}
		if b.reopen != nil {
			d = b.reopen(t, style)
		}
		runs(t, d, old)
		if err := d.MarkSuccessful(); style == AB && err == nil {
			t.Error("a system was marked successful that was never booted")
		}
		img := must(d.Boot())(t)
		if img.Package != p.SHA256 || !d.Unproven() {
			t.Errorf("booted %q, unproven %v", img.Package, d.Unproven())
		}
		runs(t, d, fix)
		if err := d.MarkSuccessful(); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			must(d.Boot())(t)
		}
		runs(t, d, fix)
		if d.Rollback() == nil {
			t.Error("a proven system was rolled back")
		}
	})
	t.Run("fall back after three boots", func(t *testing.T) {
		d := fresh(t).open(t, style, old)
		if err := d.Install(p); err != nil {
			t.Fatal(err)
		}
		for range BootAttempts {
			must(d.Boot())(t)
			runs(t, d, fix)
		}
		must(d.Boot())(t)
		runs(t, d, old)
		if d.Unproven() {
			t.Error("the old system is taken for unproven")
		}
	})
	t.Run("installed again before the boot", func(t *testing.T) {
		for name, again := range map[string]Package{"the same": p, "another": packageOf(t, buildOf(t, model, fixtures.Bad))} {
			b := fresh(t)
			d := b.open(t, style, old)
			if err := d.Install(p); err != nil {
				t.Fatal(err)
			}
			if b.reopen != nil { // killed before it could note that the package was installed
				d = b.reopen(t, style)
			}
			if err := d.Install(again); err != nil {
				t.Fatal(err)
			}
			for range BootAttempts {
				if img := must(d.Boot())(t); img.Package != again.SHA256 {
					t.Errorf("%s: another system comes up", name)
				}
			}
			if img := must(d.Boot())(t); img.Build.Fingerprint != old.Fingerprint { // it did not come up
				t.Errorf("%s: %s runs, wanted the system that was there", name, img.Build.Fingerprint)
			}
		}
	})
	t.Run("nothing is written over the last proven system", func(t *testing.T) {
		d := fresh(t).open(t, style, old)
		if err := d.Install(p); err != nil {
			t.Fatal(err)
		}
		must(d.Boot())(t)
		err := d.Install(packageOf(t, buildOf(t, model, fixtures.Bad)))
		if err == nil {
			_, err = d.Boot()
		}
		if err == nil {
			t.Error("a system that was never marked successful was taken for one to fall back on")
		}
		if err := d.Rollback(); err != nil {
			t.Fatal(err)
		}
		runs(t, d, old)
	})
	t.Run("a state that cannot be written is not taken for written", func(t *testing.T) {
		d := fresh(t).open(t, style, old)
		if err := d.Install(p); err != nil {
			t.Fatal(err)
		}
		must(d.Boot())(t)
		kept := d.keep
		d.keep = unwritable{kept}
		if d.MarkSuccessful() == nil || !d.Unproven() {
			t.Error("marked successful in memory alone")
		}
		if d.Rollback() == nil || d.Active() != "b" {
			t.Error("rolled back in memory alone")
		}
		d.keep = kept
		if err := d.MarkSuccessful(); err != nil || d.Unproven() {
			t.Errorf("not marked: %v", err)
		}
	})
	t.Run("rollback at once", func(t *testing.T) {
		d := fresh(t).open(t, style, old)
		if err := d.Install(p); err != nil {
			t.Fatal(err)
		}
		must(d.Boot())(t)
		if err := d.Rollback(); err != nil {
			t.Fatal(err)
		}
		runs(t, d, old)
	})
	t.Run("older package", func(t *testing.T) {
		refused(t, fresh(t).open(t, style, fix), packageOf(t, old), CodeOlder, CodeABOlder)
	})
	t.Run("package for another device", func(t *testing.T) {
		other := map[Style]string{Recovery: "dior", AB: "armani"}[style]
		wrong := packageOf(t, buildOf(t, other, fixtures.Patched))
		refused(t, fresh(t).open(t, style, old), wrong, CodeWrongDevice, CodeInstallDevice)
	})
	t.Run("no package at all", func(t *testing.T) {
		junk := []byte("this is no zip, and long enough to be looked at")
		path := filepath.Join(t.TempDir(), "junk")
		if err := os.WriteFile(path, junk, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, fresh(t).open(t, style, old), Package{Reader: bytes.NewReader(junk), Size: int64(len(junk)), SHA256: "junk", Path: path},
			CodeScript, CodeScript)
	})
}

// unwritable is a keeper whose disk is full.
type unwritable struct{ keeper }

func (unwritable) save(state) error { return errors.New("no space left") }

// refused says that a package is refused, with its code, at the moment at which the style looks at it, and
// that what ran runs on.
func refused(t *testing.T, d *Device, p Package, recovery, ab int) {
	t.Helper()
	before := must(d.Image())(t)
	err, want := d.Install(p), ab
	if d.Style() == Recovery {
		if err != nil {
			t.Fatalf("the recovery looks at it, not the system: %v", err)
		}
		_, err = d.Boot()
		want = recovery
	}
	if err == nil || CodeOf(err) != want {
		t.Errorf("got %v (%d), wanted code %d", err, CodeOf(err), want)
	}
	if after := must(d.Boot())(t); after.Build != before.Build {
		t.Errorf("%s runs, %s ran", after.Build.Fingerprint, before.Build.Fingerprint)
	}
}

// A power cut while the recovery writes leaves its command, and it begins again.
func TestRecoveryBeginsAgain(t *testing.T) {
	dir := t.TempDir()
	d := must(Open(dir, Recovery, buildOf(t, "armani", fixtures.Unpatched).SystemFiles()))(t)
	fix := buildOf(t, "armani", fixtures.Patched)
	if err := d.Install(packageOf(t, fix)); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "b.new", "system")
	if err := os.MkdirAll(half, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(half, "build.prop"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	d = must(Open(dir, Recovery, nil))(t)
	if !d.Pending() {
		t.Fatal("the command for the recovery is gone")
	}
	if img := must(d.Boot())(t); img.Build.Fingerprint != fix.Fingerprint {
		t.Errorf("runs %s", img.Build.Fingerprint)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.TempDir(), AB, nil); err == nil {
		t.Error("slots without any system were opened")
	}
	dir := t.TempDir()
	must(Open(dir, AB, buildOf(t, "fuxi", fixtures.Unpatched).SystemFiles()))(t)
	if _, err := Open(dir, Recovery, nil); err == nil {
		t.Error("slots of another style were opened")
	}
}
