// SPDX-License-Identifier: Apache-2.0

package offers

import (
	"encoding/json"
	"strings"
	"testing"

	"landed/manifests"
)

// future are documents of programs to come, made out of one of today.
var future = map[string]struct {
	change func(string) string
	reason Reason
	needs  string // part of the words
}{
	"a member in the document":         {put(`"model"`, `"log":{"must":1}`), ReasonOffered, ""},
	"a member in an offer":             {put(`"rollout"`, `"deltas":[{"from":"x"}]`), ReasonOffered, ""},
	"a member in the package":          {put(`"path": "builds/armani/x.zip"`, `"sha512":"00"`), ReasonOffered, ""},
	"a member in the custom part":      {put(`"variant"`, `"proof":null`), ReasonOffered, ""},
	"a member in the build":            {put(`"incremental"`, `"patch_level":"2026-11-01"`), ReasonOffered, ""},
	"a known name, in other letters":   {put(`"rollout"`, `"Share":0,"STATE":"halted"`), ReasonOffered, ""},
	"what is known must be understood": {put(`"rollout"`, `"must_understand":["share","custom"]`), ReasonOffered, ""},

	"the document must be understood": {put(`"model"`, `"log":1,"must_understand":["log"]`), ReasonNeeds,
		`a program that knows "log" in the offers document`},
	"an offer must be understood": {put(`"rollout"`, `"delta":1,"must_understand":["delta"]`), ReasonNeeds,
		`a program that knows "delta" in the offer`},
	"the package must be understood": {put(`"path": "builds/armani/x.zip"`, `"must_understand":["sha512"]`), ReasonNeeds,
		`a program that knows "sha512" in the offer`},
	"the custom part must be understood": {put(`"variant"`, `"must_understand":["proof"]`), ReasonNeeds,
		`a program that knows "proof" in the custom part`},
	"the build must be understood": {put(`"incremental"`, `"must_understand":["patch_level"]`), ReasonNeeds,
		`a program that knows "patch_level" in the custom part`},
	"many members": {put(`"rollout"`, `"must_understand":["a","b","c","d","e","f","g"]`), ReasonNeeds,
		`"a", "b", "c", "d", "e", 2 more`},
	"a name that commands terminals": {put(`"rollout"`, `"must_understand":["\u001b[2J\u202e"]`), ReasonNeeds,
		`"\x1b[2J\u202e"`},
	"a later version": {func(s string) string { return strings.Replace(s, `"schema": 1`, `"schema": 3`, 1) }, ReasonNeeds,
		"version 3 of the offers document; this program reads up to version 1"},
	"a later version of another shape": {func(string) string { return `{"schema": 2, "offers": {"armani": 7}, "model": 1}` },
		ReasonNeeds, "version 2 of the offers document"},
	"a custom part of a later version": {func(s string) string {
		return strings.Replace(s, `"schema": 2`, `"schema": 9`, 1)
	}, ReasonNeeds, "version 9 of the custom part"},
	"an unknown state": {func(s string) string { return strings.Replace(s, `"running"`, `"paused"`, 1) }, ReasonNeeds,
		`a program that knows "paused" in the state of a rollout`},
}

// put adds members before the first one that begins so.
func put(before, members string) func(string) string {
	return func(s string) string { return strings.Replace(s, before, members+","+before, 1) }
}

// A handset passes over what it does not know, or waits and says what it needs. A publisher writes none of it.
func TestDocumentsOfTheFuture(t *testing.T) {
	today := string(example().Bytes())
	for name, tc := range future {
		t.Run(name, func(t *testing.T) {
			text := tc.change(today)
			if text == today {
				t.Fatal("nothing was altered")
			}
			d, err := Parse([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			h := handset()
			h.Secret = secretWith(t, func(draw int) bool { return draw < 5_000 })
			got := Decide(d, h)
			if got.Reason != tc.reason || got.Reason == ReasonOffered && got.Offer == nil {
				t.Fatalf("got %s, wanted %s", got.Reason, tc.reason)
			}
			if tc.needs != "" && (!strings.Contains(got.Words(), tc.needs) || !strings.Contains(got.Needs, tc.needs)) {
				t.Errorf("it says: %s; wanted %s", got.Words(), tc.needs)
			}
			known := strings.Contains(name, "what is known") || strings.Contains(name, "a known name") // encoding/json forgives letters
			if _, err := ParseStrict([]byte(text)); err == nil && !known {
				t.Error("a publisher took it")
			}
		})
	}
}

// Behind an offer that needs a newer program may stand the one that brings it.
func TestOlderOfferBehindOneThatNeedsMore(t *testing.T) {
	doc := example()
	doc.Offers = append(doc.Offers, doc.Offers[0])
	doc.Offers[1].Share = WholeFleet
	text := put(`"rollout"`, `"must_understand":["delta"]`)(string(doc.Bytes()))
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := Decide(d, handset()); got.Reason != ReasonOffered || got.Offer != &d.Offers[1] {
		t.Errorf("got %s", got.Reason)
	}
}

// Malformed is not the same as new.
func TestGrowthIsNoExcuse(t *testing.T) {
	today := string(example().Bytes())
	for name, change := range map[string]func(string) string{
		"must_understand is no list":      put(`"rollout"`, `"must_understand":"delta"`),
		"a name twice in the document":    put(`"model"`, `"model":"armani"`),
		"a name twice in an offer":        put(`"rollout"`, `"share":1`),
		"a name twice in what is unknown": put(`"rollout"`, `"x":{"y":1,"y":2}`),
		"a version that is no number":     func(s string) string { return strings.Replace(s, `"schema": 1`, `"schema": "1"`, 1) },
		"no custom part":                  func(s string) string { return strings.Replace(s, `"custom"`, `"costum"`, 1) },
		"too deep":                        put(`"rollout"`, `"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)),
	} {
		text := change(today)
		if text == today {
			t.Fatalf("%s: nothing was altered", name)
		}
		if d, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s was taken: %+v", name, d)
		}
	}
}

// The custom part goes through a program that does not know all of it as it came.
func TestRawCustomSurvives(t *testing.T) {
	text := put(`"variant"`, `"proof":{"index":12345678901234567890,"of":1.50}`)(string(example().Bytes()))
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(d.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Offer{d.Offers[0], again.Offers[0]} {
		custom, err := o.CustomJSON()
		if err != nil || !strings.Contains(string(custom), `"proof":{"index":12345678901234567890,"of":1.50}`) {
			t.Errorf("got %s, %v", custom, err)
		}
	}
	own, err := example().Offers[0].CustomJSON() // made here, not read
	want, err2 := json.Marshal(example().Offers[0].Custom)
	if err != nil || err2 != nil || !manifests.SameJSON(own, want) {
		t.Errorf("got %s, wanted %s", own, want)
	}
}
