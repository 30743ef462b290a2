// SPDX-License-Identifier: Apache-2.0

package v3

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	v2 "landed/manifests/report/v2"
)

var comparable = cmpopts.EquateComparable(probe.Value{})

var (
	commit = strings.Repeat("0c", 32)
	draw   = strings.Repeat("5a", 16)
)

func example() report.Report {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return report.Report{
		Schema: 3, Seq: 3, Kind: report.KindEffect, Release: "miui-cloud-messaging-opt-in", Key: fmt.Sprintf("%x", []byte(key)),
		Model: "armani", Variant: "armani_global", Channel: "stable",
		Build: "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys", BuildUTC: 1407628800,
		PreviousBuild: report.BuildOther, Progress: report.ProgressRunning, Attempt: 1, Draw: draw,
		Answers: probe.Answers{"boot": probe.Bool(true), "observed_hours": probe.Int(24), "state": probe.Word("off")},
	}
}

// forms are one report of each kind and progress that differ in what stands there.
func forms() map[string]report.Report {
	waits, both, failed, sold := example(), example(), example(), example()
	waits.Kind, waits.Progress, waits.DrawCommit, waits.Draw = report.KindBaseline, report.ProgressKnown, commit, ""
	both.Kind, both.DrawCommit = report.KindBaseline, commit
	failed.Kind, failed.Progress, failed.Draw = report.KindProgress, report.ProgressFailed, ""
	failed.Failure = &report.Failure{Phase: report.PhaseInstall, Code: 9999}
	sold.Draw, sold.PreviousBuild, sold.Answers = "", "", probe.Answers{}
	return map[string]report.Report{"effect": example(), "baseline": waits, "running-baseline": both, "failed": failed, "sold": sold}
}

func TestReadEveryForm(t *testing.T) {
	for name, want := range forms() {
		text := Bytes(want)
		want.ID = fmt.Sprintf("%x", sha256.Sum256(text))
		got, form, err := Read(text)
		if diff := cmp.Diff(want, got, comparable); !form || err != nil || diff != "" {
			t.Errorf("%s: %s\n%t %v %s", name, text, form, err, diff)
		}
		parsed, err := Parse(text)
		if diff := cmp.Diff(want, parsed, comparable); err != nil || diff != "" {
			t.Errorf("%s: %s\n%v %s", name, text, err, diff)
		}
	}
}

// TestRecorded: bodies that were written once are read for ever, and written alike.
func TestRecorded(t *testing.T) {
	recorded := forms()
	for name, want := range recorded {
		text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		want.ID = ID(text)
		got, form, err := Read(text)
		if diff := cmp.Diff(want, got, comparable); !form || err != nil || diff != "" {
			t.Errorf("%s: %t %v %s", name, form, err, diff)
		}
		if again := Bytes(got); !bytes.Equal(again, text) {
			t.Errorf("%s is written as\n%s\nand was\n%s", name, again, text)
		}
	}
}

