// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"strings"
	"testing"
	"time"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

func TestAnswer(t *testing.T) {
	e := backupEffect(t)
	e.Probes = append(e.Probes, probe.Probe{Name: "wide", Kind: probe.KindInt, Buckets: []int64{0, 100, 65_535}})
	for _, tt := range []struct{ language, name, value, want string }{
		{"en", "sent", "0", "0"}, {"en", "sent", "1", "1"}, {"en", "sent", "2", "2–9"}, {"en", "sent", "10", "10+"},
		{"en", "sent", "3", "3"}, // no bucket: nothing is made up about it
		{"en", "sent", "", ""},   // not answered
		{"en", "sent", "02", "2–9"},
		{"en", "wide", "0", "0–99"}, {"en", "wide", "100", "100–65534"}, {"en", "wide", "65535", "65535+"},
		{"en", "version", "0", "none"}, {"en", "version", "3", "3"},
		{"en", "state", "off", "off"}, {"en", "origin", "factory", "the factory"}, {"en", "boot", "true", "yes"},
		{"en", "boot", "false", "false"},
		{"fr", "sent", "2", "2–9"}, {"fr", "origin", "factory", "factory"}, // no words: the value as it is
		{"en", "nothing", "7", "7"},
	} {
		if got := e.Answer(tt.language, tt.name, tt.value); got != tt.want {
			t.Errorf("%s, %s %q: got %q, wanted %q", tt.language, tt.name, tt.value, got, tt.want)
		}
	}
}

func TestReason(t *testing.T) {
	e := backupEffect(t)
	for _, tt := range []struct {
		language string
		r        Reason
		want     string
		ok       bool
	}{
		{"en", Reason{"sent_it", map[string]string{"sent": "2", "version": "0"}}, "sent (times: 2–9; version none)", true},
		{"en", Reason{"sent_it", map[string]string{"sent": "10", "version": "2"}}, "sent (times: 10+; version 2)", true},
		// once only
		{"en", Reason{"sent_it", map[string]string{"sent": "{version}", "version": "1"}}, "sent (times: {version}; version 1)", true},
		{"en", Reason{"all_off", map[string]string{"origin": "user"}}, "off, set by the user", true},
		{"en", Reason{CodeCloned, nil}, "", false},
		{"fr", Reason{"all_off", nil}, "", false},
	} {
		if got, ok := e.Reason(tt.language, tt.r); got != tt.want || ok != tt.ok {
			t.Errorf("%+v: got %q, %t; wanted %q, %t", tt.r, got, ok, tt.want, tt.ok)
		}
	}
}

// TestReasonNotAnswered: a reason whose probe was not answered says so, and leaves no hole in the sentence.
func TestReasonNotAnswered(t *testing.T) {
	e := backupEffect(t)
	got, ok := e.Reason("en", Reason{Code: "sent_it", Values: map[string]string{"sent": "1"}})
	if want := "sent (times: 1; version –)"; !ok || got != want {
		t.Errorf("got %q, %t; wanted %q", got, ok, want)
	}
}

// TestReasonsAreDiscreet: an answer that nobody asked for does not get into a reason, whatever condition looked at it.
func TestReasonsAreDiscreet(t *testing.T) {
	e := backupEffect(t)
	e.Rules[0].When = `on_release && (state == "on" || sent > 0 || version > 99 || boot)`
	e.Words["en"].Reasons["sent_it"] = "sent ({state}, {sent})"
	p, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	r := report.Report{Model: "armani", Variant: "armani", Build: patchedBuild, Answers: probe.Answers{
		"state": probe.Word("owner_of_it"), "sent": probe.Int(31_415), "boot": probe.Bool(true),
	}}
	v := Judge(now, Subject{Newest: r, Last: now.Add(-time.Hour)}, Standard{Program: p, Builds: testBuilds})
	if v.Class != "loud" || len(v.Because) != 1 {
		t.Fatalf("%+v", v)
	}
	for name, value := range v.Because[0].Values {
		if name != "boot" || value != "true" {
			t.Errorf("the reason gives %s: %s", name, value)
		}
	}
	if text, _ := e.Reason("en", v.Because[0]); strings.Contains(text, "owner") || strings.Contains(text, "31415") {
		t.Errorf("the reason says %q", text)
	}
}
