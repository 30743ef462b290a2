// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/strict"
)

// FuzzParseYAML: what reads can be checked, whatever it is; what is good says the same after the way through JSON, in
// which it is signed, and judges any report as something.
func FuzzParseYAML(f *testing.F) {
	f.Add([]byte(backup))
	for _, name := range Shipped() {
		text, err := effects.ReadFile("effects/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("name: x\nprobes: [{name: in, kind: bool}]\nclasses: [{name: a, kind: good}]\nrules: [{class: a, when: 'true', code: b}]\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64<<10 {
			return
		}
		e, err := ParseYAML(text)
		if err != nil {
			return
		}
		p, err := Compile(e)
		if err != nil {
			return
		}
		signed, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var again Effect
		if err := strict.JSON(signed, &again); err != nil {
			t.Fatalf("%s\ndoes not read: %v", signed, err)
		}
		if err := again.Validate(); err != nil {
			t.Fatalf("%s\nis refused after the way through JSON: %v", signed, err)
		}
		if twice, err := json.Marshal(again); err != nil || !bytes.Equal(signed, twice) {
			t.Fatalf("%s\nis after the way through JSON %s, %v", signed, twice, err)
		}
		judgeAnything(t, p)
	})
}

// judgeAnything judges the first answers to every probe, and none.
func judgeAnything(t *testing.T, p *Program) {
	answers := probe.Answers{}
	for _, q := range p.Effect.Probes {
		answers[q.Name] = valueAt(q, 0)
	}
	if err := probe.Check(p.Effect.Probes, answers); err != nil {
		t.Fatal(err)
	}
	for _, given := range []probe.Answers{answers, nil} {
		r := report.Report{Schema: 2, Model: "armani", Variant: "armani", Build: patchedBuild, Progress: report.ProgressRunning, Answers: given}
		v := Judge(now, Subject{Newest: r, Last: now.Add(-time.Hour)}, Standard{Program: p, Builds: testBuilds})
		if v.Class == "" || v.Kind != p.Effect.KindOf(v.Class) || len(v.Because) == 0 {
			t.Fatalf("%+v is judged as %+v", given, v)
		}
		if given == nil && len(p.Effect.Probes) > 0 && v.Kind == Good {
			t.Fatalf("good, and nothing is answered: %+v", v)
		}
	}
}
