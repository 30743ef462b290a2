// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

var comparable = cmpopts.EquateComparable(probe.Value{})

func example() Body {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return Body{
		Schema: 1, ID: strings.Repeat("0a", 16), Seq: 3, Kind: report.KindEffect, Release: "miui-cloud-messaging-opt-in",
		Model: "armani", Variant: "armani_global", Channel: "stable",
		Build: "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys", BuildUTC: 1407628800, Progress: report.ProgressRunning,
		Key: fmt.Sprintf("%x", []byte(key)),
		Evidence: Evidence{
			Feature: 1, Migration: MigrationSwitchOff, State: StateOff, Origin: OriginPolicy, Consent: ConsentNone, ConsentSurface: SurfaceNone,
			AutoGate: GateClosed, Slots: []Slot{{Present: true, By: RegisteredByNone}}, Transport: TransportNotUsed, ObservedHours: 24,
		},
	}
}

// forms are bodies that have every field, no optional one, and the edges of the ranges.
func forms() []Body {
	failed, edges, blank := example(), example(), example()
	failed.Progress, failed.Failure = report.ProgressFailed, &report.Failure{Phase: report.PhaseInstall, Code: 9999}
	edges.Seq, edges.PreviousBuild = maxSeq, edges.Build
	edges.Evidence.Slots = append(edges.Evidence.Slots, Slot{true, true, RegisteredByAuto})
	edges.Evidence.Triggers = Triggers{true, true, true, true, true, true}
	edges.Evidence.ConsentDay, edges.Evidence.AttemptsSetup = "2014-08-12", maxCount
	blank.Build, blank.BuildUTC = report.BuildOther, 0
	return []Body{example(), failed, edges, blank}
}

func TestReadEveryForm(t *testing.T) {
	for _, b := range forms() {
		got, ok := read(b.Bytes())
		if diff := cmp.Diff(b, got); !ok || diff != "" || b.Validate() != nil {
			t.Errorf("%t %v %s", ok, b.Validate(), diff)
		}
		r, form, err := Read(b.Bytes())
		if diff := cmp.Diff(b.Report(), r, comparable); !form || err != nil || diff != "" {
			t.Errorf("%t %v %s", form, err, diff)
		}
	}
}

// TestReadKnowsTheForm: another form of the same is none, and a fault in the one form is told.
func TestReadKnowsTheForm(t *testing.T) {
	good := string(example().Bytes())
	for name, tt := range map[string]struct {
		body string
		form bool
	}{
		"blank":         {strings.Replace(good, `"seq":3`, `"seq": 3`, 1), false},
		"field twice":   {strings.Replace(good, `"seq":3`, `"seq":3,"seq":3`, 1), false},
		"unknown field": {strings.Replace(good, `"seq":3`, `"seq":3,"imei":"x"`, 1), false},
		"no body":       {"", false},
		"out of range":  {strings.Replace(good, `"observed_hours":24`, `"observed_hours":169`, 1), true},
		"schema 2":      {strings.Replace(good, `"schema":1`, `"schema":2`, 1), true},
	} {
		r, form, err := Read([]byte(tt.body))
		if tt.body == good || form != tt.form || (err != nil) != tt.form || !cmp.Equal(r, report.Report{}, comparable) {
			t.Errorf("%s: %+v, %t, %v", name, r, form, err)
		}
	}
}

// TestParseRefuses alters a good body in one way each.
func TestParseRefuses(t *testing.T) {
	good := string(example().Bytes())
	slot := `{"present":true,"registered":false,"by":"none"}`
	for name, tt := range map[string]struct{ old, new, wants string }{
		"schema":              {`"schema":1`, `"schema":2`, "schema: wanted 1"},
		"id":                  {`"id":"0a`, `"id":"0A`, "id: wanted 32 hex digits"},
		"key":                 {`"key":"`, `"key":"0`, "key: wanted 64 hex digits"},
		"channel":             {`"stable"`, `"nightly"`, "channel: wanted one of [stable beta lab]"},
		"unknown field":       {`{"schema"`, `{"imei":"x","schema"`, "unknown field"},
		"unknown in evidence": {`"feature"`, `"carrier":"x","feature"`, "unknown field"},
		"wrong type":          {`"seq":3`, `"seq":"3"`, "seq"},
		"fraction":            {`"seq":3`, `"seq":3.5`, "seq"},
		"seq 0":               {`"seq":3`, `"seq":0`, "seq is out of range"},
		"negative":            {`"attempts_build":0`, `"attempts_build":-1`, "attempts_build"},
		"too many":            {`"observed_hours":24`, `"observed_hours":169`, "observed_hours is out of range; wanted 0 to 168"},
		"free text state":     {`"state":"off"`, `"state":"off since Tuesday"`, "evidence.state: wanted one of [off on suspended]"},
		"no slot":             {`"slots":[` + slot + `]`, `"slots":[]`, "slots has 0 entries, wanted one or two"},
		"three slots":         {`"slots":[`, `"slots":[` + slot + `,` + slot + `,`, "slots has 3 entries"},
		"failure while fine": {`"progress":"running"`, `"progress":"running","failure":{"phase":"boot","code":1}`,
			"failure stands with progress failed"},
		"no failure":    {`"progress":"running"`, `"progress":"failed"`, "failure stands with progress failed"},
		"day with time": {`"consent_day":""`, `"consent_day":"2014-08-10T10:00"`, "consent_day is no day"},
		"no such day":   {`"consent_day":""`, `"consent_day":"2014-02-30"`, "consent_day is no day"},
		"two values":    {`{"schema"`, `{}{"schema"`, "exactly one JSON object"},
	} {
		body := strings.Replace(good, tt.old, tt.new, 1)
		if _, err := Parse([]byte(body)); body == good || err == nil || !strings.Contains(err.Error(), tt.wants) {
			t.Errorf("%s: got %v, wanted words about %q", name, err, tt.wants)
		}
	}
	if got, err := Parse([]byte(good)); err != nil || !cmp.Equal(got, example()) {
		t.Errorf("the unaltered one: %+v, %v", got, err)
	}
}

