// SPDX-License-Identifier: Apache-2.0

package offers

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
)

func example() Document {
	return Document{Schema: 1, Model: "armani", Channel: "stable", Offers: []Offer{{
		Rollout: "r1", State: StateRunning, Salt: strings.Repeat("5a", 16), Stage: 1, Share: 5_000,
		Package: manifests.Package{Path: "builds/armani/x.zip", Length: 10, SHA256: strings.Repeat("0", 64)},
		Custom: manifests.Custom{Schema: 2, Manifest: strings.Repeat("ab", 32), Model: "armani", Variant: "armani", Channel: "stable",
			Release: "opt-in", Counter: 2, Build: manifests.Build{Fingerprint: "new", Incremental: "n", UTC: 200}},
	}}}
}

func handset() Handset {
	return Handset{Model: "armani", Variant: "armani", Build: "old", UTC: 100, Counter: 1, Secret: []byte("early-enough")}
}

// early and late are secrets whose draws lie below and above half of the fleet.
func secretWith(t *testing.T, want func(int) bool) []byte {
	t.Helper()
	for i := range 1000 {
		if s := fmt.Appendf(nil, "secret %d", i); want(Draw(DrawSecret(s, "opt-in"), example().Offers[0].Salt)) {
			return s
		}
	}
	t.Fatal("no such draw among 1000")
	return nil
}

func TestDecide(t *testing.T) {
	early := secretWith(t, func(d int) bool { return d < 5_000 })
	late := secretWith(t, func(d int) bool { return d >= 5_000 })
	tests := map[string]struct {
		doc  func(*Document)
		h    func(*Handset)
		want Reason
	}{
		"in the stage":            {nil, nil, ReasonOffered},
		"not yet":                 {nil, func(h *Handset) { h.Secret = late }, ReasonNotYet},
		"not yet, but begun":      {nil, func(h *Handset) { h.Secret, h.Begun = late, "r1" }, ReasonOffered},
		"held keeps its share":    {func(d *Document) { d.Offers[0].State = StateHeld }, nil, ReasonOffered},
		"halted":                  {func(d *Document) { d.Offers[0].State = StateHalted }, nil, ReasonHalted},
		"halted, begun":           {func(d *Document) { d.Offers[0].State = StateHalted }, func(h *Handset) { h.Begun = "r1" }, ReasonOffered},
		"halted, begun another":   {func(d *Document) { d.Offers[0].State = StateHalted }, func(h *Handset) { h.Begun = "r0" }, ReasonHalted},
		"nothing":                 {func(d *Document) { d.Offers = nil }, nil, ReasonNothing},
		"other model":             {func(d *Document) { d.Model = "dior" }, nil, ReasonWrongModel},
		"other variant":           {nil, func(h *Handset) { h.Variant = "armani_global" }, ReasonWrongVariant},
		"running":                 {nil, func(h *Handset) { h.Build = "new"; h.UTC = 200 }, ReasonRunning},
		"newer build":             {nil, func(h *Handset) { h.UTC = 300 }, ReasonOlder},
		"same time, other build":  {nil, func(h *Handset) { h.UTC = 200 }, ReasonOlder},
		"lower counter":           {nil, func(h *Handset) { h.Counter = 3 }, ReasonOlder},
		"begun does not go back":  {nil, func(h *Handset) { h.Counter, h.Begun = 3, "r1" }, ReasonOlder},
		"incremental from others": {func(d *Document) { d.Offers[0].PreBuilds = []string{"older"} }, nil, ReasonPreBuild},
		"incremental from this":   {func(d *Document) { d.Offers[0].PreBuilds = []string{"older", "old"} }, nil, ReasonOffered},
		"share of nobody":         {func(d *Document) { d.Offers[0].Share = 0 }, nil, ReasonNotYet},
		"share of all":            {func(d *Document) { d.Offers[0].Share = WholeFleet }, func(h *Handset) { h.Secret = late }, ReasonOffered},
		"same counter":            {nil, func(h *Handset) { h.Counter = 2 }, ReasonOffered},
		"draw is the share":       {func(d *Document) { d.Offers[0].Share = Draw(DrawSecret(early, "opt-in"), d.Offers[0].Salt) }, nil, ReasonNotYet},
		"draw is just below":      {func(d *Document) { d.Offers[0].Share = Draw(DrawSecret(early, "opt-in"), d.Offers[0].Salt) + 1 }, nil, ReasonOffered},
		"full after incremental": {func(d *Document) {
			d.Offers = append([]Offer{d.Offers[0]}, d.Offers[0])
			d.Offers[0].PreBuilds = []string{"older"}
		}, nil, ReasonOffered},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, h := example(), handset()
			h.Secret = early
			if tt.doc != nil {
				tt.doc(&d)
			}
			if tt.h != nil {
				tt.h(&h)
			}
			got := Decide(d, h)
			if got.Reason != tt.want || (got.Offer != nil) != (tt.want == ReasonOffered) {
				t.Errorf("got %s (offer %v), wanted %s", got.Reason, got.Offer != nil, tt.want)
			}
			if strings.Contains(got.Words(), "fault of the program") {
				t.Errorf("no words for %s", got.Reason)
			}
		})
	}
}

