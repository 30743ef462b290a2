// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landed/manifests"
)

// custom1 is the custom part of a package as feeds had it before there was a second schema.
const custom1 = `{"model":"armani","variant":"armani","channel":"stable","release":"fix","counter":1,` +
	`"build":{"fingerprint":"f","incremental":"i","utc":1407600001},` +
	`"effect":{"name":"cloud-messaging-opt-in","feature":1,"migration":"leave","prompt_day":"2014-08-10"}}`

// TestCustomParts: each schema in its one form, and nothing else.
func TestCustomParts(t *testing.T) {
	now := string(packageFor("armani", 1).Custom)
	for name, c := range map[string]struct{ text, want string }{
		"of now":                     {now, ""},
		"of schema 1":                {custom1, ""},
		"of a schema to come":        {strings.Replace(now, `"schema":2`, `"schema":3`, 1), "version 3 of the custom part"},
		"with more than is known":    {strings.Replace(now, `"schema":2`, `"schema":2,"more":1`, 1), "unknown field"},
		"of schema 1, with more":     {strings.Replace(custom1, `"counter":1`, `"counter":1,"manifest":"x"`, 1), "unknown field"},
		"with less":                  {strings.Replace(now, `"effect":"cloud-messaging-opt-in",`, ``, 1), "missing"},
		"of schema 1, with less":     {strings.Replace(custom1, `,"prompt_day":"2014-08-10"`, ``, 1), "missing"},
		"with a field in capitals":   {strings.Replace(now, `"model"`, `"Model"`, 1), "not a device name"},
		"of schema 1, other effects": {strings.Replace(custom1, `"feature":1`, `"feature":"1"`, 1), "feature"},
	} {
		r := newRepo("armani")
		p := packageFor("armani", 1)
		p.Custom = json.RawMessage(c.text)
		role, err := NewRole(2, r.in(100), []Target{p})
		if err == nil {
			err = CheckStaged(r.set(), map[string][]byte{"armani": role}, testNow)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v; wanted %q", name, err, c.want)
		}
		got, ok := customOf(p.Custom)
		if ok != (c.want == "") {
			t.Errorf("%s: read %v as %+v", name, ok, got)
		}
	}
}

// TestFeedOfSchema1: metadata that was published before there was a second schema is read, and may be built upon.
func TestFeedOfSchema1(t *testing.T) {
	doc := must(os.ReadFile(filepath.Join("testdata", "golden", "armani-custom1.json")))
	info := must(Read(doc))
	if c, ok := customOf(info.Targets[0].Custom); !ok || c.Schema != 1 || c.Effect != "cloud-messaging-opt-in" || c.Counter != 7 {
		t.Errorf("read as %v %+v", ok, c)
	}
	r := newRepo("armani")
	next := must(NewRole(2, r.in(100), append(info.Targets, packageFor("armani", 8))))
	if err := CheckStaged(r.set(), map[string][]byte{"armani": next}, testNow); err != nil {
		t.Error(err)
	}
}

func TestPathsOfDocuments(t *testing.T) {
	for path, want := range map[string]string{
		ManifestPath("armani", "fix", "armani_global"): "builds/armani/fix.armani_global.json",
		EffectPath("armani", "fix"):                    "builds/armani/fix.effect.json",
		NotesPath("armani", "fix"):                     "builds/armani/fix.notes.json",
	} {
		if path != want || CheckPath(path) != nil {
			t.Errorf("%s, wanted %s", path, want)
		}
	}
	if _, err := manifests.NewCatalogue(manifests.Model{Device: "x", Variants: []string{"effect", "notes"},
		Profile: manifests.Profile{Family: "ab"}}); err == nil {
		t.Error("variants that collide with documents were taken")
	}
}

func TestDiffSaysTheEffect(t *testing.T) {
	r := newRepo("armani")
	p := packageFor("armani", 2)
	plain := packageFor("armani", 3)
	plain.Custom = json.RawMessage(strings.Replace(string(plain.Custom), `"effect":"cloud-messaging-opt-in"`, `"effect":""`, 1))
	words := strings.Join(Diff(r.set(), r.set().With(map[string][]byte{"armani": must(NewRole(2, r.in(100), []Target{p, plain}))})), "\n")
	for _, want := range []string{"counter 2, effect cloud-messaging-opt-in;", "counter 3, no effect, so nothing is claimed;"} {
		if !strings.Contains(words, want) {
			t.Errorf("no word of %q in:\n%s", want, words)
		}
	}
}
