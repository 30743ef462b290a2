// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/effect/probe"
)

var digest = strings.Repeat("ab", 32)

func exampleManifest() Manifest {
	return Manifest{
		Schema: 2, Release: "a-fix", Model: "armani", Variant: "armani_global", Channel: "stable", Counter: 1,
		Build:   Build{"Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys", "JHCMIBH45.0", 1407628800},
		Package: Package{"builds/armani/x.zip", 1234, digest}, Effect: "app-list-upload-off",
		Ask: probe.Ask{Probes: []probe.Probe{{Name: "boot", Kind: probe.KindBool}}, Triggers: []string{"boot"}, Hours: 24,
			Migration: probe.MigrationLeave},
		EffectDocument: &Package{"builds/armani/a-fix.effect.json", 10, digest},
		NotesDocument:  &Package{"builds/armani/a-fix.notes.json", 10, digest},
	}
}

// manifestOf1 is a manifest as the program before effects were data wrote it.
const manifestOf1 = `{"schema":1,"release":"miui-cloud-messaging-opt-in","model":"armani","variant":"armani","channel":"stable",
"counter":1,"build":{"fingerprint":"Xiaomi/armani/armani:4.3/JLS36C/JHCCNBF45.0:user/release-keys","incremental":"JHCCNBF45.0","utc":1407628800},
"package":{"path":"builds/armani/x.zip","length":12,"sha256":"abababababababababababababababababababababababababababababababab"},
"effect":{"name":"cloud-messaging-opt-in","feature":1,"migration":"switch_off","prompt_day":"2014-08-01"},"notes":{"en":"Off."}}`

func TestManifestRoundTrip(t *testing.T) {
	old, err := ParseManifest([]byte(manifestOf1))
	if err != nil {
		t.Fatal(err)
	}
	if old.Effect != "cloud-messaging-opt-in" || old.Ask.PromptDay != "2014-08-01" || old.Notes["en"] != "Off." {
		t.Errorf("schema 1 reads as %+v", old)
	}
	plain := exampleManifest()
	plain.Effect, plain.Ask, plain.EffectDocument = "", probe.Ask{}, nil
	for _, m := range []Manifest{exampleManifest(), plain, old} {
		got, err := ParseManifest(m.Bytes())
		if diff := cmp.Diff(m, got); diff != "" || err != nil {
			t.Errorf("schema %d: %v %s", m.Schema, err, diff)
		}
	}
}

func TestManifestRefuses(t *testing.T) {
	tests := map[string]struct {
		alter func(*Manifest)
		wants string
	}{
		"ask without effect":    {func(m *Manifest) { m.Effect, m.EffectDocument = "", nil }, "without an effect"},
		"effect not bound":      {func(m *Manifest) { m.EffectDocument = nil }, "effect_document"},
		"notes not bound":       {func(m *Manifest) { m.NotesDocument = nil }, "notes_document"},
		"a probe of no kind":    {func(m *Manifest) { m.Ask.Probes[0].Kind = "text" }, "wanted int, bool or enum"},
		"a trigger not asked":   {func(m *Manifest) { m.Ask.Triggers = []string{"sim"} }, "trigger"},
		"channel":               {func(m *Manifest) { m.Channel = "Stable!" }, "channel"},
		"a later schema":        {func(m *Manifest) { m.Schema = 3 }, "schema is 3"},
		"a digest of the notes": {func(m *Manifest) { m.NotesDocument.SHA256 = "x" }, "notes_document.sha256"},
	}
	for name, tt := range tests {
		m := exampleManifest()
		m.Ask.Probes = append([]probe.Probe{}, m.Ask.Probes...)
		tt.alter(&m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), tt.wants) {
			t.Errorf("%s: got %v, wanted words about %q", name, err, tt.wants)
		}
	}
}

// TestManifestsOfTheFuture: a handset reads what it knows, a publisher wants to know all.
func TestManifestsOfTheFuture(t *testing.T) {
	text := bytes.Replace(exampleManifest().Bytes(), []byte(`{"schema"`), []byte(`{"battery":{"min":30},"schema"`), 1)
	if _, err := ReadManifest(text); err != nil {
		t.Errorf("a handset: %v", err)
	}
	if _, err := ParseManifest(text); err == nil {
		t.Error("a signer passed over what it does not know")
	}
}

func TestCustom(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want Custom
	}{
		"schema 1": {`{"model":"armani","variant":"armani","channel":"stable","release":"r","counter":1,"build":{"fingerprint":"f","incremental":"i","utc":2},
			"effect":{"name":"cloud-messaging-opt-in","feature":1,"migration":"leave","prompt_day":"2014-08-01"}}`,
			Custom{Schema: 1, Model: "armani", Variant: "armani", Channel: "stable", Release: "r", Counter: 1, Build: Build{"f", "i", 2},
				Effect: "cloud-messaging-opt-in"}},
		"schema 2": {`{"schema":2,"model":"armani","variant":"armani","channel":"stable","release":"r","counter":1,"build":{"fingerprint":"f","incremental":"i","utc":2},"effect":"e","manifest":"` + digest + `","later":[1]}`,
			Custom{Schema: 2, Model: "armani", Variant: "armani", Channel: "stable", Release: "r", Counter: 1, Build: Build{"f", "i", 2},
				Effect: "e", Manifest: digest}},
	} {
		got, err := ParseCustom([]byte(tt.text))
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	if _, err := ParseCustom([]byte(`{"effect":7}`)); err == nil {
		t.Error("an effect that is a number was read")
	}
	m := exampleManifest()
	if c := m.Custom(digest); c.Manifest != digest || c.Effect != m.Effect || c.Schema != CustomSchema {
		t.Errorf("got %+v", c)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(exampleManifest().Bytes())
	f.Add([]byte(manifestOf1))
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
