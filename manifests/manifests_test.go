// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	const good = "{device: a1, product: P, numbers: [], rom_names: [], variants: [a1], android: '4', profile: {family: file, legacy_recovery: true}}"
	tests := map[string]struct{ text, wants string }{
		"unknown key":       {"schema: 1\nmodels: [" + strings.Replace(good, "product", "produkt", 1) + "]", "produkt"},
		"other schema":      {"schema: 2\nmodels: [" + good + "]", "schema is 2"},
		"nothing":           {"schema: 1\nmodels: []", "no model"},
		"digit first":       {"schema: 1\nmodels: [" + strings.Replace(good, "device: a1", "device: 7110", 1) + "]", "7110"},
		"family":            {"schema: 1\nmodels: [" + strings.Replace(good, "family: file", "family: tar", 1) + "]", "profile.family"},
		"no variant":        {"schema: 1\nmodels: [" + strings.Replace(good, "variants: [a1]", "variants: []", 1) + "]", "no variant"},
		"role taken":        {"schema: 1\nmodels: [" + good + "," + strings.Replace(good, "device: a1", "device: A1", 1) + "]", "share the role name"},
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

func TestOptInRelease(t *testing.T) {
	r := OptInRelease()
	if r.Name != "miui-cloud-messaging-opt-in" || r.Effect.Feature != 1 {
		t.Fatalf("got %+v", r)
	}
	for _, tag := range Languages {
		if r.Notes[tag] == "" {
			t.Errorf("no notes in %s", tag)
		}
	}
	if got := r.EffectOn("cancro").Migration; got != MigrationLeave {
		t.Errorf("cancro migrates by %q", got)
	}
	if got := r.EffectOn("armani").Migration; got != MigrationSwitchOff {
		t.Errorf("armani migrates by %q", got)
	}
}

func TestReleaseSurvivesYAML(t *testing.T) {
	want := OptInRelease()
	text, err := want.YAML()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRelease(text)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v; %s", err, diff)
	}
	if text, err := (Release{}).YAML(); err == nil {
		t.Errorf("an empty release was written: %s", text)
	}
}

func TestReleaseRefusesAllAtOnce(t *testing.T) {
	_, err := ParseRelease([]byte("schema: 3\nrelease: 'Bad Name'\ncounter: 0\neffect: {name: x, feature: 0, migration: maybe, prompt_day: soon}\nmigration_by_model: {dior: perhaps}\nnotes: {en: hi}"))
	if err == nil {
		t.Fatal("nothing was refused")
	}
	for _, wants := range []string{"schema is 3", "Bad Name", "counter is 0", "effect.name", "effect.feature", "effect.migration", "prompt_day", "migration_by_model.dior", "notes.zh-Hans", "notes.zh-Hant"} {
		if !strings.Contains(err.Error(), wants) {
			t.Errorf("no word about %s in: %v", wants, err)
		}
	}
}

// TestReleaseIsOneDocument: what follows it would not be read, so nobody may believe that it was.
func TestReleaseIsOneDocument(t *testing.T) {
	for name, more := range map[string]string{
		"a second release": "\n---\n" + string(OptInSource()),
		"only a policy":    "\n---\nmigration_by_model: {pisces: leave}\n",
		"no YAML":          "\n---\n{",
	} {
		if _, err := ParseRelease(append(OptInSource(), more...)); err == nil || !strings.Contains(err.Error(), "more than one YAML document") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, more := range map[string]string{"an end mark": "\n...\n", "a comment": "\n# the end\n"} {
		if _, err := ParseRelease(append(OptInSource(), more...)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseRelease(nil); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("an empty file: got %v", err)
	}
}

// TestDeclarationHasItsCode: a release that does not say what its image does is refused by the code CM-DECL.
func TestDeclarationHasItsCode(t *testing.T) {
	for _, line := range []string{"  migration: switch_off\n", "  feature: 1\n"} {
		text := strings.Replace(string(OptInSource()), line, "", 1)
		if _, err := ParseRelease([]byte(text)); err == nil || !strings.Contains(err.Error(), "CM-DECL: effect."+strings.Fields(strings.ReplaceAll(line, ":", ""))[0]) {
			t.Errorf("without %q: got %v", line, err)
		}
	}
}

func exampleManifest() Manifest {
	r := OptInRelease()
	return Manifest{
		Schema: 1, Release: r.Name, Model: "armani", Variant: "armani_global", Channel: "stable", Counter: 1,
		Build:   Build{"Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys", "JHCMIBH45.0", 1407628800},
		Package: Package{"builds/armani/x.zip", 1234, strings.Repeat("ab", 32)},
		Effect:  r.EffectOn("armani"), Notes: r.Notes,
	}
}

func TestManifestRoundTrip(t *testing.T) {
	m := exampleManifest()
	got, err := ParseManifest(m.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(exampleManifest().Bytes())
	f.Add([]byte(`{"schema":1,"imei":"0"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err != nil {
			return
		}
		again, err := ParseManifest(m.Bytes())
		if err != nil || !bytes.Equal(again.Bytes(), m.Bytes()) {
			t.Fatalf("accepted, but does not survive marshalling: %v", err)
		}
	})
}

func FuzzParseRelease(f *testing.F) {
	text, _ := releases.ReadFile("releases/miui-cloud-messaging-opt-in.yaml")
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := ParseRelease(text); err == nil && r.Validate() != nil {
			t.Fatal("accepted what Validate refuses")
		}
	})
}
