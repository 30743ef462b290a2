// SPDX-License-Identifier: Apache-2.0

package legacy

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/release"
	"landed/manifests/shelf"
	"landed/server/fleet"
)

// unnamed takes away what phones of the second image call themselves, as a release from before that was asked for had it.
func unnamed(in Input, releases ...string) {
	for _, name := range releases {
		c := in.Declared[name]["nuwa"]
		c.Devices = nil
		in.Declared[name] = map[string]release.Clients{"nuwa": c}
	}
}

// TestVariantsOfOneName: phones of two image variants that ask for one name cannot be told apart, so neither is told of a
// package, whichever is newer; the reason is told.
func TestVariantsOfOneName(t *testing.T) {
	for name, change := range map[string]func(*Input){
		"one release": func(in *Input) { unnamed(*in, "fix-2") },
		"two releases": func(in *Input) {
			unnamed(*in, "fix-1", "fix-2")
			in.Offers.Offers = slices.DeleteFunc(in.Offers.Offers, func(o offers.Offer) bool {
				return (o.Custom.Variant == "nuwa_global") == (o.Custom.Release == "fix-2") // the older build is of the second image
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := world(t, 2, at(fleet.RolloutRunning, 1), at(fleet.RolloutRunning, 1))
			change(&in)
			d, leftOut, _ := Document(in)
			for _, f := range d.Files {
				if f.Target != nil || strings.Contains(f.Text, "ota_nuwa") {
					t.Errorf("%s is given away: %s", f.Path, f.Content())
				}
			}
			const words = "phones of the image variants nuwa and nuwa_global both ask for nuwa"
			if got := Alarms(in); len(got) != 1 || !strings.Contains(got[0], words) || !slices.Contains(leftOut, got[0]) {
				t.Errorf("alarms %q, left out %q; wanted words about %q", got, leftOut, words)
			}
		})
	}
	in := world(t, 1, at(fleet.RolloutFinished, 1))
	if got := Alarms(in); len(got) > 0 {
		t.Errorf("each of a name of its own: %q", got)
	}
}

// TestNamesOfBefore: a release is held against what phones of other image variants are offered already, or will be.
func TestNamesOfBefore(t *testing.T) {
	catalogue, err := manifests.NewCatalogue(nuwa())
	if err != nil {
		t.Fatal(err)
	}
	global := packageOf(2, "nuwa_global", "nuwa")
	declared := release.Release{Clients: map[string]release.Clients{"nuwa": clientsOf(global)}}
	set := func(name string) {
		c := declared.Clients["nuwa"]
		c.Devices = map[string]string{"nuwa_global": name}
		declared.Clients["nuwa"] = c
	}
	set("nuwa")
	china := fleet.PhoneName{Model: "nuwa", Variant: "nuwa", Name: "nuwa", Release: "fix-1"}
	for name, tt := range map[string]struct {
		before []fleet.PhoneName
		wants  string
	}{
		"nothing before":      {nil, ""},
		"the same variant":    {[]fleet.PhoneName{{Model: "nuwa", Variant: "nuwa_global", Name: "nuwa", Release: "fix-1"}}, ""},
		"another variant":     {[]fleet.PhoneName{china}, "phones of the image variant nuwa ask for nuwa too, since the release fix-1"},
		"another model":       {[]fleet.PhoneName{{Model: "fuxi", Variant: "fuxi", Name: "nuwa", Release: "f"}}, "phones of fuxi ask for nuwa"},
		"of other names":      {[]fleet.PhoneName{{Model: "nuwa", Variant: "nuwa", Name: "nuwa_cn"}, {Model: "fuxi", Name: "fuxi"}}, ""},
		"both in the release": {[]fleet.PhoneName{{Model: "nuwa", Variant: "nuwa_global", Name: "x", Release: "f"}}, ""},
	} {
		found := Faults(catalogue, declared, []fleet.Package{global}, tt.before, base)
		if tt.wants == "" && len(found) > 0 || tt.wants != "" && (len(found) != 1 || !strings.Contains(found[0].Error(), tt.wants)) {
			t.Errorf("%s: %v, wanted words about %q", name, found, tt.wants)
		}
	}
	// what is renamed by the very release is not held against its name of before
	both := []fleet.Package{packageOf(2, "nuwa", "nuwa"), packageOf(2, "nuwa_global", "nuwa_eea")}
	declared.Clients["nuwa"] = clientsOf(both...)
	before := []fleet.PhoneName{{Model: "nuwa", Variant: "nuwa", Name: "nuwa_eea", Release: "fix-1"}}
	if found := Faults(catalogue, declared, both, before, base); len(found) > 0 {
		t.Errorf("renamed: %v", found)
	}
}

// TestNamesOfModels: where a model was added whose name phones of another ask for, they are told of nothing from then on.
func TestNamesOfModels(t *testing.T) {
	in := world(t, 1, at(fleet.RolloutFinished, 1))
	eea := manifests.Model{Device: "nuwa_eea", Variants: []string{"nuwa_eea"}, Profile: manifests.Profile{Family: "ab"}}
	for _, polls := range []bool{false, true} {
		if eea.Protocols = nil; polls {
			eea.Protocols = []manifests.Protocol{manifests.AOSPSample}
		}
		catalogue, err := manifests.NewCatalogue(in.Model, eea)
		if err != nil {
			t.Fatal(err)
		}
		in.Models = catalogue
		d, _, _ := Document(in)
		given := slices.ContainsFunc(d.Files, func(f shelf.File) bool { return f.Path == "aosp-sample/stable/nuwa_eea.json" })
		if alarms := Alarms(in); given == polls || len(alarms) > 0 != polls {
			t.Errorf("phones of nuwa_eea poll: %v; given away: %v, alarms %q", polls, given, alarms)
		}
		asked := []fleet.PhoneName{{Model: "nuwa", Variant: "nuwa_global", Name: "nuwa_eea", Release: "fix-1"}}
		if got := NameFaults(eea, catalogue, asked); len(got) != 1 {
			t.Errorf("to add nuwa_eea: %v", got)
		}
		if got := NameFaults(in.Model, catalogue, asked); len(got) > 0 != polls {
			t.Errorf("to add nuwa again: %v", got)
		}
	}
	both := []fleet.PhoneName{{Model: "nuwa", Name: "x"}, {Model: "fuxi", Name: "x"}, {Model: "fuxi", Name: "fuxi"}}
	if got := NameFaults(in.Model, in.Models, both); len(got) != 1 || !strings.Contains(got[0].Error(), "as those of fuxi do") {
		t.Errorf("two models of one name: %v", got)
	}
}

// TestSomethingForEverybody: phones whose app knows no other word for "nothing" are told so, each by its own name.
func TestSomethingForEverybody(t *testing.T) {
	in := world(t, 1, at(fleet.RolloutRunning, 0))
	d, _, ok := Document(in)
	want := []shelf.File{{Path: "grapheneos/nuwa-stable", Type: shelf.Text, Text: "none 1 nuwa stable\n"},
		{Path: "grapheneos/nuwa_eea-stable", Type: shelf.Text, Text: "none 1 nuwa_eea stable\n"}}
	if !ok || !reflect.DeepEqual(d.Files, want) {
		t.Errorf("%+v, wanted %+v", d.Files, want)
	}
	in.Offers.Offers = nil
	if d, _, _ = Document(in); !reflect.DeepEqual(d.Files, want[:1]) {
		t.Errorf("before any release: %+v, wanted %+v", d.Files, want[:1])
	}
	if in.Model.Protocols = []manifests.Protocol{manifests.AOSPSample}; Always(in.Model) || !Always(nuwa()) {
		t.Error("it is not known who is always told of something")
	}
}
