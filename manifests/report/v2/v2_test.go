// SPDX-License-Identifier: Apache-2.0

package v2

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

var comparable = cmpopts.EquateComparable(probe.Value{})

func example() report.Report {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return report.Report{
		Schema: 2, Seq: 3, Kind: report.KindEffect, Release: "miui-cloud-messaging-opt-in", Key: fmt.Sprintf("%x", []byte(key)),
		Model: "armani", Variant: "armani_global", Channel: "stable",
		Build: "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys", BuildUTC: 1407628800,
		PreviousBuild: report.BuildOther, Progress: report.ProgressRunning, Attempt: 1,
		Answers: probe.Answers{
			"attempts_build": probe.Int(0), "boot": probe.Bool(true), "data_up": probe.Bool(false), "observed_hours": probe.Int(24),
			"state": probe.Word("off"),
		},
	}
}

// forms are reports that have every field, no optional one, and the edges of the ranges.
func forms() []report.Report {
	failed, edges, blank, none := example(), example(), example(), example()
	failed.Progress, failed.Failure = report.ProgressFailed, &report.Failure{Phase: report.PhaseInstall, Code: 9999}
	edges.Seq, edges.Attempt, edges.BuildUTC, edges.Answers = report.MaxSeq, report.MaxAttempt, 1<<40, probe.Answers{}
	for i := range probe.MaxProbes {
		edges.Answers[fmt.Sprintf("n%d", i)] = probe.Int(probe.MaxInt)
	}
	blank.Build, blank.BuildUTC, blank.PreviousBuild, blank.Attempt = report.BuildOther, 0, "", 0
	none.Answers = probe.Answers{}
	return []report.Report{example(), failed, edges, blank, none}
}

func TestReadEveryForm(t *testing.T) {
	for _, want := range forms() {
		text := Bytes(want)
		want.ID = fmt.Sprintf("%x", sha256.Sum256(text))
		got, form, err := Read(text)
		if diff := cmp.Diff(want, got, comparable); !form || err != nil || diff != "" {
			t.Errorf("%s\n%t %v %s", text, form, err, diff)
		}
		parsed, err := Parse(text)
		if diff := cmp.Diff(want, parsed, comparable); err != nil || diff != "" {
			t.Errorf("%s\n%v %s", text, err, diff)
		}
	}
}

