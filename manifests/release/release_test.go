// SPDX-License-Identifier: Apache-2.0

package release

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
)

// sourceOf1 is a source as engineers wrote it while Cloud Messaging was the one effect.
const sourceOf1 = `schema: 1
release: miui-cloud-messaging-opt-in
counter: 1
effect: {name: cloud-messaging-opt-in, feature: 1, migration: switch_off, prompt_day: "2014-08-01"}
migration_by_model: {cancro: leave, dior: ask}
notes: {en: off, zh-Hans: "关", zh-Hant: "關"}
`

func TestOptIn(t *testing.T) {
	r := OptIn()
	if r.Name != "miui-cloud-messaging-opt-in" || r.EffectName() != OptInEffect {
		t.Fatalf("got %+v", r)
	}
	if diff := cmp.Diff([]string{"en", "zh-Hans", "zh-Hant"}, r.Languages()); diff != "" {
		t.Error(diff)
	}
	if got := r.AskOn("cancro").Migration; got != probe.MigrationLeave {
		t.Errorf("cancro migrates by %q", got)
	}
	if got := r.AskOn("armani").Migration; got != probe.MigrationSwitchOff {
		t.Errorf("armani migrates by %q", got)
	}
}

func TestSurvivesYAML(t *testing.T) {
	for _, text := range []string{string(OptInSource()), sourceOf1, "schema: 2\nrelease: plain\ncounter: 3\nnotes: {en: faster}\n"} {
		want, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		again, err := want.YAML()
		if err != nil && want.Schema != 1 {
			t.Fatal(err)
		}
		got, err := Parse(again)
		if want.Schema == 1 {
			continue // an effect without words in all languages cannot be written anew
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("error %v; %s", err, diff)
		}
	}
	if text, err := (Release{}).YAML(); err == nil {
		t.Errorf("an empty release was written: %s", text)
	}
}

// TestSchema1IsReadForEver: releases of the first schema are judged by the effect as data, with what they declared.
func TestSchema1IsReadForEver(t *testing.T) {
	r, err := Parse([]byte(sourceOf1))
	if err != nil {
		t.Fatal(err)
	}
	if r.Schema != 1 || r.EffectName() != OptInEffect || r.AskOn("dior").Migration != probe.MigrationAsk ||
		r.Effect.PromptDay != "2014-08-01" {
		t.Errorf("got %+v", r)
	}
	for _, bad := range []string{
		strings.Replace(sourceOf1, "feature: 1", "feature: 0", 1), strings.Replace(sourceOf1, "name: cloud", "name: club", 1),
		strings.Replace(sourceOf1, "2014-08-01", "soon", 1), strings.Replace(sourceOf1, "migration: switch_off", "migration: maybe", 1),
	} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}

// TestShippedEffectNeverChanges: releases that were published name it, and every figure was made by it. A better rule
// goes into an effect of another name. Words may change.
func TestShippedEffectNeverChanges(t *testing.T) {
	want := map[string]string{
		"cloud-messaging-opt-in": "046bd6e1cecf21ab", "build-runs": "6ad85be2d140417f", "app-list-upload-off": "4eb97d11dd0a95a6",
	}
	for _, name := range effect.Shipped() {
		e, err := effect.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		e.Words = nil
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(text))[:16]; got != want[name] {
			t.Errorf("%s: its rules have the digest %s, wanted %s", name, got, want[name])
		}
	}
}

func TestRefusesAllAtOnce(t *testing.T) {
	_, err := Parse([]byte("schema: 4\nrelease: 'Bad Name'\ncounter: 0\neffect: {use: build-runs, migration: maybe, prompt_day: soon}\n" +
		"migration_by_model: {dior: perhaps}\nnotes: {english: hi}\nquestions: [{question: {en: why}}]\n"))
	if err == nil {
		t.Fatal("nothing was refused")
	}
	for _, wants := range []string{"schema is 4", "Bad Name", "counter is 0", "migration is", "prompt_day", "migration_by_model.dior",
		"notes.english",
		"no words in english", "questions[0]"} {
		if !strings.Contains(err.Error(), wants) {
			t.Errorf("no word about %s in: %v", wants, err)
		}
	}
	for text, wants := range map[string]string{
		"effect: {use: nothing-known}":                        "no effect",
		"effect: {}":                                          "say use",
		"effect: {define: {name: x}, hours: 3}":               "inside define",
		"effect: {define: {name: x, classes: [], rules: []}}": "no class",
	} {
		if _, err := Parse([]byte("schema: 2\nrelease: r\ncounter: 1\nnotes: {en: x}\n" + text)); err == nil ||
			!strings.Contains(err.Error(), wants) {
			t.Errorf("%s: got %v, wanted words about %q", text, err, wants)
		}
	}
}

