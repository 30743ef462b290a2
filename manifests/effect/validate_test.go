// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

const backup = `
name: backup-off
probes:
  - {name: state, kind: enum, values: ["off", "on"]}
  - {name: origin, kind: enum, values: [factory, user]}
  - {name: sent, kind: int, buckets: [0, 1, 2, 10]}
  - {name: version, kind: int, max: 3}
  - {name: boot, kind: bool}
triggers: [boot]
hours: 24
prompt_day: "2014-08-01"
migration: ask
classes:
  - {name: quiet, kind: good}
  - {name: loud, kind: bad}
rules:
  - {class: loud, code: sent_it, when: on_release && sent > 0 && version >= 0}
  - {class: quiet, code: all_off, when: 'on_release && tested && state == "off" && origin in ["factory", "user"]'}
before:
  findings: [had_sent]
  rules:
    - {finding: had_sent, when: sent > 0}
words:
  en:
    subject: The backup
    question: Does it still run?
    shown: The backup is off.
    migration: {ask: It asks.}
    classes:
      quiet: {name: Quiet, means: It is off., tell: It is off., still: "No.", do: Nothing.}
      loud: {name: Loud, means: It sent., tell: It sent., still: "Yes.", do: Call.}
    before: {had_sent: Had sent}
    reasons:
      sent_it: "sent (times: {sent}; version {version})"
      all_off: "off, set by {origin}"
    probes:
      state: {name: The switch, values: {"off": "off", "on": "on"}}
      origin: {name: Who, values: {factory: the factory, user: the user}}
      sent: {name: Times sent}
      version: {name: Version, values: {"0": none}}
      boot: {name: Restarted, values: {"true": "yes"}}
`

