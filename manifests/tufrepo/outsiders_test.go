// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"strings"
	"testing"
)

func outsiders() []OutsiderKeys {
	return []OutsiderKeys{
		{Observers, keysOf(2, people("observer", 3)...)},
		{Witnesses, keysOf(1, people("lab", 1)...)},
		{WitnessesOf("armani"), keysOf(1, people("armani lab", 2)...)},
	}
}

// TestOutsidersInTheFeed: whoever looks from outside stands in the feed, and a TUF client goes on with it.
func TestOutsidersInTheFeed(t *testing.T) {
	r := newRepo("armani", "dior")
	before := r.set()
	r.files[Targets] = must(Sign(must(NewTargets(2, r.in(150), r.modelKeys(), outsiders()...)), r.targets[:2]...))
	r.publish(2)
	if err := CheckNext(before, r.set(), testNow); err != nil {
		t.Fatal(err)
	}
	info := must(Read(r.files[Targets]))
	if n := len(info.Models); n != 2 {
		t.Errorf("%d models, wanted 2", n)
	}
	if o := info.OutsidersOf(Observers); o.Threshold != 2 || len(o.Keys) != 3 {
		t.Errorf("observers: %d of %d keys", o.Threshold, len(o.Keys))
	}
	for model, want := range map[string]int{"armani": 3, "dior": 1} {
		if n := len(info.WitnessesFor(model)); n != want {
			t.Errorf("%d keys may vouch for handsets of %s, wanted %d", n, model, want)
		}
	}
	words := strings.Join(Diff(before, r.set()), "\n")
	for _, want := range []string{"observers: key ", "observers: 2 of 3 must confirm a statement.", "armani-witnesses: key "} {
		if !strings.Contains(words, want) {
			t.Errorf("the change is said to be\n%s\nwanted %q in it", words, want)
		}
	}
	with := r.set()
	r.files[Targets] = must(Sign(must(NewTargets(3, r.in(150), r.modelKeys())), r.targets[:2]...))
	if words := strings.Join(Diff(with, r.set()), "\n"); !strings.Contains(words, "observers: nobody is one any more") {
		t.Errorf("the change is said to be\n%s", words)
	}
}

// TestOutsidersOfNoModel: a fleet may name them before its first model.
func TestOutsidersOfNoModel(t *testing.T) {
	r := newRepo()
	r.files[Targets] = must(Sign(must(NewTargets(2, r.in(150), nil, outsiders()...)), r.targets[:2]...))
	r.publish(2)
	if err := r.set().Check(testNow); err != nil {
		t.Error(err)
	}
}

func TestOutsidersRefused(t *testing.T) {
	r := newRepo("armani")
	for _, c := range []struct {
		name string
		give []OutsiderKeys
		want string
	}{
		{"twice", append(outsiders(), outsiders()[0]), "observers is delegated twice"},
		{"a witness's voucher bears one signature", []OutsiderKeys{{Witnesses, keysOf(2, people("lab", 2)...)}}, "a voucher bears one"},
		{"more confirm than there are", []OutsiderKeys{{Observers, keysOf(3, people("observer", 2)...)}}, "wants 3 of 2 keys"},
		{"another role", []OutsiderKeys{{"auditors", keysOf(1, people("lab", 1)...)}}, "each model wants two roles"},
		{"of no model's name", []OutsiderKeys{{"targets-witnesses", keysOf(1, people("lab", 1)...)}}, `"targets"`},
		{"a signer of builds observes", []OutsiderKeys{{Observers, keysOf(1, r.builds...)}}, "needs keys of its own"},
		{"an observer is a witness", []OutsiderKeys{{Observers, keysOf(1, people("lab", 1)...)}, {Witnesses, keysOf(1, people("lab", 1)...)}},
			"needs keys of its own"},
	} {
		_, err := NewTargets(2, r.in(150), r.modelKeys(), c.give...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, wanted %q", c.name, err, c.want)
		}
	}
	models := []ModelKeys{{Observers, r.modelKeys()[0].Builds, r.modelKeys()[0].Offers}}
	if _, err := NewTargets(2, r.in(150), models); err == nil {
		t.Error("a model is called observers")
	}
	// A person of another trade signs the top of the tree: only the whole set tells.
	r.files[Targets] = must(Sign(must(NewTargets(2, r.in(150), r.modelKeys(), OutsiderKeys{Observers, keysOf(1, r.root[0])})), r.targets[:2]...))
	r.publish(2)
	if err := r.set().Check(testNow); err == nil || !strings.Contains(err.Error(), "needs keys of its own") {
		t.Errorf("a root key observes: %v", err)
	}
}

func TestOutsidersHaveNoFile(t *testing.T) {
	r := newRepo("armani")
	r.files[Targets] = must(Sign(must(NewTargets(2, r.in(150), r.modelKeys(), outsiders()...)), r.targets[:2]...))
	r.files[Observers] = must(Sign(must(NewRole(1, r.in(100), nil)), people("observer", 2)...))
	r.publish(2)
	if err := r.set().Check(testNow); err == nil || !strings.Contains(err.Error(), "observers: outsiders sign statements") {
		t.Errorf("error %v", err)
	}
}