// TestOneDocument: what follows it would not be read, so nobody may believe that it was.
func TestOneDocument(t *testing.T) {
	for name, more := range map[string]string{
		"a second release": "\n---\n" + string(OptInSource()),
		"only a policy":    "\n---\nmigration_by_model: {pisces: leave}\n",
		"no YAML":          "\n---\n{",
	} {
		if _, err := Parse(append(OptInSource(), more...)); err == nil || !strings.Contains(err.Error(), "more than one YAML document") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, more := range map[string]string{"an end mark": "\n...\n", "a comment": "\n# the end\n"} {
		if _, err := Parse(append(OptInSource(), more...)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Parse(nil); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("an empty file: got %v", err)
	}
}

func TestDocuments(t *testing.T) {
	r := OptIn()
	build := effect.Build{Fingerprint: "Xiaomi/dior/dior:4.4.2/KVT49L/KHIMIBH30.0:user/release-keys", Model: "dior", Variant: "dior"}
	d, ok := r.EffectFor("dior", []effect.Build{build})
	if !ok || d.Effect.Migration != probe.MigrationAsk {
		t.Fatalf("got %v %+v", ok, d.Effect.Ask)
	}
	got, program, err := ParseEffect(d.Bytes())
	if diff := cmp.Diff(d, got); diff != "" || err != nil || program == nil {
		t.Errorf("%v %s", err, diff)
	}
	notes, err := ParseNotes(r.NotesDocument().Bytes())
	if diff := cmp.Diff(r.NotesDocument(), notes); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	m := manifests.Manifest{Schema: 2, Release: r.Name, Model: "dior", Variant: "dior", Channel: "stable", Counter: 1, Effect: r.EffectName(),
		Ask:   r.AskOn("dior"),
		Build: manifests.Build{Fingerprint: build.Fingerprint, Incremental: "KHIMIBH30.0", UTC: 1407628800},
		Package: manifests.Package{Path: "builds/dior/" + strings.Repeat("n", 90) + ".zip", Length: 1 << 33,
			SHA256: strings.Repeat("ab", 32)},
		EffectDocument: &manifests.Package{Path: "builds/dior/" + r.Name + ".effect.json", Length: 20000, SHA256: strings.Repeat("ab", 32)},
		NotesDocument:  &manifests.Package{Path: "builds/dior/" + r.Name + ".notes.json", Length: 20000, SHA256: strings.Repeat("ab", 32)}}
	if n := len(m.Bytes()); n > manifests.MaxManifest {
		t.Errorf("the handset manifest has %d bytes, wanted at most %d", n, manifests.MaxManifest)
	}
	back, err := Restore(m, d.Bytes(), r.NotesDocument().Bytes())
	if err != nil || back.Name != r.Name || back.AskOn("dior").Migration != probe.MigrationAsk || back.EffectName() != r.EffectName() {
		t.Errorf("restored as %+v, %v", back, err)
	}
}

// TestBoundsOfToday: what was signed once is read for ever, also by a program that draws its bounds tighter.
func TestBoundsOfToday(t *testing.T) {
	r := OptIn()
	r.Notes = nil
	build := effect.Build{Fingerprint: "f", Model: "dior", Variant: "dior"}
	d, _ := r.EffectFor("dior", []effect.Build{build})
	d.Effect.Probes = append(slices.Clone(d.Effect.Probes), probe.Probe{Name: "unused", Kind: probe.KindBool})
	if _, _, err := ParseEffect(d.Bytes()); err == nil {
		t.Error("an effect that asks for what nobody looks at may be signed")
	}
	if got, program, err := ParsePublishedEffect(d.Bytes()); err != nil || program == nil || !cmp.Equal(d, got) {
		t.Errorf("that was published: %v", err)
	}
	notes := r.NotesDocument().Bytes()
	if _, err := ParseNotes(notes); err == nil {
		t.Error("notes in no language may be signed")
	}
	m := manifests.Manifest{Schema: 2, Release: r.Name, Model: "dior", Counter: 1, Effect: r.EffectName(), Ask: r.AskOn("dior")}
	back, err := Restore(m, d.Bytes(), notes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := back.YAML(); err == nil {
		t.Error("a release beyond the bounds is written as one that may be published")
	}
	back.Notes = map[string]string{} // as YAML has none
	text, err := back.PublishedYAML()
	if again, errParse := ParsePublished(text); err != nil || errParse != nil || !cmp.Equal(back, again) {
		t.Errorf("restored, written and read: %v, %v, %s", err, errParse, cmp.Diff(back, again))
	}
	for what, text := range map[string]string{
		"of a later program": strings.Replace(string(d.Bytes()), `"schema": 1`, `"schema": 9`, 1),
		"of no build":        strings.Replace(string(d.Bytes()), `"fingerprint": "f"`, `"fingerprint": "f", "x": 1`, 1),
	} {
		if _, _, err := ParsePublishedEffect([]byte(text)); err == nil {
			t.Errorf("an effect document %s is read", what)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(OptInSource())
	f.Add([]byte(sourceOf1))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := Parse(text); err == nil && r.Validate() != nil {
			t.Fatal("accepted what Validate refuses")
		}
	})
}

func FuzzParseEffect(f *testing.F) {
	d, _ := OptIn().EffectFor("dior", []effect.Build{{Fingerprint: "f", Model: "dior", Variant: "dior"}})
	f.Add(d.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		if d, p, err := ParseEffect(text); err == nil && (p == nil || d.Effect.Validate() != nil) {
			t.Fatal("accepted what Validate refuses")
		}
	})
}

func FuzzParseNotes(f *testing.F) {
	f.Add([]byte(`{"schema":1,"release":"opt-in","notes":{"en":"Off until switched on."}}`))
	f.Add([]byte(`{"schema":1,"release":"opt-in","notes":null,"questions":[{"q":{"en":"x"}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ParseNotes(text)
		if err != nil {
			return
		}
		if _, err := ParsePublishedNotes(text); err != nil || identity(d.Schema, notesClients, d.Release) != nil {
			t.Fatalf("accepted, and not read once it is published: %v", err)
		}
	})
}