func backupEffect(t testing.TB) Effect {
	t.Helper()
	e, err := ParseYAML([]byte(backup))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// rule gives a change that adds a rule of the class loud.
func rule(when string) func(*Effect) {
	return func(e *Effect) {
		e.Rules = append(e.Rules, Rule{"loud", when, "other"})
		e.Words["en"].Reasons["other"] = "another"
	}
}

func english(change func(*Words)) func(*Effect) {
	return func(e *Effect) {
		w := e.Words["en"]
		change(&w)
		e.Words["en"] = w
	}
}

// wide declares n probes of 16 bits each, with words.
func wide(n int) func(*Effect) {
	return func(e *Effect) {
		for i := range n {
			name := fmt.Sprintf("n%d", i)
			e.Probes = append(e.Probes, probe.Probe{Name: name, Kind: probe.KindInt, Max: probe.MaxInt})
			e.Words["en"].Probes[name] = ProbeWords{Name: name}
			e.Rules = append(e.Rules, Rule{Class: e.Rules[0].Class, When: name + " > 0", Code: name})
			e.Words["en"].Reasons[name] = "a number"
		}
	}
}

// TestValidate makes one fault each in a good effect; the error names what was found and what was wanted.
func TestValidate(t *testing.T) {
	if err := backupEffect(t).Validate("en"); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	set := func(change func(*Effect)) func(*Effect) { return change }
	tests := map[string]struct {
		change func(*Effect)
		wants  []string
	}{
		"name":         {set(func(e *Effect) { e.Name = "Backup off" }), []string{`"Backup off"`, "lower-case letter"}},
		"no name":      {set(func(e *Effect) { e.Name = "" }), []string{`name ""`}},
		"no language":  {set(func(e *Effect) { e.Words = nil }), []string{"effect backup-off has no words in en"}},
		"no class":     {set(func(e *Effect) { e.Classes, e.Rules = nil, nil }), []string{"no class", "at least one that is good"}},
		"nothing good": {set(func(e *Effect) { e.Classes[0].Kind = Open }), []string{"no class is good"}},
		"unknown kind": {set(func(e *Effect) { e.Classes[1].Kind = "evil" }), []string{"class loud", `"evil"`,
			"[good open bad unjudged]"}},
		"class name":  {set(func(e *Effect) { e.Classes[1].Name = "Loud!" }), []string{`class "Loud!"`, "lower-case"}},
		"class twice": {set(func(e *Effect) { e.Classes = append(e.Classes, e.Classes[0]) }), []string{"class quiet stands there twice"}},
		"reserved class": {set(func(e *Effect) { e.Classes = append(e.Classes, Class{Unpatched, Bad}) }),
			[]string{"class unpatched", "every effect has"}},
		"too many classes":   {set(func(e *Effect) { e.Classes = slices.Repeat(e.Classes, 9) }), []string{"18 classes", "at most 16"}},
		"class without rule": {set(func(e *Effect) { e.Rules = e.Rules[:1] }), []string{"no rule gives the class quiet"}},
		"rule of no class":   {set(func(e *Effect) { e.Rules[0].Class = "lowd" }), []string{`"lowd"`, "none that rules can give"}},
		"rule of unpatched":  {set(func(e *Effect) { e.Rules[0].Class = Unpatched }), []string{`"unpatched"`, "none that rules can give"}},
		"code":               {set(func(e *Effect) { e.Rules[0].Code = "Sent it" }), []string{`"Sent it"`, "lower-case"}},
		"too many rules":     {set(func(e *Effect) { e.Rules = slices.Repeat(e.Rules, 33) }), []string{"66 rules", "at most 64"}},
		"finding name": {set(func(e *Effect) { e.Before.Findings = append(e.Before.Findings, "Sent") }),
			[]string{`finding "Sent"`, "name of its own"}},
		"finding not_seen": {set(func(e *Effect) { e.Before.Findings = append(e.Before.Findings, NotSeen) }),
			[]string{`finding "not_seen"`, "name of its own"}},
		"finding twice": {set(func(e *Effect) { e.Before.Findings = append(e.Before.Findings, "had_sent") }),
			[]string{"finding had_sent stands there twice"}},
		"finding never given": {set(func(e *Effect) { e.Before.Rules = nil }), []string{"no rule of before gives the finding had_sent"}},
		"no such finding":     {set(func(e *Effect) { e.Before.Rules[0].Finding = "has_sent" }), []string{`"has_sent"`, "no finding"}},
		"too many findings": {set(func(e *Effect) { e.Before.Findings = slices.Repeat(e.Before.Findings, 9) }),
			[]string{"9 findings", "at most 8"}},
		"too many of before": {set(func(e *Effect) { e.Before.Rules = slices.Repeat(e.Before.Rules, 65) }),
			[]string{"65 of before", "at most 64"}},
		"condition of before": {set(func(e *Effect) { e.Before.Rules[0].When = "sent" }), []string{"finding had_sent",
			"type int", "wanted bool"}},

		"trigger is no bool":  {set(func(e *Effect) { e.Triggers = []string{"sent"} }), []string{`trigger "sent"`, "boolean probe"}},
		"trigger is no probe": {set(func(e *Effect) { e.Triggers = []string{"reboot"} }), []string{`trigger "reboot"`, "boolean probe"}},
		"hours":               {set(func(e *Effect) { e.Hours = 169 }), []string{"hours is 169", "0 to 168"}},
		"negative hours":      {set(func(e *Effect) { e.Hours = -1 }), []string{"hours is -1", "0 to 168"}},
		"prompt day":          {set(func(e *Effect) { e.PromptDay = "August" }), []string{`"August"`, "YYYY-MM-DD"}},
		"migration":           {set(func(e *Effect) { e.Migration = "wipe" }), []string{`"wipe"`, "leave, switch_off or ask"}},
		"too many bits":       {wide(3), []string{"the probes add up to", "55.0 bits", "47", "reason"}},
		"long reason":         {set(func(e *Effect) { e.Ask.Reason = strings.Repeat("x", 401) }), []string{"401 bytes", "at most 400"}},
		"too many probes":     {wide(60), []string{"65 probes", "at most 64"}},
		"probe twice":         {set(func(e *Effect) { e.Probes = append(e.Probes, e.Probes[0]) }), []string{"probe state is declared twice"}},
		"probe name":          {set(func(e *Effect) { e.Probes[0].Name = "State" }), []string{`probe "State"`, "lower-case letter"}},
		"probe named as core": {set(func(e *Effect) { e.Probes[3].Name = "hours" }), []string{"probe hours", "another value by that name"}},
		"probe named true": {set(func(e *Effect) { e.Probes[3].Name = "true" }), []string{"probe true", "word of the language",
			"another name"}},
		"probe named in":     {set(func(e *Effect) { e.Probes[3].Name = "in" }), []string{"probe in", "word of the language"}},
		"probe named import": {set(func(e *Effect) { e.Probes[3].Name = "import" }), []string{"probe import", "word of the language"}},
		"probe kind":         {set(func(e *Effect) { e.Probes[4].Kind = "text" }), []string{`"text"`, "int, bool or enum"}},
		"no max":             {set(func(e *Effect) { e.Probes[3].Max = 0 }), []string{`"version"`, "max is 0", "1 to 65535"}},
		"max and buckets":    {set(func(e *Effect) { e.Probes[2].Max = 9 }), []string{`"sent"`, "not both"}},
		"values of an int":   {set(func(e *Effect) { e.Probes[3].Values = []string{"a"} }), []string{`"version"`, "an int has no values"}},
		"one bucket":         {set(func(e *Effect) { e.Probes[2].Buckets = []int64{0} }), []string{`"sent"`, "1 buckets", "2 to 16"}},
		"buckets not from 0": {set(func(e *Effect) { e.Probes[2].Buckets = []int64{1, 2} }), []string{`"sent"`, "begins at 1, wanted 0"}},
		"bucket too high":    {set(func(e *Effect) { e.Probes[2].Buckets = []int64{0, 65_536} }), []string{`"sent"`, "above 65535"}},
		"buckets fall":       {set(func(e *Effect) { e.Probes[2].Buckets = []int64{0, 2, 1} }), []string{`"sent"`, "[0 2 1]", "rise"}},
		"bucket twice":       {set(func(e *Effect) { e.Probes[2].Buckets = []int64{0, 1, 1} }), []string{`"sent"`, "[0 1 1]", "rise"}},
		"bool with max":      {set(func(e *Effect) { e.Probes[4].Max = 1 }), []string{`"boot"`, "a bool has no max"}},
		"unit of a bool":     {set(func(e *Effect) { e.Probes[4].Unit = "boots" }), []string{`"boot"`, "only an int has a unit"}},
		"long unit": {set(func(e *Effect) { e.Probes[3].Unit = strings.Repeat("u", 25) }),
			[]string{`"version"`, "25 bytes", "at most 24"}},
		"enum with max":         {set(func(e *Effect) { e.Probes[0].Max = 1 }), []string{`"state"`, "an enum has no max"}},
		"enum of one":           {set(func(e *Effect) { e.Probes[0].Values = []string{"off"} }), []string{`"state"`, "1 values", "2 to 16"}},
		"enum word":             {set(func(e *Effect) { e.Probes[0].Values[1] = "On" }), []string{`value "On"`, "lower-case"}},
		"enum word twice":       {set(func(e *Effect) { e.Probes[0].Values[1] = "off" }), []string{"value off stands there twice"}},
		"unknown name":          {rule("sennt > 0"), []string{"rule other of class loud", "at character 1", "undeclared reference to 'sennt'"}},
		"type error":            {rule(`sent == "off"`), []string{"at character 6", "no matching overload"}},
		"no syntax":             {rule(`sent >`), []string{`"sent >"`, "Syntax error"}},
		"empty condition":       {rule(``), []string{`condition ""`, "Syntax error"}},
		"no bool":               {rule(`sent`), []string{`"sent" is of type int`, "wanted bool"}},
		"misspelt word":         {rule(`state == "of"`), []string{`state is never "of"`, "off or on"}},
		"misspelt word, turned": {rule(`"of" != state`), []string{`state is never "of"`, "off or on"}},
		"misspelt in a list":    {rule(`state in ["off", "onn"]`), []string{`state is never "onn"`, "off or on"}},
		"one of two in a list":  {rule(`"user" in [state, origin]`), []string{`state is never "user"`}},
		"misspelt progress":     {rule(`progress == "runing"`), []string{`progress is never "runing"`, "running"}},
		"between buckets":       {rule(`sent == 3`), []string{"sent is never 3", "0, 1, 2 or 10"}},
		"above the range":       {rule(`version in [3, 4]`), []string{"version is never 4", "0 to 3"}},
		"sum":                   {rule(`sent + version > 1`), []string{"_+_ is not allowed", "comparisons"}},
		"function":              {rule(`size(state) > 1`), []string{"size is not allowed"}},
		"pattern":               {rule(`state.matches("(a*)*")`), []string{"matches is not allowed"}},
		"choice":                {rule(`boot ? boot : tested`), []string{"_?_:_ is not allowed"}},
		"map":                   {rule(`state in {"off": 1}`), []string{"wanted names, constants, lists"}},
		"macro":                 {rule(`[1, 2].exists(n, n == sent)`), []string{"undeclared reference to 'exists'"}},
		"list compared":         {rule(`[state] == ["off"]`), []string{"a list stands only behind in"}},
		"too long":              {rule(strings.Repeat(" ", 400) + "boot"), []string{"404 bytes", "at most 400"}},
		"too costly": {rule("boot" + strings.Repeat(" && boot", 40)), []string{"81 names, constants and operators",
			"at most 64", "two rules"}},

		"no subject":    {english(func(w *Words) { w.Subject = " " }), []string{"words.en.subject is missing"}},
		"no question":   {english(func(w *Words) { w.Question = "" }), []string{"words.en.question is missing"}},
		"no shown":      {english(func(w *Words) { w.Shown = "" }), []string{"words.en.shown is missing"}},
		"blank by_hand": {english(func(w *Words) { w.ByHand = "\n" }), []string{"words.en.by_hand is missing"}},
		"long limits": {english(func(w *Words) { w.Limits = strings.Repeat("é", 301) }), []string{"words.en.limits has 602 bytes",
			"at most 600"}},
		"class not named": {english(func(w *Words) { delete(w.Classes, "loud") }), []string{"loud.name is missing", "loud.means", "loud.tell",
			"loud.still", "loud.do"}},
		"half a class": {english(func(w *Words) { w.Classes[Unknown] = ClassWords{Name: "?"} }),
			[]string{"classes.unknown.means is missing"}},
		"finding not worded": {english(func(w *Words) { delete(w.Before, "had_sent") }), []string{"words.en.before.had_sent is missing"}},
		"reason not worded":  {english(func(w *Words) { delete(w.Reasons, "all_off") }), []string{"words.en.reasons.all_off is missing"}},
		"hole never filled": {english(func(w *Words) { w.Reasons["sent_it"] = "{state}" }), []string{"reasons.sent_it holds {state}",
			"[sent version]"}},
		"hole of no probe": {english(func(w *Words) { w.Reasons["sent_it"] = "{sennt}" }), []string{"reasons.sent_it holds {sennt}",
			"no probe"}},
		"probe not named":   {english(func(w *Words) { delete(w.Probes, "sent") }), []string{"words.en.probes.sent.name is missing"}},
		"word not worded":   {english(func(w *Words) { delete(w.Probes["state"].Values, "on") }), []string{"probes.state.values.on is missing"}},
		"strange class":     {english(func(w *Words) { w.Classes["lowd"] = ClassWords{} }), []string{"words.en.classes.lowd", "no such thing"}},
		"strange reason":    {english(func(w *Words) { w.Reasons["x"] = "x" }), []string{"words.en.reasons.x", "no such thing"}},
		"strange probe":     {english(func(w *Words) { w.Probes["x"] = ProbeWords{} }), []string{"words.en.probes.x", "no such thing"}},
		"strange finding":   {english(func(w *Words) { w.Before["x"] = "x" }), []string{"words.en.before.x", "no such thing"}},
		"strange migration": {english(func(w *Words) { w.Migration["wipe"] = "x" }), []string{"words.en.migration.wipe", "no such thing"}},
		"strange bucket": {english(func(w *Words) { w.Probes["version"].Values["4"] = "x" }), []string{"words.en.probes.version.values.4",
			"no such thing"}},
		"strange bool": {english(func(w *Words) { w.Probes["boot"].Values["yes"] = "x" }), []string{"words.en.probes.boot.values.yes",
			"no such thing"}},
		"strange word": {english(func(w *Words) { w.Probes["state"].Values["onn"] = "x" }), []string{"words.en.probes.state.values.onn",
			"no such thing"}},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) {
			e := backupEffect(t)
			tests[name].change(&e)
			err := e.Validate("en")
			if err == nil {
				t.Fatal("no fault is found")
			}
			for _, want := range tests[name].wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got\n%v\nwanted words about %q", err, want)
				}
			}
		})
	}
}