// TestBytesIsJSON: the one form is what encoding/json writes.
func TestBytesIsJSON(t *testing.T) {
	for _, r := range forms() {
		want, err := json.Marshal(Body{
			Schema: 2, Key: r.Key, Seq: r.Seq, Kind: r.Kind, Release: r.Release, Model: r.Model, Variant: r.Variant, Channel: r.Channel,
			Build: r.Build, BuildUTC: r.BuildUTC, Updated: r.PreviousBuild != "", Progress: r.Progress, Failure: r.Failure,
			Attempt: r.Attempt, Answers: r.Answers,
		})
		if diff := cmp.Diff(string(want), string(Bytes(r))); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}

// TestReadKnowsTheForm: another form of the same is none, and a fault in the one form is told.
func TestReadKnowsTheForm(t *testing.T) {
	good := string(Bytes(example()))
	for name, tt := range map[string]struct {
		old, new string
		form     bool
	}{
		"blank":          {`"seq":3`, `"seq": 3`, false},
		"line end":       {`}}`, "}}\n", false},
		"field twice":    {`"seq":3`, `"seq":3,"seq":3`, false},
		"unknown field":  {`"seq":3`, `"seq":3,"imei":"x"`, false},
		"other order":    {`"boot":true,"data_up":false`, `"data_up":false,"boot":true`, false},
		"answer twice":   {`"boot":true`, `"boot":true,"boot":true`, false},
		"escaped":        {`"off"`, `"\u006fff"`, false},
		"leading zero":   {`"seq":3`, `"seq":03`, false},
		"plus":           {`"seq":3`, `"seq":+3`, false},
		"capital field":  {`"seq":3`, `"Seq":3`, false},
		"answers null":   {`{"attempts_build":0,"boot":true,"data_up":false,"observed_hours":24,"state":"off"}`, `null`, false},
		"answer null":    {`"boot":true`, `"boot":null`, false},
		"answer list":    {`"boot":true`, `"boot":[true]`, false},
		"failure null":   {`"attempt"`, `"failure":null,"attempt"`, false},
		"answer as text": {`"boot":true`, `"boot":"true"`, true}, // a word, for whoever knows the release to refuse
		"out of range":   {`"attempt":1`, `"attempt":16`, true},
		"schema 1":       {`"schema":2`, `"schema":1`, false},
		"nothing":        {good, ``, false},
	} {
		text := strings.Replace(good, tt.old, tt.new, 1)
		if text == good {
			t.Errorf("%s: %q does not stand in the example", name, tt.old)
		}
		if _, form, err := Read([]byte(text)); form != tt.form || err != nil && !form {
			t.Errorf("%s: %t, %v", name, form, err)
		}
	}
}

// TestValidate makes one fault each.
func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*report.Report)
		wants  string
	}{
		"schema":  {func(r *report.Report) { r.Schema = 1 }, "schema: wanted 2"},
		"key":     {func(r *report.Report) { r.Key = strings.ToUpper(r.Key) }, "key: wanted 64 hex digits"},
		"seq 0":   {func(r *report.Report) { r.Seq = 0 }, "seq is out of range; wanted 1 to 65535"},
		"seq":     {func(r *report.Report) { r.Seq = 912345678 }, "seq is out of range; wanted 1 to 65535"},
		"kind":    {func(r *report.Report) { r.Kind = "wish" }, "kind: wanted one of [baseline progress effect]"},
		"release": {func(r *report.Report) { r.Release = "" }, "release: wanted a release name"},
		"model":   {func(r *report.Report) { r.Model = "a b" }, "model: wanted a device name"},
		"variant": {func(r *report.Report) { r.Variant = "/" }, "variant: wanted a variant name"},
		"channel": {func(r *report.Report) { r.Channel = "Stable" }, "channel: wanted the name of a channel"},
		"build":   {func(r *report.Report) { r.Build = "mine" }, "build: wanted a build fingerprint"},
		"number in build": {func(r *report.Report) { r.Build = strings.Replace(r.Build, "JHCMIBH45", "0912345678", 1) },
			"build: ten or more digits"},
		"time of other":  {func(r *report.Report) { r.Build = report.BuildOther }, "build_utc is out of range; wanted 0 to 0"},
		"no time":        {func(r *report.Report) { r.BuildUTC = 0 }, "build_utc is out of range; wanted 1 to"},
		"previous build": {func(r *report.Report) { r.PreviousBuild = r.Build }, "previous_build: only that there was one"},
		"progress":       {func(r *report.Report) { r.Progress = "done" }, "progress: wanted one of [known"},
		"failure": {func(r *report.Report) { r.Failure = &report.Failure{Phase: report.PhaseBoot} },
			"failure stands with progress failed"},
		"no failure": {func(r *report.Report) { r.Progress = report.ProgressFailed }, "failure stands with progress failed"},
		"phase": {func(r *report.Report) {
			r.Progress, r.Failure = report.ProgressFailed, &report.Failure{Phase: "x"}
		}, "failure.phase: wanted one of"},
		"code": {func(r *report.Report) {
			r.Progress, r.Failure = report.ProgressFailed, &report.Failure{Phase: report.PhaseBoot, Code: 10_000}
		}, "failure.code is out of range; wanted 0 to 9999"},
		"draw":           {func(r *report.Report) { r.Draw = strings.Repeat("0", 32) }, "no such member"},
		"commitment":     {func(r *report.Report) { r.DrawCommit = strings.Repeat("0", 64) }, "no such member"},
		"attempt":        {func(r *report.Report) { r.Attempt = 16 }, "attempt is out of range; wanted 0 to 15"},
		"no attempt":     {func(r *report.Report) { r.Attempt = -1 }, "attempt is out of range"},
		"name of answer": {func(r *report.Report) { r.Answers["IMEI"] = probe.Int(1) }, "answers: wanted names of probes"},
		"word":           {func(r *report.Report) { r.Answers["state"] = probe.Word("Off") }, "answers: wanted names of probes"},
		"negative":       {func(r *report.Report) { r.Answers["observed_hours"] = probe.Int(-1) }, "answers: wanted names of probes"},
		"large": {func(r *report.Report) { r.Answers["observed_hours"] = probe.Int(probe.MaxInt + 1) },
			"answers: wanted names of probes"},
		"no answer": {func(r *report.Report) { r.Answers["state"] = probe.Value{} }, "answers: wanted names of probes"},
		"too many answers": {func(r *report.Report) {
			for i := range 60 {
				r.Answers[fmt.Sprintf("n%d", i)] = probe.Int(1)
			}
		}, "answers: wanted at most 64"},
	} {
		r := example()
		tt.change(&r)
		if err := Validate(r); err == nil || !strings.Contains(err.Error(), tt.wants) {
			t.Errorf("%s: got %v, wanted words about %q", name, err, tt.wants)
		}
	}
}

