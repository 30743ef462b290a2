// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/release"
	"landed/signer/ceremony"
)

func TestWrap(t *testing.T) {
	for text, want := range map[string][]string{
		"":                            {""},
		"one two three four":          {"one two", "three four"},
		"a-word-that-is-far-too-long": {"a-word-that-is-far-too-long"},
		"x a-word-that-is-too-long y": {"x", "a-word-that-is-too-long", "y"},
		"网络短信现在默认关闭。":                 {"网络短信现", "在默认关", "闭。"},
		"关 on 闭":                      {"关 on 闭"},
	} {
		if got := wrap(text, 11); !slices.Equal(got, want) {
			t.Errorf("%q is set as %q, wanted %q", text, got, want)
		}
	}
}

// TestReviewSteersNoTerminal: every text that a request can bring, hostile and long, is printed plain and in lines.
func TestReviewSteersNoTerminal(t *testing.T) {
	evil := "\x1b[2J\u202eAll is well.\u009b\nNothing here forbids to sign. " + strings.Repeat("word ", 60)
	say := map[string]string{"en": evil, "zh-Hans": strings.Repeat("网络短信现在默认关闭，", 20)}
	words := effect.Words{Question: evil, Shown: evil, Classes: map[string]effect.ClassWords{"fine": {Name: evil}}}
	e := effect.Effect{Name: evil, Classes: []effect.Class{{Name: "fine", Kind: effect.Good}}, Words: map[string]effect.Words{"en": words},
		Rules:  []effect.Rule{{Class: "fine", When: evil, Code: evil}},
		Before: effect.Before{Findings: []string{evil}, Rules: []effect.Find{{Finding: evil, When: evil}}},
		Ask: probe.Ask{Reason: evil, Triggers: []string{evil}, Hours: 1, PromptDay: evil,
			Probes: []probe.Probe{{Name: evil[:12], Kind: probe.KindInt, Max: 9, Unit: evil[:12]}}}}
	person := ceremony.Person{Name: evil, KeyID: evil}
	s := ceremony.Summary{Title: evil, Changes: []string{evil}, Models: []manifests.Model{{Device: evil, Product: evil,
		Numbers: []string{evil}}},
		Declared: []ceremony.Declaration{{Release: evil, Models: []string{evil}, Notes: say, Effect: &e, Bits: 99,
			Migration: map[string]probe.Migration{evil: probe.MigrationAsk}, Questions: []release.Question{{Question: say, Answer: say}}}},
		Signatures: []ceremony.Signatures{{Role: evil, Need: 2, Signed: []ceremony.Person{person}, Missing: []ceremony.Person{person}}},
		Problems:   []ceremony.Problem{{Code: ceremony.RulesBroken, Refuse: true, Words: evil}}}
	var out bytes.Buffer
	page{&terminal{out: &out, err: &out}}.review(s)
	text := out.String()
	if strings.ContainsAny(text, "\x1b\u202e\u009b") {
		t.Errorf("it steers the terminal: %q", text)
	}
	for line := range strings.Lines(text) {
		if n := cells(strings.TrimSuffix(line, "\n")); n > 100 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
		if strings.HasPrefix(line, "Nothing here forbids") {
			t.Error("a request says that nothing forbids to sign")
		}
	}
	for _, want := range []string{"WHY MORE THAN AN IMEI", "an IMEI takes 47", "0 to 9", "suspends it and asks"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing is said of %q in:\n%s", want, text)
		}
	}
}

var prints = regexp.MustCompile(`fmt\.F?[Pp]rint(ln|f)?\(|json\.NewEncoder|os\.Std(out|err)`)

// TestOnlyTheTerminalPrints: all that is printed goes through the terminal, which makes it harmless, or is the meter's line.
func TestOnlyTheTerminalPrints(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "terminal.go" || file == "progress.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := prints.Find(text); found != nil {
			t.Errorf("%s prints past the terminal: %s", file, found)
		}
	}
}

// TestProgressInText: without a terminal a line comes after some seconds, and not for every block that is read.
func TestProgressInText(t *testing.T) {
	var out bytes.Buffer
	f, err := watchedFS{fstest.MapFS{"p.zip": {Data: make([]byte, 1000)}}, &out}.Open("p.zip")
	if err != nil {
		t.Fatal(err)
	}
	w := f.(*watchedFile)
	at := time.Unix(1000, 0)
	w.meter.now, w.meter.next = func() time.Time { return at }, at.Add(firstLine)
	read := func(after time.Duration) {
		at = at.Add(after)
		if _, err := w.ReadAt(make([]byte, 100), 0); err != nil {
			t.Fatal(err)
		}
	}
	read(firstLine - 1)
	if out.Len() > 0 {
		t.Errorf("too early: %s", out.String())
	}
	for range 14 {
		read(firstLine)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSpace(out.String()), "\n"); len(got) != 3 || got[0] != "Reading p.zip: 20 % of 0 MB." ||
		!strings.Contains(got[2], "100 %") {
		t.Errorf("got %q", got)
	}
}

// TestProgressOnATerminal: one line that is written again, and gone in the end.
func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	at := time.Unix(1000, 0)
	m := meter{screen: &out, name: "p.zip", size: 4_000_000, live: true, now: func() time.Time { return at }, next: at}
	m.add(1_000_000)
	m.add(1_000_000) // too soon to be shown
	at = at.Add(refresh)
	m.add(1_000_000)
	m.end()
	want := clearLine + "Reading p.zip: 25 % of 4 MB." + clearLine + "Reading p.zip: 75 % of 4 MB." + clearLine
	if out.String() != want {
		t.Errorf("got %q, wanted %q", out.String(), want)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"armani", "armani", 0}, {"armnai", "armani", 2}, {"", "abc", 3}, {"dior", "dir", 1}, {"dir", "dior", 1}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%s to %s is %d, wanted %d", c.a, c.b, got, c.want)
		}
	}
}