// TestAllFaultsAtOnce: whoever writes an effect is not sent back for each of them.
func TestAllFaultsAtOnce(t *testing.T) {
	e := backupEffect(t)
	e.Name, e.Hours, e.Rules[0].When, e.Before.Rules[0].When = "X", 200, "sennt > 0", `state == "of"`
	e.Probes[3].Name = "tested"
	e.Words["en"].Reasons["all_off"] = ""
	_, err := Compile(e)
	if err == nil {
		t.Fatal("it compiles")
	}
	for _, want := range []string{`"X"`, "200", "sennt", `"of"`, "probe tested", "all_off is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got\n%v\nwanted words about %s too", err, want)
		}
	}
}

// TestMoreBitsWithAReason: what asks for as much as an IMEI says why.
func TestMoreBitsWithAReason(t *testing.T) {
	e := backupEffect(t)
	wide(3)(&e)
	e.Ask.Reason = "The fault shows only in combinations."
	if err := e.Validate("en"); err != nil {
		t.Error(err)
	}
}

// TestConditions are good ones: they compile, and hold as they read.
func TestConditions(t *testing.T) {
	// boot and version are not answered
	answers := probe.Answers{"state": probe.Word("on"), "origin": probe.Word("user"), "sent": probe.Int(2)}
	p, err := Compile(backupEffect(t))
	if err != nil {
		t.Fatal(err)
	}
	a := p.activation(report.Report{PreviousBuild: report.BuildOther, Progress: report.ProgressRunning, Answers: answers}, true)
	c, err := newCompiler(p.Effect.Ask)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`on_release && updated && !tested`:          true,
		`progress == "running" && hours == 24`:      true,
		`state in ["off", origin]`:                  false, // the word is held against state alone
		`"on" in [state]`:                           true,
		`origin in ["factory", "user"]`:             true,
		`sent >= 2 && sent < 10`:                    true,
		`sent > 5 || sent == 10`:                    false,
		`sent > -1`:                                 true,
		`boot`:                                      false,
		`!boot`:                                     false, // not answered is not false
		`version == 0 || version != 0`:              false,
		`version == 3 || state == "on"`:             true,
		`boot && state == "on"`:                     false,
		`boot == boot`:                              false,
		`!(boot || state == "on")`:                  false,
		`(state == "on") == (origin == "user")`:     true,
		`"on" == state ` + strings.Repeat(" ", 380): true,
	} {
		cond, err := c.compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := cond.holds(a); got != want {
			t.Errorf("%s: holds is %t", text, got)
		}
	}
}

// TestCompilePublished: no bound keeps a program from judging by what was published, but what has lost its meaning does.
func TestCompilePublished(t *testing.T) {
	on := report.Report{Answers: probe.Answers{"sent": probe.Int(1), "version": probe.Int(1)}}
	e := backupEffect(t)
	e.Rules[0].When += strings.Repeat(" || sent == 77", maxNodes)
	e.Classes, e.Words = append(e.Classes, e.Classes...), nil
	if _, err := Compile(e); err == nil {
		t.Error("it may be published")
	}
	p, err := CompilePublished(e)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := p.judge(on, p.activation(on, true)); !ok || v.Class != "loud" || v.Because[0].Values["sent"] == "" {
		t.Errorf("judged as %+v", v)
	}
	for what, change := range map[string]func(*Effect){
		"sent > 0 ||": func(e *Effect) { e.Rules[0].When = "sent > 0 ||" },
		"another":     func(e *Effect) { e.Rules[0].When = "another" },
		"progress":    func(e *Effect) { e.Probes[0].Name = "progress" }, // conditions would read another value by it
	} {
		e := backupEffect(t)
		change(&e)
		if _, err := CompilePublished(e); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
