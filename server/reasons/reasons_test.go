// SPDX-License-Identifier: Apache-2.0

package reasons

import (
	"slices"
	"testing"

	"landed/server/fleet"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		reason fleet.Reason
		words  string
	}{
		{fleet.Reason{}, ""},
		{fleet.Said("a battery got hot"), "a battery got hot"},
		{fleet.Recorded("{n} left as it is"), "{n} left as it is"},
		{fleet.Reason{Code: "activated_itself", Values: map[string]string{"attempts_build": "1"}},
			"activated itself once since this build first booted"},
		{fleet.Reason{Code: LeaksFound, Values: map[string]string{"n": "1", "share": "150"}},
			"1 installation found leaking; the stage is held at 1.5 %"},
		{fleet.Reason{Code: FailuresHalt, Values: map[string]string{"failed": "3", "n": "20", "share": "1000"}},
			"3 of 20 installations failed; the gate allows 10 %"},
		{fleet.Reason{Code: "of_tomorrow", Values: map[string]string{"b": "2", "a": "1"}}, "of_tomorrow, a 1, b 2"},
	} {
		if got := Words(tt.reason); got != tt.words {
			t.Errorf("%v: %q, wanted %q", tt.reason, got, tt.words)
		}
	}
}

// TestEverySentenceIsFoundAgain: of each code, with the number one and with many.
func TestEverySentenceIsFoundAgain(t *testing.T) {
	for code, sentence := range sentences {
		for _, value := range []string{"1", "250"} {
			r := fleet.Reason{Code: code}
			for _, m := range hole.FindAllStringSubmatch(sentence, -1) {
				if r.Values == nil {
					r.Values = map[string]string{}
				}
				r.Values[m[1]] = value
			}
			got, ok := Of(Words(r))
			if words := code == fleet.SaidCode || code == fleet.RecordedCode; words == ok || ok && !got.Equal(r) {
				t.Errorf("%v became %q, and that %v, %t", r, Words(r), got, ok)
			}
		}
	}
	if r, ok := Of("the running build has no opt-in"); !ok || r.Code != NotOfRelease {
		t.Errorf("got %v", r)
	}
	if r, ok := Of("somebody asked"); ok {
		t.Errorf("a person's words became %v", r)
	}
}

func FuzzOf(f *testing.F) {
	f.Add("activated itself 2 times since this build first booted")
	f.Add("nothing of it is offered: x")
	f.Fuzz(func(t *testing.T, sentence string) {
		if r, ok := Of(sentence); ok && r.IsZero() {
			t.Errorf("%q became no reason", sentence)
		}
	})
}

func TestWaits(t *testing.T) {
	for minutes, want := range map[string]string{
		"0": "minute has", "1": "minute has", "2": "2 minutes have", "90": "90 minutes have", "91": "2 hours have",
		"2880": "48 hours have", "2881": "3 days have", "4320": "3 days have",
	} {
		if got := Words(fleet.Reason{Code: WaitsSoak, Values: map[string]string{"minutes": minutes}}); got != "another "+want+" passed" {
			t.Errorf("%s: %q", minutes, got)
		}
	}
	for code := range waits {
		if _, twice := sentences[code]; twice {
			t.Errorf("%s is a reason to wait, and another one", code)
		}
	}
}

// TestTrail: what the trail of a rollout says is found again in its lines.
func TestTrail(t *testing.T) {
	for line, want := range map[string][]fleet.Reason{
		"stage 1 of 4: 1 % of the fleet": {{Code: "trail_stage", Values: map[string]string{"stage": "1", "stages": "4", "share": "100"}}},
		"stage 2 of 4: 10 % of the fleet; 95 of 96 counted installations proven": {
			{Code: "trail_stage", Values: map[string]string{"stage": "2", "stages": "4", "share": "1000"}},
			{Code: "shown_proven", Values: map[string]string{"proven": "95", "judged": "96"}}},
		"stage 1 of 2: 5 % of the fleet (proposed by mei, approved by jun)": {
			{Code: "trail_stage", Values: map[string]string{"stage": "1", "stages": "2", "share": "500"}},
			{Code: "trail_proposed", Values: map[string]string{"first": "mei", "second": "jun"}}},
		"it is mended (proposed by mei, approved by jun)": {fleet.Said("it is mended"),
			{Code: "trail_proposed", Values: map[string]string{"first": "mei", "second": "jun"}}},
		"the last stage passed its gates; late joiners are included": {{Code: "trail_finished"}, {Code: "trail_late"}},
		"the last stage passed its gates with 9 of 9 counted installations proven, and none of 20 failed, which rules out more than 15 %; " +
			"late joiners are included": {{Code: "trail_finished"}, {Code: "shown_none_failed", Values: map[string]string{"proven": "9",
			"judged": "9", "n": "20", "share": "1500"}}, {Code: "trail_late"}},
		"stage 3 waits until another 48 hours have passed, and at least 5 counted installations could be judged, now 1": {
			{Code: "trail_waits", Values: map[string]string{"stage": "3"}}, {Code: WaitsSoak, Values: map[string]string{"minutes": "2880"}},
			{Code: WaitsJudged, Values: map[string]string{"needed": "5", "judged": "1"}}},
		"1 of 20 installations failed; the gate allows 10 %": {{Code: FailuresHalt, Values: map[string]string{"failed": "1", "n": "20",
			"share": "1000"}}},
		"a battery got hot": nil, "stage 1 waits until it is mended": nil, "": nil,
	} {
		got, ok := Trail(line)
		if ok != (want != nil) || !slices.EqualFunc(got, want, fleet.Reason.Equal) {
			t.Errorf("%q says %v, wanted %v", line, got, want)
		}
	}
	for code, sentence := range waits { // each, as a rollout that is looked at has it
		r := fleet.Reason{Code: code, Values: map[string]string{}}
		for _, m := range hole.FindAllStringSubmatch(sentence, -1) {
			r.Values[m[1]] = "7"
		}
		if got, ok := Trail("stage 1 waits until " + Words(r)); !ok || len(got) != 2 || !got[1].Equal(r) {
			t.Errorf("%v became %v", r, got)
		}
	}
}

func FuzzTrail(f *testing.F) {
	f.Add("stage 1 of 4: 1 % of the fleet (proposed by a, approved by b)")
	f.Add("stage 2 waits until another minute has passed, and x")
	f.Fuzz(func(t *testing.T, line string) {
		if all, ok := Trail(line); ok && len(all) == 0 {
			t.Errorf("%q says nothing", line)
		}
	})
}