// TestNoRoomForIdentity puts each forbidden item into each field, as text, as a number, and as the name of an answer:
// none is taken, and none is repeated in the refusal.
func TestNoRoomForIdentity(t *testing.T) {
	forbidden := []any{
		"490154203237518", "+886 912 345 678", "0912345678", "460001234567890", "89860012345678901234", "owner@example.com",
		"25.0330,121.5654", "中華電信", json.Number("490154203237518"), json.Number("886912345678901"), json.Number("25.0330"),
	}
	r := example()
	r.Progress, r.Failure = report.ProgressFailed, &report.Failure{Phase: report.PhaseBoot, Code: 1}
	var object map[string]any
	if err := json.Unmarshal(Bytes(r), &object); err != nil {
		t.Fatal(err)
	}
	refused := func(where string, item any) {
		text, _ := json.Marshal(object)
		if _, err := Parse(text); err == nil {
			t.Errorf("%s took %s", where, item)
		} else if strings.Contains(err.Error(), fmt.Sprint(item)) {
			t.Errorf("%s: the refusal repeats what was sent: %v", where, err)
		}
	}
	var try func(at map[string]any)
	try = func(at map[string]any) {
		for field, value := range at {
			if inner, ok := value.(map[string]any); ok {
				try(inner)
				continue
			}
			for _, item := range forbidden {
				at[field] = item
				refused(field, item)
			}
			at[field] = value
		}
	}
	try(object)
	for _, item := range forbidden {
		name := fmt.Sprint(item)
		object["answers"] = map[string]any{name: 1}
		refused("answers", name)
	}
}

// TestRefusalsAreDiscreet puts a number where encoding/json would quote it.
func TestRefusalsAreDiscreet(t *testing.T) {
	const imei = "490154203237518"
	good := string(Bytes(example()))
	for name, text := range map[string]string{
		"as a field":         strings.Replace(good, `{"schema"`, `{"`+imei+`":1,"schema"`, 1),
		"as a number":        strings.Replace(good, `"seq":3`, `"seq":`+imei+imei, 1),
		"as an answer":       strings.Replace(good, `"boot":true`, `"boot":`+imei, 1),
		"as a word":          strings.Replace(good, `"off"`, `"`+imei+`"`, 1),
		"as a name":          strings.Replace(good, `"boot"`, `"`+imei+`"`, 1),
		"as another type":    strings.Replace(good, `"stable"`, imei, 1),
		"outside of a value": imei + imei + "x" + good,
	} {
		if _, err := Parse([]byte(text)); text == good || err == nil || strings.Contains(err.Error(), imei) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// FuzzRead compares read with encoding/json, whose word counts: read takes a body if, and only if, it is what a report
// is written as, and reads the same report.
func FuzzRead(f *testing.F) {
	for _, r := range forms() {
		f.Add(Bytes(r))
	}
	for _, text := range []string{``, `{}`, `null`, `:{:{:{`, `[{[{},{},{`, `{"schema":02}`, `{"schema":2,"answers":{"a":"\u0061"}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, form, err := Read(text)
		want, parseErr := Parse(text)
		if parseErr == nil && bytes.Equal(text, Bytes(want)) != form {
			t.Fatalf("form is %t", form)
		}
		if !form || err != nil {
			return
		}
		if parseErr != nil {
			t.Fatalf("Parse refuses what Read takes: %v", parseErr)
		}
		var plain Body
		if err := json.Unmarshal(text, &plain); err != nil {
			t.Fatal(err)
		}
		r := plain.Report()
		r.ID = ID(text)
		if diff := cmp.Diff(r, got, comparable) + cmp.Diff(want, got, comparable); diff != "" {
			t.Fatal(diff)
		}
	})
}