// TestBytesIsJSON: the one form is what encoding/json writes.
func TestBytesIsJSON(t *testing.T) {
	for name, r := range forms() {
		want, err := json.Marshal(body{v2.Body{
			Schema: 3, Key: r.Key, Seq: r.Seq, Kind: r.Kind, Release: r.Release, Model: r.Model, Variant: r.Variant, Channel: r.Channel,
			Build: r.Build, BuildUTC: r.BuildUTC, Updated: r.PreviousBuild != "", Progress: r.Progress, Failure: r.Failure,
			Attempt: r.Attempt, Answers: r.Answers,
		}, r.DrawCommit, r.Draw})
		if diff := cmp.Diff(string(want), string(Bytes(r))); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

// TestReadKnowsTheForm: another form of the same is none, and a fault in the one form is told.
func TestReadKnowsTheForm(t *testing.T) {
	waits := forms()["baseline"]
	for name, tt := range map[string]struct {
		of       report.Report
		old, new string
		form     bool
	}{
		"blank":              {example(), `"seq":3`, `"seq": 3`, false},
		"line end":           {example(), draw + `"}`, draw + "\"}\n", false},
		"blank at the end":   {example(), `,"draw"`, `, "draw"`, false},
		"draw twice":         {example(), `,"draw":"`, `,"draw":"` + draw + `","draw":"`, false},
		"draw empty":         {example(), draw, "", false},
		"draw short":         {example(), draw, draw[2:], false},
		"draw escaped":       {example(), draw, `\u0035a` + draw[2:], false},
		"draw before":        {example(), `,"answers"`, `,"draw":"` + draw + `","answers"`, false},
		"draw in answers":    {example(), `"state":"off"`, `"state":"off","draw":"` + draw + `"`, false},
		"order":              {waits, `,"draw_commit":"`, `,"draw":"` + draw + `","draw_commit":"`, false},
		"commitment twice":   {waits, `,"draw_commit":"`, `,"draw_commit":"` + commit + `","draw_commit":"`, false},
		"commitment of 63":   {waits, commit, commit[1:], false},
		"commitment capital": {waits, commit, strings.ToUpper(commit), false},
		"no commitment":      {waits, `,"draw_commit":"` + commit + `"`, "", true},
		"draw while waiting": {waits, commit + `"`, commit + `","draw":"` + draw + `"`, true},
		"commitment later":   {example(), `,"draw":"`, `,"draw_commit":"` + commit + `","draw":"`, true},
		"schema 2":           {example(), `"schema":3`, `"schema":2`, false},
		"out of range":       {example(), `"attempt":1`, `"attempt":16`, true},
		"nothing":            {example(), string(Bytes(example())), ``, false},
		"one brace":          {example(), string(Bytes(example())), `}`, false},
		"ends":               {example(), string(Bytes(example())), `{"schema":3,}`, false},
	} {
		good := string(Bytes(tt.of))
		text := strings.Replace(good, tt.old, tt.new, 1)
		if text == good {
			t.Errorf("%s: %q does not stand in the example", name, tt.old)
		}
		if _, form, err := Read([]byte(text)); form != tt.form || (err != nil) != form {
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
		"schema":        {func(r *report.Report) { r.Schema = 2 }, "schema: wanted 3"},
		"of the core":   {func(r *report.Report) { r.Seq = 0 }, "seq is out of range; wanted 1 to 65535"},
		"of version 2":  {func(r *report.Report) { r.PreviousBuild = r.Build }, "previous_build: only that there was one"},
		"no commitment": {func(r *report.Report) { r.Kind = report.KindBaseline }, "draw_commit: wanted 64 hex digits in a baseline"},
		"half of one": {func(r *report.Report) { r.Kind, r.DrawCommit = report.KindBaseline, draw },
			"draw_commit: wanted 64 hex digits in a baseline"},
		"out of place":  {func(r *report.Report) { r.DrawCommit = commit }, "draw_commit: it stands in baselines"},
		"draw of 64":    {func(r *report.Report) { r.Draw = commit }, "draw: wanted 32 hex digits"},
		"draw of words": {func(r *report.Report) { r.Draw = "owner@example.com" }, "draw: wanted 32 hex digits"},
		"draw, waiting": {func(r *report.Report) { r.Progress = report.ProgressKnown }, "draw: it does not stand with progress known"},
	} {
		r := example()
		tt.change(&r)
		if err := Validate(r); err == nil || !strings.Contains(err.Error(), tt.wants) {
			t.Errorf("%s: got %v, wanted words about %q", name, err, tt.wants)
		}
	}
}

// TestNoRoomForIdentity puts each forbidden item into the members that this version adds, as text and as a number:
// none is taken, and none is repeated in the refusal. The others are those of version 2, whose test tries them.
func TestNoRoomForIdentity(t *testing.T) {
	good := string(Bytes(forms()["running-baseline"]))
	for _, value := range []string{commit, draw} {
		for _, item := range []string{
			"490154203237518", "+886 912 345 678", "0912345678", "460001234567890", "89860012345678901234", "owner@example.com",
			"25.0330,121.5654", "中華電信",
		} {
			for _, text := range []string{strings.Replace(good, value, item, 1), strings.Replace(good, `"`+value+`"`, item, 1)} {
				if _, err := Parse([]byte(text)); err == nil || strings.Contains(err.Error(), item) {
					t.Errorf("%s: %v", item, err)
				}
			}
		}
	}
	text := strings.Replace(good, `"`+draw+`"`, "490154203237518", 1)
	if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), "draw: wanted another type") {
		t.Errorf("a number for a draw: %v", err)
	}
	text = strings.Replace(good, `"seq":3`, `"seq":"3"`, 1)
	if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), "report: seq: wanted another type") {
		t.Errorf("a text for a number: %v", err)
	}
}

// FuzzRead compares Read with encoding/json, whose word counts: Read takes a body if, and only if, it is what a report
// is written as, and reads the same report.
func FuzzRead(f *testing.F) {
	for _, r := range forms() {
		f.Add(Bytes(r))
		r.Schema, r.DrawCommit, r.Draw = 2, "", ""
		f.Add(v2.Bytes(r))
	}
	for _, text := range []string{``, `{}`, `null`, `{"schema":3,`, `{"schema":3,}`, `,"draw":"` + draw + `"}`, `{"schema":03}`} {
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
		if diff := cmp.Diff(want, got, comparable); diff != "" {
			t.Fatal(diff)
		}
	})
}