func TestOtherBuild(t *testing.T) {
	b := example()
	b.Build, b.BuildUTC, b.PreviousBuild = report.BuildOther, 0, report.BuildOther
	if err := b.Validate(); err != nil {
		t.Error(err)
	}
	if b.BuildUTC = 912345678; b.Validate() == nil {
		t.Error("a build that has no name has a time")
	}
}

// TestRefusalsAreDiscreet puts a number where encoding/json would quote it.
func TestRefusalsAreDiscreet(t *testing.T) {
	const imei = "490154203237518"
	good := string(example().Bytes())
	for name, body := range map[string]string{
		"as a field":         strings.Replace(good, `{"schema"`, `{"`+imei+`":1,"schema"`, 1),
		"as a number":        strings.Replace(good, `"observed_hours":24`, `"observed_hours":`+imei+imei, 1),
		"as another type":    strings.Replace(good, `"state":"off"`, `"state":`+imei, 1),
		"outside of a value": imei + imei + "x" + good,
	} {
		if _, err := Parse([]byte(body)); body == good || err == nil || strings.Contains(err.Error(), imei) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestNoRoomForIdentity puts each forbidden item into each field, as text and as a number: none is taken, and none is repeated in the
// refusal.
func TestNoRoomForIdentity(t *testing.T) {
	forbidden := []any{
		"490154203237518", "+886 912 345 678", "0912345678", "460001234567890", "89860012345678901234", "owner@example.com",
		"25.0330,121.5654", "中華電信", json.Number("490154203237518"), json.Number("25.0330"),
	}
	var object map[string]any
	_ = json.Unmarshal(example().Bytes(), &object)
	var try func(at map[string]any)
	try = func(at map[string]any) {
		for field, value := range at {
			if inner, ok := value.(map[string]any); ok {
				try(inner)
				continue
			}
			for _, item := range forbidden {
				at[field] = item
				body, _ := json.Marshal(object)
				if _, err := Parse(body); err == nil {
					t.Errorf("%s took %s", field, item)
				} else if strings.Contains(err.Error(), fmt.Sprint(item)) {
					t.Errorf("%s: the refusal repeats what was sent: %v", field, err)
				}
			}
			at[field] = value
		}
	}
	try(object)
}

// TestReport: what version 1 said in its own fields is read into answers, counters into buckets.
func TestReport(t *testing.T) {
	b := example()
	b.Evidence.AttemptsSetup, b.Evidence.AttemptsBuild, b.Evidence.LookupsOff = 65_535, 9, 1
	b.Evidence.ObservedHours, b.Evidence.ConsentText, b.Evidence.ConsentDay = 167, 999, "2014-08-12"
	b.Evidence.Triggers.SIMReady = true
	r := b.Report()
	for name, want := range map[string]probe.Value{
		"feature": probe.Int(1), "state": probe.Word("off"), "origin": probe.Word("policy"),
		"consent": probe.Word("none"), "auto_gate": probe.Word("closed"),
		"slot_1": probe.Word("free"), "slot_2": probe.Word("absent"), "attempts_setup": probe.Int(10), "attempts_build": probe.Int(2),
		"lookups_off": probe.Int(1), "boot": probe.Bool(false), "sim_ready": probe.Bool(true), "data_up": probe.Bool(false),
		"observed_hours": probe.Int(24), "transport": probe.Word("not_used"),
	} {
		if r.Answers[name] != want {
			t.Errorf("%s is %v, wanted %v", name, r.Answers[name], want)
		}
		delete(r.Answers, name)
	}
	if len(r.Answers) > 0 || r.ConsentDay != "2014-08-12" || r.Schema != 1 || r.ID != b.ID {
		t.Errorf("more: %+v", r)
	}
	for slot, want := range map[Slot]string{
		{}: "absent", {false, false, RegisteredByUser}: "absent", {true, false, RegisteredByNone}: "free", {true, true, RegisteredByAuto}: "auto",
		{true, true, RegisteredByUser}: "user", {false, true, RegisteredByAuto}: "auto", {true, true, RegisteredByNone}: "free",
	} {
		if got := (Evidence{Slots: []Slot{slot}}).slot(0); got != probe.Word(want) {
			t.Errorf("%+v is %v, wanted %s", slot, got, want)
		}
	}
	days := map[string]string{"": "no_day", "2014-07-31": "before_prompt", "2014-08-01": "since_prompt", "2014-08-02": "since_prompt"}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if got := ConsentWhen(day, "2014-08-01"); got != probe.Word(days[day]) {
			t.Errorf("%q is %v, wanted %s", day, got, days[day])
		}
	}
}