// TestRaisingAShareNeverTakesAnOfferAway walks shares upwards for many secrets.
func TestRaisingAShareNeverTakesAnOfferAway(t *testing.T) {
	for i := range 200 {
		h, had := handset(), false
		h.Secret = fmt.Appendf(nil, "handset %d", i)
		for share := 0; share <= WholeFleet; share += 250 {
			d := example()
			d.Offers[0].Share = share
			has := Decide(d, h).Reason == ReasonOffered
			if had && !has {
				t.Fatalf("handset %d lost its offer at share %d", i, share)
			}
			had = has
		}
		if !had {
			t.Fatalf("handset %d is not in the whole fleet", i)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(example().Bytes())
	for name, text := range map[string]string{
		"unknown field": strings.Replace(good, `"model"`, `"imei":"x","model"`, 1),
		"schema":        strings.Replace(good, `"schema": 1`, `"schema": 2`, 1),
		"channel":       strings.Replace(good, `"stable"`, `"secret"`, 1),
		"state":         strings.Replace(good, `"running"`, `"go"`, 1),
		"share":         strings.Replace(good, `5000`, `10001`, 1),
		"epoch":         strings.Replace(good, `"offers"`, `"epoch": 1000001, "offers"`, 1),
		"epoch below 0": strings.Replace(good, `"offers"`, `"epoch": -1, "offers"`, 1),
		"salt":          strings.Replace(good, `5a5a`, `5a`, 1),
		"other channel": strings.Replace(good, `"channel": "stable"`, `"channel": "beta"`, 1),
		"lab build": strings.ReplaceAll(strings.ReplaceAll(good, `"stable"`, `"lab"`), `"channel": "lab",
 "offers"`, `"channel": "stable",
 "offers"`),
		"other model": strings.Replace(good, `"model": "armani"`, `"model": "dior"`, 1),
		"trailing":    good + "{}",
	} {
		if text == good {
			t.Fatalf("%s: nothing was altered", name)
		}
		if _, err := ParseStrict([]byte(text)); err == nil {
			t.Errorf("%s was taken by a publisher", name)
		}
		if d, err := Parse([]byte(text)); err == nil && !grows[name] {
			t.Errorf("%s was taken by a handset: %+v", name, d)
		} else if err != nil && grows[name] {
			t.Errorf("%s was refused by a handset: %v", name, err)
		}
	}
}

// grows are the faults of TestParseRefuses that are none to a handset: it passes over them, or waits.
var grows = map[string]bool{"unknown field": true, "schema": true, "state": true}

// TestValidate alters one field of a good document at a time: each fault is found alone, and what lies on the edge
// of a range is none.
func TestValidate(t *testing.T) {
	tests := map[string]struct {
		alter func(*Document, *Offer)
		want  string // words of the only fault; "" for none
	}{
		"as it is":           {func(*Document, *Offer) {}, ""},
		"schema":             {func(d *Document, _ *Offer) { d.Schema = 0 }, "schema is 0"},
		"epoch below 0":      {func(d *Document, _ *Offer) { d.Epoch = -1 }, "epoch -1"},
		"an epoch":           {func(d *Document, _ *Offer) { d.Epoch = MaxEpoch }, ""},
		"epoch too high":     {func(d *Document, _ *Offer) { d.Epoch = MaxEpoch + 1 }, "epoch 1000001"},
		"no model":           {func(d *Document, o *Offer) { d.Model, o.Custom.Model = "", "" }, "model is empty"},
		"unknown channel":    {func(d *Document, o *Offer) { d.Channel, o.Custom.Channel = "All!", "All!" }, `channel "All!"`},
		"other model":        {func(_ *Document, o *Offer) { o.Custom.Model = "dior" }, `offers a build of "dior"`},
		"other channel":      {func(_ *Document, o *Offer) { o.Custom.Channel = "lab" }, `for the channel "lab"`},
		"no rollout":         {func(_ *Document, o *Offer) { o.Rollout = "" }, `rollout id ""`},
		"rollout of control": {func(_ *Document, o *Offer) { o.Rollout = "r\x1b[2J" }, `rollout id "r\x1b[2J"`},
		"rollout too long":   {func(_ *Document, o *Offer) { o.Rollout = strings.Repeat("r", 201) }, "rollout id"},
		"rollout of 200":     {func(_ *Document, o *Offer) { o.Rollout = strings.Repeat("r", 200) }, ""},
		"manifest":           {func(_ *Document, o *Offer) { o.Manifest.Path = "x\x1b[2J" }, "manifest"},
		"manifest's hash":    {func(_ *Document, o *Offer) { o.Manifest.SHA256 = strings.Repeat("0", 65) }, "manifest"},
		"pre-build":          {func(_ *Document, o *Offer) { o.PreBuilds = []string{"a", "\u202e"} }, "pre_builds"},
		"pre-build too long": {func(_ *Document, o *Offer) { o.PreBuilds = []string{strings.Repeat("x", 257)} }, "pre_builds"},
		"pre-builds":         {func(_ *Document, o *Offer) { o.PreBuilds = make([]string, maxPreBuilds+1) }, "pre_builds"},
		"many pre-builds":    {func(_ *Document, o *Offer) { o.PreBuilds = make([]string, maxPreBuilds) }, ""},
		"needs more":         {func(d *Document, _ *Offer) { d.Needs = "x" }, "by a newer program"},
		"an offer needs":     {func(_ *Document, o *Offer) { o.Needs = "x" }, "by a newer program"},
		"unknown state":      {func(_ *Document, o *Offer) { o.State = "paused" }, `state "paused"`},
		"held":               {func(_ *Document, o *Offer) { o.State = StateHeld }, ""},
		"halted":             {func(_ *Document, o *Offer) { o.State = StateHalted }, ""},
		"finished":           {func(_ *Document, o *Offer) { o.State = StateFinished }, ""},
		"capital salt":       {func(_ *Document, o *Offer) { o.Salt = strings.Repeat("5A", 16) }, "salt"},
		"share below 0":      {func(_ *Document, o *Offer) { o.Share = -1 }, "share -1"},
		"share 0":            {func(_ *Document, o *Offer) { o.Share = 0 }, ""},
		"whole fleet":        {func(_ *Document, o *Offer) { o.Share = WholeFleet }, ""},
		"more than all":      {func(_ *Document, o *Offer) { o.Share = WholeFleet + 1 }, "share 10001"},
		"counter 0":          {func(_ *Document, o *Offer) { o.Custom.Counter = 0 }, "must be positive"},
		"counter 1":          {func(_ *Document, o *Offer) { o.Custom.Counter = 1 }, ""},
		"no build time":      {func(_ *Document, o *Offer) { o.Custom.Build.UTC = 0 }, "must be positive"},
		"build time 1":       {func(_ *Document, o *Offer) { o.Custom.Build.UTC = 1 }, ""},
		"empty package":      {func(_ *Document, o *Offer) { o.Package.Length = 0 }, "must be positive"},
		"one byte":           {func(_ *Document, o *Offer) { o.Package.Length = 1 }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := example()
			tt.alter(&d, &d.Offers[0])
			err := d.Validate()
			if tt.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, wanted one fault: %s", err, tt.want)
			}
		})
	}
}

// TestEpochIsRead: by handsets and publishers alike; a document without one stays as it always was.
func TestEpochIsRead(t *testing.T) {
	d := example()
	if strings.Contains(string(d.Bytes()), "epoch") {
		t.Errorf("a document without an epoch speaks of one:\n%s", d.Bytes())
	}
	d.Epoch = 7
	for name, parse := range map[string]func([]byte) (Document, error){"handset": Parse, "publisher": ParseStrict} {
		if got, err := parse(d.Bytes()); err != nil || got.Epoch != 7 {
			t.Errorf("%s: %d, %v", name, got.Epoch, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example().Bytes())
	again := example()
	again.Epoch = 7
	f.Add(again.Bytes())
	for _, text := range future {
		f.Add([]byte(text.change(string(example().Bytes()))))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if _, strictly := ParseStrict(text); strictly == nil && err != nil && manifests.Understand(text, "", Schema, new(any)) == nil {
			t.Fatalf("a publisher writes what a handset refuses: %v", err)
		}
		if err != nil {
			return
		}
		for _, h := range []Handset{handset(), {Model: d.Model}} {
			if words := Decide(d, h).Words(); strings.ContainsFunc(words, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("words that a terminal would obey: %q", words)
			}
		}
		if d.Validate() != nil {
			return // it needs a newer program, or holds an offer that does
		}
		again, err := Parse(d.Bytes())
		if err != nil || !bytes.Equal(again.Bytes(), d.Bytes()) {
			t.Fatalf("does not survive marshalling: %v\n%s", err, cmp.Diff(d, again))
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	d, h := example(), handset()
	b.ReportAllocs()
	for b.Loop() {
		Decide(d, h)
	}
}

// An incremental stands before the full package of its build: whoever runs its source takes it, all others the full
// one, and the reason of who gets neither is that of the full one.
func TestDecideBetweenIncrementalAndFull(t *testing.T) {
	doc := example()
	full := doc.Offers[0]
	full.Share = WholeFleet
	small, image := full, full
	small.Package.Path, small.PreBuilds = "builds/armani/small.zip", []string{"older", "old"}
	image.Package.Path, image.Custom.Variant = "builds/armani/global.zip", "armani_global"
	smallGlobal := image
	smallGlobal.Package.Path, smallGlobal.PreBuilds = "builds/armani/small-global.zip", []string{"old"}
	doc.Offers = []Offer{smallGlobal, small, image, full}
	decide := func(change func(*Handset)) Decision {
		h := handset()
		change(&h)
		return Decide(doc, h)
	}
	for _, build := range []string{"old", "older"} {
		if d := decide(func(h *Handset) { h.Build = build }); d.Reason != ReasonOffered || d.Offer.Package.Path != small.Package.Path {
			t.Errorf("on %s: %s", build, d.Reason)
		}
	}
	if d := decide(func(h *Handset) { h.Build = "another" }); d.Reason != ReasonOffered || d.Offer.Package.Path != full.Package.Path {
		t.Errorf("on another build: %s", d.Reason)
	}
	for i := range doc.Offers {
		doc.Offers[i].Share = 0
	}
	for _, variant := range []string{"armani", "armani_global"} {
		d := decide(func(h *Handset) { h.Build, h.Variant = "another", variant })
		if d.Reason != ReasonNotYet {
			t.Errorf("%s, before its turn: %s", variant, d.Reason)
		}
	}
	if d := decide(func(h *Handset) { h.Variant = "armani_cn" }); d.Reason != ReasonWrongVariant {
		t.Errorf("another image: %s", d.Reason)
	}
}
